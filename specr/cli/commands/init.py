"""`specr init`."""

from __future__ import annotations

import shlex
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import click

from specr.cli.parameters import PathType
from specr.cli.session import Session, with_session

_FILES = {
    "specr.yaml": "specr.yaml",
    "train.py": "train.txt",
    ".gitignore": "gitignore",
    ".specrignore": "specrignore",
}
"""What is written, and the file of the package that it is made from."""

_LISTS = frozenset({".gitignore", ".specrignore"})
"""Files that keep their lines, and get those that they lack."""

_PLUGIN = "./plugins/specr-processor ./plugins/specr-scorer './plugins/specr-mlflow[runtime]'"
_NEEDED = {"sklearn": "scikit-learn", "pandas": "pandas", "mlflow": "mlflow-skinny"}
"""Modules that train.py imports, and packages that bring them."""


@click.command(
    "init",
    epilog="""\b
Examples:
  specr init
  specr init risk-models && cd risk-models && python train.py && specr plan""",
)
@click.argument("folder", metavar="[DIR]", required=False, type=PathType(file_okay=False))
@click.option("--force", is_flag=True, help="Write over a specr.yaml and train.py that are there.")
@with_session
def command(session: Session, *, folder: str | None, force: bool) -> None:
    """Write a small project that works.

    Into DIR, or the current folder: specs for an MLflow model (specr.yaml), a
    script that trains it (train.py), .gitignore and .specrignore. Where one of
    the first two is there already, nothing is written, unless --force says to
    write over them. The last two keep their lines and get those they lack.
    Projects don't lie in each other: in or around another, nothing is written.
    """
    from specr.diagnostics import Diagnostic, DiagnosticError

    target = session.root / (folder or "")
    taken = [name for name in ("specr.yaml", "train.py") if (target / name).exists()]
    if taken and not force:
        detail = f"{target / taken[0]} is there already; nothing was written."
        remedy = "Choose another folder with `specr init DIR`, or write over it with --force."
        raise DiagnosticError(Diagnostic("Folder is in use", detail, remedy))
    _check_surroundings(target.resolve())
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, template in _FILES.items():
            _write(target / name, _template(template).replace("NAME", _project_name(target)), force=force)
    except OSError as error:
        detail = f"{error.filename or target} could not be written: {error.strerror or error}."
        raise DiagnosticError(
            Diagnostic("Project can't be written", detail, "Choose a folder that you may write to.")
        ) from error
    session.console.answer(f"Wrote {', '.join(_FILES)} to {target.resolve()}.\n")
    session.console.tell(f"\n{_next_steps(folder)}")


def _check_surroundings(target: Path) -> None:
    """See that the specs to be written are read as one project, and as no part of another.

    Raises:
        DiagnosticError: there is a project around or below the folder.
    """
    from specr.diagnostics import Diagnostic, DiagnosticError
    from specr.spec.discover import IGNORE_FILE
    from specr.spec.surroundings import project_around, project_below

    around = project_around(target)
    if around is not None:
        ignored = target.relative_to(around).as_posix()
        detail = (
            f"{target} lies in the project {around}, which would read its specs, too; nothing was written."
        )
        remedy = f"Choose a folder outside of it, or add the line {ignored}/ to {around / IGNORE_FILE} first."
        raise DiagnosticError(Diagnostic("Project within a project", detail, remedy))
    below = project_below(target, but="specr.yaml")
    if below is not None:
        detail = f"{below} declares a project, which one of {target} would take in; nothing was written."
        remedy = "Choose another folder with `specr init DIR`."
        raise DiagnosticError(Diagnostic("Project within a project", detail, remedy))


def _next_steps(folder: str | None) -> str:
    """What to do now: install what this environment lacks, train, plan, apply."""
    lacking = [package for module, package in _NEEDED.items() if find_spec(module) is None]
    steps = [f"pip install {' '.join(lacking)}"] if lacking else []
    if find_spec("specr_mlflow") is None:
        steps.append(f"pip install {_PLUGIN}  # in a clone of specr")
    steps += [f"cd {shlex.quote(folder)}"] if folder else []
    steps += ["python train.py", "specr plan", "specr apply"]
    return "".join(f"{line}\n" for line in ("Next:", *(f"  {step}" for step in steps)))


def _template(name: str) -> str:
    return resources.files("specr.cli").joinpath("starter", name).read_text(encoding="utf-8")


def _write(path: Path, text: str, *, force: bool) -> None:
    """Write a file; to a list of patterns that is there, add the lines that it lacks.

    Its lines name files, whose names may be no UTF-8: they stay as they are.
    """
    if path.exists() and path.name in _LISTS:
        kept = path.read_text(encoding="utf-8", errors="surrogateescape")
        lines = kept.splitlines()
        added = [line for line in text.splitlines() if line not in lines and not line.startswith("#")]
        text = kept if not added else "\n".join([kept.rstrip("\n"), *added]).lstrip("\n") + "\n"
    elif path.exists() and not force:
        return
    path.write_text(text, encoding="utf-8", errors="surrogateescape")


def _project_name(folder: Path) -> str:
    """The folder's name as a name for the project, as far as it can be one."""
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in folder.resolve().name.lower())
    return kept[:63].strip("-") or "starter"

"""`specr init`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import click

from specr.cli.session import Session, with_session

_FILES = {"specr.yaml": "specr.yaml", "train.py": "train.txt", ".gitignore": "gitignore"}
"""What is written, and the file of the package that it is made from."""

_NEXT = """\
Next:
  pip install 'specr[mlflow]' scikit-learn pandas mlflow-skinny
  {cd}python train.py
  specr plan
  specr apply
"""


@click.command(
    "init",
    epilog="""\b
Examples:
  specr init
  specr init risk-models && cd risk-models && python train.py && specr plan""",
)
@click.argument("folder", metavar="[DIR]", default="", type=click.Path(file_okay=False))
@click.option("--force", is_flag=True, help="Write over files that are there.")
@with_session
def command(session: Session, *, folder: str, force: bool) -> None:
    """Write a small project that works.

    Into DIR, or the current folder: specs for an MLflow model, a script that
    trains it, and a .gitignore. Files that are there already stay as they are.
    """
    from specr.diagnostics import Diagnostic, DiagnosticError

    target = session.root / folder
    taken = [name for name in ("specr.yaml", "train.py") if (target / name).exists()]
    if taken and not force:
        detail = f"{target / taken[0]} is there already; nothing was written."
        remedy = "Choose another folder with `specr init DIR`, or write over it with --force."
        raise DiagnosticError(Diagnostic("Folder is in use", detail, remedy))
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
    session.console.tell(f"\n{_NEXT.format(cd=f'cd {folder} && ' if folder else '')}")


def _template(name: str) -> str:
    return resources.files("specr.cli").joinpath("starter", name).read_text(encoding="utf-8")


def _write(path: Path, text: str, *, force: bool) -> None:
    """Write a file; to one that was kept (a .gitignore), add the lines that it lacks."""
    if path.exists() and path.name == ".gitignore":
        kept = path.read_text(encoding="utf-8")
        lines = kept.splitlines()
        added = [line for line in text.splitlines() if line not in lines and not line.startswith("#")]
        text = kept if not added else "\n".join([kept.rstrip("\n"), *added]).lstrip("\n") + "\n"
    elif path.exists() and not force:
        return
    path.write_text(text, encoding="utf-8")


def _project_name(folder: Path) -> str:
    """The folder's name as a name for the project, as far as it can be one."""
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in folder.resolve().name.lower())
    return kept[:63].strip("-") or "starter"

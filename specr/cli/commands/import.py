"""`specr import`."""  # noqa: N999 - commands have the names of their modules

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from specr.cli.files import write_whole
from specr.cli.parameters import IMPORTER, PathType
from specr.cli.session import Session, with_session

if TYPE_CHECKING:
    from specr.workflow.importing import Import


@click.command(
    "import",
    epilog="""\b
Examples:
  specr import mlflow http://localhost:5000
  specr import mlflow --model fraud --versions aliased --deploy champion
  specr -C risk import mlflow https://mlflow.example.com --out models""",
)
@click.argument("registry", metavar="REGISTRY", type=IMPORTER)
@click.argument("place", metavar="[URI]", required=False)
@click.option("--model", "models", metavar="NAME", multiple=True, help="Only this model. May be repeated.")
@click.option(
    "--versions",
    "which",
    type=click.Choice(["all", "aliased", "latest"]),
    default="all",
    show_default=True,
    help="Which versions of each model.",
)
@click.option("--deploy", metavar="ALIAS", default="", help="Deploy each model that has this alias.")
@click.option(
    "--out",
    type=PathType(file_okay=False, path_type=Path),
    default=Path(),
    help="A folder of the project to write to, instead of its top.",
)
@click.option("--force", is_flag=True, help="Write over files that are there.")
@with_session
def command(
    session: Session,
    *,
    registry: str,
    deploy: str,
    out: Path,
    force: bool,
    **wanted: Any,
) -> None:
    """Write specs for the models of a registry.

    REGISTRY is its kind, mlflow, and URI its address; left out, the address is
    the Project's or that of MLFLOW_TRACKING_URI. Each model becomes a file with
    an Experiment and an Artifact for each version, and a Model with versions
    and aliases; a project that has no Project yet gets one. Nothing is deployed
    or changed at the registry. Files that are there are written over with
    --force only.
    """
    from specr.importing.protocol import Wanted, Which
    from specr.workflow.importing import prepare_import

    asked = Wanted(wanted["place"], wanted["models"], Which(wanted["which"]))
    made = prepare_import(session.root, registry, asked, out=session.root / out, deploy=deploy)
    changed = {path: text for path, text in made.files.items() if _read(path) != text}
    _refuse_taken([path for path in changed if path.exists()], force=force)
    for path, text in changed.items():
        _write(path, text)
    console = session.console
    console.show(made.diagnostics)
    written = "".join(f"{path}\n" for path in sorted(changed))
    console.answer(
        written or "Nothing to write: the specs are there already.\n" if made.models else "No models.\n"
    )
    console.tell(_next_steps(made, deploy) if made.models else "")


def _next_steps(made: Import, deploy: str) -> str:
    """What to do now."""
    from specr.render.words import counted

    versions = sum(1 for model in made.models for r in model.resources if r.kind == "Artifact")
    lines = [f"{counted(len(made.models), 'model')} with {counted(versions, 'version')}. Next:"]
    if made.lacking:
        lines.append(f"  add to the spec of the Project: {_flow(made.lacking)}")
    if not any(r.kind == "Deployment" for model in made.models for r in model.resources):
        lines.append(
            "  declare a Deployment for what is to run"
            + (f"; no model has the alias {deploy}" if deploy else "")
        )
    return "".join(f"{line}\n" for line in ("", *lines, "  specr plan"))


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    from specr.canonical import encode_json

    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    return encode_json(value).decode()


def _refuse_taken(taken: list[Path], *, force: bool) -> None:
    if not taken or force:
        return
    from specr.diagnostics import Diagnostic, DiagnosticError

    others = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
    raise DiagnosticError(
        Diagnostic(
            "File exists already",
            f"{taken[0]}{others} would be written over with something else; nothing was written.",
            "Write over it with --force, or write elsewhere with --out.",
        )
    )


def _read(path: Path) -> str | None:
    """What a file holds; None where it is not there, or can't be compared with a text."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _write(path: Path, text: str) -> None:
    from specr.diagnostics import Diagnostic, DiagnosticError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        detail = f"{path} could not be written: {error.strerror or error}."
        raise DiagnosticError(
            Diagnostic("File can't be written", detail, "Choose a folder that you may write to, with --out.")
        ) from error

"""Whether state has a place of its own among all that specr keeps for a project. Touches no disk."""

from __future__ import annotations

from os.path import normpath
from pathlib import Path
from typing import Final

from specr.backends.catalog import DEFAULT_PATH
from specr.diagnostics import Diagnostic
from specr.resources.project import Project, TypedSettings
from specr.workfolder import WORK_FOLDER

_STORE: Final = f"{WORK_FOLDER}/store"

_KEPT: Final = {
    ".gitignore": "what version control leaves out",
    "cache": "known digests",
    "downloads": "transfers under way",
    "failed": "logs of failed attempts",
    "local": "what the local provider runs",
    "memory.db": "what the memory provider makes up",
    "store": "artifacts and builds",
}
"""What else lies in a work folder, by its name there."""


def check_places(project: Project, root: Path) -> tuple[Diagnostic, ...]:
    """See that the file of the state is not where something else of specr's lies, or is going to."""
    state = _place(project.backend, "sqlite", DEFAULT_PATH, root)
    if state is None:
        return ()
    taken = {Path(normpath(root / WORK_FOLDER / name)): kept for name, kept in _KEPT.items()}
    store = _place(project.store, "folder", _STORE, root)
    if store is not None:
        taken[store] = "artifacts and builds"
    clash = next((place for place in taken if state == place or state in place.parents), None)
    if clash is None:
        return ()
    setting = "backend" if "path" in project.backend.settings() else "store"
    return (
        Diagnostic(
            "State has no place of its own",
            f"State would be kept in {state}, and specr keeps {taken[clash]} in {clash}.",
            f"Set the path of the {setting} to another place, or leave it out.",
            path=("spec", setting, "path"),
        ),
    )


def _place(settings: TypedSettings, type_: str, default: str, root: Path) -> Path | None:
    """Where settings of this type keep things; None for another type, or a path that is none."""
    path = settings.settings().get("path", default)
    if settings.type != type_ or not isinstance(path, str):
        return None
    return Path(normpath(root / path))

"""Whether state has a place of its own among all that specr keeps for a project. Touches no disk."""

from __future__ import annotations

from os.path import normpath
from pathlib import Path

from specr.diagnostics import Diagnostic
from specr.resources.project import Project, TypedSettings
from specr.workfolder import Kept


def check_places(project: Project, root: Path) -> tuple[Diagnostic, ...]:
    """See that the file of the state is not where something else of specr's lies, or is going to."""
    state = _place(project.backend, "sqlite", Kept.STATE, root)
    if state is None:
        return ()
    taken = {Path(normpath(root / kept.path)): kept for kept in Kept if kept is not Kept.STATE}
    store = _place(project.store, "folder", Kept.STORE, root)
    if store is not None:
        taken[store] = Kept.STORE
    clash = next((place for place in taken if state == place or state in place.parents), None)
    if clash is None:
        return ()
    setting = "backend" if "path" in project.backend.settings() else "store"
    return (
        Diagnostic(
            "State has no place of its own",
            f"State would be kept in {state}, and specr keeps {taken[clash].described} in {clash}.",
            f"Set the path of the {setting} to another place, or leave it out.",
            path=("spec", setting, "path"),
        ),
    )


def _place(settings: TypedSettings, type_: str, default: Kept, root: Path) -> Path | None:
    """Where settings of this type keep things; None for another type, or a path that is none."""
    path = settings.settings().get("path", default.path)
    if settings.type != type_ or not isinstance(path, str):
        return None
    return Path(normpath(root / path))

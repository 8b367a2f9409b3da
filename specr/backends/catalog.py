"""From a project's settings to its backend: the only table of backend types.

Plug-ins add types through the entry point group `specr.backends`: the entry's name is the
type, and it leads to an OpenBackend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from specr.backends.protocol import Backend
from specr.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from specr.plugins import plugins_by_name
from specr.resources.project import TypedSettings
from specr.workfolder import Kept

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "specr.backends"
"""The entry point group of plug-ins."""

OpenBackend = Callable[[Mapping[str, Any], Path], Backend]
"""Opens a backend from the settings beside its type, for a project in this folder.

Opening neither reads nor makes a state. Raises DiagnosticError for settings that are
wrong; `check_settings` does part of that.
"""


def open_backend(settings: TypedSettings, root: Path) -> Backend:
    """The backend that a project asks for; `root` is the project's folder.

    Raises:
        DiagnosticError: no such type, or wrong settings for it.
    """
    open_ = _BUILT_IN.get(settings.type) or _from_plugin(settings.type)
    return open_(settings.settings(), root)


def check_settings(type_: str, settings: Mapping[str, Any], known: frozenset[str]) -> None:
    """See that a backend knows all settings.

    Raises:
        DiagnosticError: it does not know one.
    """
    found = [
        Diagnostic(
            "Unknown setting of the backend",
            f"The backend {type_} has no setting {name!r}; it has {_listed(known)}.",
            did_you_mean(name, known) or f"Remove {name} from backend in the Project.",
            path=("spec", "backend", name),
        )
        for name in settings
        if name not in known
    ]
    if found:
        raise DiagnosticError(*found)


def _open_memory(settings: Mapping[str, Any], _root: Path) -> Backend:
    check_settings("memory", settings, frozenset())
    from specr.backends.memory import MemoryBackend, MemoryState  # noqa: PLC0415 - for tests and plug-ins

    return MemoryBackend(MemoryState())


def _open_sqlite(settings: Mapping[str, Any], root: Path) -> Backend:
    from specr.backends.sqlite import SqliteBackend  # noqa: PLC0415 # SQLite is imported where it is used

    check_settings("sqlite", settings, frozenset({"path"}))
    path = settings.get("path", Kept.STATE.path)
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise DiagnosticError(
            Diagnostic(
                "Wrong setting of the backend",
                f"The path of the backend sqlite is {path!r}; it has to be the path of a file.",
                f"Write one relative to the project's folder, such as {Kept.STATE.path}, or leave it out.",
                path=("spec", "backend", "path"),
            ),
        )
    return SqliteBackend(root / path)


_BUILT_IN: Final[Mapping[str, OpenBackend]] = {"memory": _open_memory, "sqlite": _open_sqlite}


def _from_plugin(type_: str) -> OpenBackend:
    offered = plugins_by_name(GROUP)
    if type_ in offered:
        return _loaded(offered[type_])
    known = {*_BUILT_IN, *offered}
    raise DiagnosticError(
        Diagnostic(
            "Unknown type of backend",
            f"There is no backend of type {type_!r}; there is {_listed(known)}.",
            did_you_mean(type_, known) or "Install the plug-in that brings it, or use another type.",
            path=("spec", "backend", "type"),
        ),
    )


def _loaded(entry: EntryPoint) -> OpenBackend:
    try:
        loaded: OpenBackend = entry.load()
    except (ImportError, AttributeError) as error:
        package = entry.dist.name if entry.dist else entry.module
        raise DiagnosticError(
            Diagnostic(
                "Backend can't be loaded",
                f"The backend {entry.name} of {package} can't be imported: {error}.",
                f"Install it again: pip install --force-reinstall {package}",
                path=("spec", "backend", "type"),
            ),
        ) from error
    return loaded


def _listed(names: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"

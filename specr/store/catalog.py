"""Which store a project's settings mean."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from specr.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from specr.resources.project import TypedSettings
from specr.store.cache import DigestCache
from specr.store.folder import FolderStore
from specr.store.protocol import Store
from specr.workfolder import Kept

_TYPES: Final = ("folder",)
_SETTINGS: Final = ("path",)


def open_store(settings: TypedSettings, root: Path, cache: DigestCache | None = None) -> Store:
    """The store that a project asks for; `root` is the project's folder. Touches no disk.

    Whoever also resolves sources hands over the cache that they share, so that neither reads
    what the other has read.

    Raises:
        DiagnosticError: there is no such type, or it has no such settings. The diagnostics'
            paths lead into the Project's document; its address is the caller's to fill in.
    """
    if settings.type not in _TYPES:
        raise DiagnosticError(
            Diagnostic(
                "Unknown type of store",
                f"There is no store of type {settings.type}; there is: {', '.join(_TYPES)}.",
                did_you_mean(settings.type, _TYPES) or "Leave `store` out for the default, a folder.",
                path=("spec", "store", "type"),
            ),
        )
    flaws = [
        Diagnostic(
            "Unknown setting of a store",
            f"A store of type folder has no setting {key}; it has: {', '.join(_SETTINGS)}.",
            did_you_mean(key, _SETTINGS) or f"Remove `{key}`.",
            path=("spec", "store", key),
        )
        for key in settings.settings()
        if key not in _SETTINGS
    ]
    path = settings.settings().get("path", Kept.STORE.path)
    if not isinstance(path, str) or not path.strip():
        flaws.append(
            Diagnostic(
                "A store's path is no text",
                f"The path of a folder store must be a text that is neither empty nor blank, not {path!r}.",
                f"Write a path relative to the project's folder, such as `{Kept.STORE.path}`.",
                path=("spec", "store", "path"),
            ),
        )
    if flaws:
        raise DiagnosticError(*flaws)
    return FolderStore(root / path, cache or open_cache(root))


def open_cache(root: Path) -> DigestCache:
    """The digests known in a project's folder; stores and sources share it. Touches no disk."""
    return DigestCache(root / Kept.CACHE.path)

"""The folder `.specr`, where specr keeps its own files beside a project's specs.

It knows the names of what is kept there, so that no two have the same, and must not know more: state,
store, caches and logs each see to their own.
"""

from __future__ import annotations

import os
from enum import Enum, unique
from pathlib import Path
from typing import Final

from specr.diagnostics import Diagnostic

WORK_FOLDER: Final = ".specr"
"""The name of every work folder."""


@unique
class Kept(Enum):
    """What lies in a work folder: its name there, and what it is, for messages."""

    IGNORED = ".gitignore", "what version control leaves out"
    CACHE = "cache", "known digests"
    DOWNLOADS = "downloads", "transfers under way"
    FAILED = "failed", "logs of failed attempts"
    LOCAL = "local", "what the local provider runs"
    MEMORY = "memory.db", "what the memory provider makes up"
    MLFLOW = "mlflow", "transfers from MLflow's registry"
    STATE = "state.db", "recorded state"
    STORE = "store", "artifacts and builds"

    def __init__(self, name: str, described: str) -> None:
        self.described = described
        self.path = f"{WORK_FOLDER}/{name}"
        """Where it lies in a project's folder: `.specr/store`."""


def check_work_folder(root: Path) -> Diagnostic | None:
    """What lies in the place of a project's work folder and is none; None where there is nothing, too."""
    place = root / WORK_FOLDER
    if place.is_dir() or not os.path.lexists(place):
        return None
    summary = "No place for the work folder"
    keeps = "specr keeps its state, store and logs in a folder of that name"
    if place.is_symlink() and not place.exists():
        target = os.readlink(place)  # noqa: PTH115 - as it is written, whatever it means to pathlib
        return Diagnostic(
            summary,
            f"{place} is a link to {target}, which leads nowhere; {keeps}.",
            "Put the folder that it leads to in place, or remove the link: specr then makes a folder itself.",
        )
    return Diagnostic(
        summary, f"{place} is no folder; {keeps}.", "Move it away: specr makes the folder itself."
    )


def why_unwritable(folder: Path) -> str:
    """Why nothing can be made in a folder, as a clause; empty where nothing is known against it.

    A folder that is absent is to be made in the nearest one above it.
    """
    there = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    if not there.is_dir() or may_write(there):
        return ""
    if os.statvfs(there).f_flag & os.ST_RDONLY:
        return f"{there} is on a file system that is mounted read-only"
    return f"{there} is a folder that you may not write to"


def may_write(folder: Path) -> bool:
    """Whether this user may make files in a folder that is there."""
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)


def ensure_work_folder(path: Path) -> Path:
    """Create a folder for specr's own files, with its parents, and return it.

    Where the path is or leads through a folder named `.specr`, that one is made readable
    to its owner only, and holds a `.gitignore` that keeps all of it out of version control.
    Folders that are there already keep their permissions.

    Raises:
        OSError: the disk refuses.
    """
    for folder in reversed((path, *path.parents)):
        if folder.name == WORK_FOLDER:
            _begin(folder)
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
    return path


def _begin(folder: Path) -> None:
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    ignore = folder.parent / Kept.IGNORED.path
    # An empty one is what a crash between creating and writing it leaves.
    if not ignore.exists() or ignore.stat().st_size == 0:
        ignore.write_text("*\n")

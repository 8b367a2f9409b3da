"""The folder `.specr`, where specr keeps its own files beside a project's specs.

It must not know what is kept there: state, store, caches and logs each see to their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

WORK_FOLDER: Final = ".specr"
"""The name of every work folder."""


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
    ignore = folder / ".gitignore"
    # An empty one is what a crash between creating and writing it leaves.
    if not ignore.exists() or ignore.stat().st_size == 0:
        ignore.write_text("*\n")

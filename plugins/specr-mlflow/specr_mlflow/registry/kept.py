"""Folders of downloads that may be taken up by a later process, one process at a time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from specr.sources.downloads import claim, downloads_in


@contextmanager
def kept_folder(folder: Path, key: str) -> Iterator[Path]:
    """A folder that stays until it is moved away, with what an earlier process left in it.

    Raises:
        DiagnosticError: another process is at it, or the disk refuses.
    """
    with downloads_in(folder), _claimed(folder / f"{key}.lock"):
        place = folder / key
        place.mkdir(exist_ok=True)
        os.utime(place)
        yield place


def move_to(place: Path, target: Path) -> None:
    """Move the whole to its place, also to another disk."""
    shutil.move(place, target)


@contextmanager
def _claimed(path: Path) -> Iterator[None]:
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as file:
        claim(file, path)
        yield

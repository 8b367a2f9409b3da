"""Trees of files that specs are read from: a folder, or what else can list and read.

A tree only lists and reads. It judges no names but those of dot folders, and
knows nothing of YAML.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from posixpath import join, normpath
from typing import Protocol

from msgspec import Struct


class EntryType(Enum):
    """What an entry of a tree is, as far as reading specs goes."""

    FILE = "file"
    """A file that can be read; a link to one inside the tree counts as one."""

    LINKED_FOLDER = "linked folder"
    """A link to a folder. Trees don't go down into it, so no link can lead in circles."""

    ESCAPING_LINK = "link out of the project"
    """A link to a file outside the tree. It can't be read."""

    BROKEN_LINK = "broken link"
    """A link to nothing."""

    SPECIAL = "special file"
    """A pipe, socket or device."""

    UNREADABLE_FOLDER = "unreadable folder"
    """A folder whose entries can't be listed."""


class Entry(Struct, frozen=True):
    """One file, or something in its place. `path` is relative, with `/`; `size` in bytes."""

    path: str
    size: int
    type: EntryType = EntryType.FILE


Skip = Callable[[str], bool]
"""Whether to leave a folder out, told its relative path."""


class Tree(Protocol):
    """A folder of files, wherever it is kept.

    Paths are relative to the tree's root, with `/` between names, without `.` and `..`.
    """

    def entries(self, skip: Skip) -> Iterator[Entry]:
        """Yield all that is no plain folder, in any order, but for what lies in dot folders.

        Folders for which `skip` is true are not looked into. A tree that is slow to walk asks
        it of a folder once all that lies beside the folder has been yielded. A root that does
        not exist has no entries.
        """

    def read(self, path: str) -> bytes:
        """The bytes of a file.

        Raises:
            OSError: there is no such file, or it can't be read.
        """

    def resolve(self, path: str) -> str | None:
        """The path that a path leads to when links are followed; None where that is outside.

        The path may be absolute, or hold `..`; the result is neither.
        """


class FolderTree:
    """The files below a folder on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real = os.path.realpath(root)

    def entries(self, skip: Skip) -> Iterator[Entry]:
        """See `Tree`. Folders are visited without recursion, so depth has no limit."""
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            if folder and skip(folder):
                continue
            try:
                with os.scandir(self.root / folder) as found:
                    listed = list(found)
            except FileNotFoundError:
                continue
            except OSError:
                yield Entry(folder or ".", 0, EntryType.UNREADABLE_FOLDER)
                continue
            for item in listed:
                path = f"{folder}/{item.name}" if folder else item.name
                if item.is_dir(follow_symlinks=False):
                    if not item.name.startswith("."):
                        waiting.append(path)
                else:
                    yield self._entry(item, path)

    def read(self, path: str) -> bytes:
        """See `Tree`."""
        place = self.root / path
        if not place.is_file() and place.exists():
            raise OSError(errno.EINVAL, "it is no regular file", path)  # a pipe could keep a reader for ever
        return place.read_bytes()

    def resolve(self, path: str) -> str | None:
        """See `Tree`."""
        real = os.path.realpath(join(self._real, path))
        if real == self._real:
            return "."
        return real[len(self._real) + 1 :] if real.startswith(self._real + os.sep) else None

    def _entry(self, item: os.DirEntry[str], path: str) -> Entry:
        try:
            if not item.is_symlink():
                status = item.stat(follow_symlinks=False)
                kind = EntryType.FILE if stat.S_ISREG(status.st_mode) else EntryType.SPECIAL
                return Entry(path, status.st_size, kind)
            status = item.stat()
        except OSError:
            return Entry(path, 0, EntryType.BROKEN_LINK)
        if stat.S_ISDIR(status.st_mode):
            return Entry(path, 0, EntryType.LINKED_FOLDER)
        if not stat.S_ISREG(status.st_mode):
            return Entry(path, 0, EntryType.SPECIAL)
        inside = self.resolve(path) is not None
        return Entry(path, status.st_size, EntryType.FILE if inside else EntryType.ESCAPING_LINK)


def normalise(path: str) -> str | None:
    """A relative path without `.` and `..`; `.` for the root; None where it leads out of the tree."""
    normal = normpath(path)
    return None if normal == ".." or normal.startswith(("../", "/")) else normal

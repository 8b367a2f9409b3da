"""The files of a revision, read from git's own storage: nothing is checked out or changed.

Asks the `git` program. Knows nothing of YAML.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from posixpath import dirname
from typing import Final, NamedTuple

from specr.spec.git import Git, Objects
from specr.spec.tree import Entry, EntryType, Skip, normalise

_LINK: Final = "120000"
_SUBMODULE: Final = "160000"

_LINK_STEPS: Final = 40
"""How many links in a row are followed; Linux stops at the same number."""


class _Item(NamedTuple):
    """One file, link or submodule of the revision."""

    mode: str
    object: str
    size: int


class GitTree:
    """A folder as a revision has it. Fulfils `Tree`; see there for what each method promises.

    The folder may be a part of its repository. What a link leads to is looked up in the
    revision; a submodule counts as a link to a folder. Names are bytes to git, and come as
    Python reads file names: what is no UTF-8 in them as lone surrogates.
    """

    def __init__(self, folder: Path, revision: str) -> None:
        """Look a revision up; `commit` is its full name.

        Raises:
            DiagnosticError: git is not installed, this is no repository, or it has no such revision.
        """
        self._git = Git(folder)
        self._prefix = self._git.ask("rev-parse", "--show-prefix").removesuffix(b"\n")
        self.commit = self._git.find_commit(revision)
        self._objects = Objects(self._git)

    def entries(self, skip: Skip) -> Iterator[Entry]:
        """See `Tree`."""
        skipped: dict[str, bool] = {"": False}
        for path, item in self._items.items():
            if not _is_skipped(dirname(path), skip, skipped):
                yield self._entry(path, item)

    def read(self, path: str) -> bytes:
        """See `Tree`. Links are followed."""
        real, exists = self._follow(path)
        item = self._items.get(real) if real is not None and exists else None
        if item is None or item.mode in (_LINK, _SUBMODULE):
            is_folder = real in self._folders
            code = errno.EISDIR if is_folder else errno.ENOENT
            raise OSError(code, os.strerror(code), path)
        return self._objects.read(item.object)

    def resolve(self, path: str) -> str | None:
        """See `Tree`. What does not exist is taken for a plain name; links in circles stay as they are."""
        return None if path.startswith("/") else self._follow(path)[0]

    def _follow(self, path: str) -> tuple[str | None, bool]:
        """Where a path leads, None for outside, and whether everything on the way there exists."""
        at: list[str] = []
        ahead, links, exists = path.split("/"), 0, True
        while ahead:
            step = ahead.pop(0)
            if step in ("", "."):
                continue
            if step == "..":
                if not at:
                    return None, exists
                exists = exists and "/".join(at) in self._folders
                at.pop()
                continue
            item = self._items.get("/".join([*at, step]))
            if item is None or item.mode != _LINK:
                at.append(step)
                continue
            links += 1
            if links > _LINK_STEPS:
                return normalise(path), False
            target = self._target(item)
            if target.startswith("/"):
                return None, exists
            ahead = [*target.split("/"), *ahead]
        real = "/".join(at) or "."
        return real, exists and (real in self._items or real in self._folders)

    @cached_property
    def _items(self) -> dict[str, _Item]:
        """Everything below the folder but folders, by relative path."""
        root = f"{self.commit}:".encode() + self._prefix.removesuffix(b"/")
        if self._git.run("cat-file", "-t", root).stdout.strip() != b"tree":
            return {}  # the revision has no such folder
        listed = self._git.ask("ls-tree", "-r", "-z", "-l", "--full-tree", root)
        items: dict[str, _Item] = {}
        for line in listed.split(b"\0")[:-1]:
            facts, _, name = line.partition(b"\t")
            mode, _type, object_name, size = facts.decode().split()
            items[os.fsdecode(name)] = _Item(mode, object_name, int(size) if size != "-" else 0)
        return items

    @cached_property
    def _folders(self) -> frozenset[str]:
        folders = {"."}
        for path in self._items:
            while (path := dirname(path)) and path not in folders:
                folders.add(path)
        return frozenset(folders)

    def _entry(self, path: str, item: _Item) -> Entry:
        if item.mode == _SUBMODULE:
            return Entry(path, 0, EntryType.LINKED_FOLDER)
        if item.mode != _LINK:
            return Entry(path, item.size)
        real, exists = self._follow(path)
        if not exists:
            return Entry(path, 0, EntryType.BROKEN_LINK)
        if real is None:
            return Entry(path, 0, EntryType.ESCAPING_LINK)
        found = self._items.get(real)
        return Entry(path, 0, EntryType.LINKED_FOLDER) if found is None else self._entry(path, found)

    def _target(self, item: _Item) -> str:
        return os.fsdecode(self._objects.read(item.object))


def _is_skipped(folder: str, skip: Skip, known: dict[str, bool]) -> bool:
    """Whether a folder, or one around it, is left out. Each folder is asked about once, outer ones first."""
    unknown = []
    while folder not in known:
        unknown.append(folder)
        folder = dirname(folder)
    for inner in reversed(unknown):
        name = inner.rpartition("/")[2]
        known[inner] = known[dirname(inner)] or name.startswith(".") or skip(inner)
    return known[unknown[0] if unknown else folder]

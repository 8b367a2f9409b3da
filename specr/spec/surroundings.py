"""Projects around and below a folder, which one begun there would be mixed up with.

Goes by what files seem to say, without reading YAML: a project need not be sound to be one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from specr.spec.discover import discover, leaves_out
from specr.spec.tree import EntryType, FolderTree

_SPEC: Final = re.compile(rb"(?m)^apiVersion:[ \t]*['\"]?specr/")
_PROJECT: Final = re.compile(rb"(?m)^kind:[ \t]*['\"]?Project\b")


def project_around(folder: Path) -> Path | None:
    """The nearest folder above that holds specs of its own, and would read those of this one as well.

    `folder` is absolute, and need not exist.
    """
    for root in folder.parents:
        tree = FolderTree(root)
        beside = (entry for entry in tree.entries(lambda _folder: True) if entry.type is EntryType.FILE)
        names = [entry.path for entry in beside if entry.path.endswith((".yaml", ".yml"))]
        if any(name[0] != "." and _SPEC.search(_read(tree, name)) for name in names):
            return None if leaves_out(tree, folder.relative_to(root).as_posix()) else root
    return None


def project_below(folder: Path, *, but: str) -> Path | None:
    """A file of a folder that holds a document of kind Project; the one named `but` is passed over."""
    tree = FolderTree(folder)
    for entry in discover(tree).files:
        data = b"" if entry.path == but else _read(tree, entry.path)
        if _SPEC.search(data) and _PROJECT.search(data):
            return folder / entry.path
    return None


def _read(tree: FolderTree, path: str) -> bytes:
    try:
        return tree.read(path)
    except OSError:  # another user's, say: nothing that could be mixed up
        return b""

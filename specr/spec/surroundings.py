"""Projects around and below a folder, which one begun there would be mixed up with.

Goes by what files seem to say, without reading YAML: a project need not be sound to be one.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Final

from specr.spec.discover import discover, leaves_out
from specr.spec.tree import EntryType, FolderTree
from specr.workfolder import WORK_FOLDER

_SPEC: Final = re.compile(rb"(?m)^apiVersion:[ \t]*['\"]?specr/")
_PROJECT: Final = re.compile(rb"(?m)^kind:[ \t]*['\"]?Project\b")


def project_around(folder: Path) -> Path | None:
    """The nearest folder above that holds a project, and would read the specs of this one as well.

    `folder` is absolute, and need not exist. Looked for up to the top of the repository that it lies in;
    what lies in a folder that everybody may write to, such as that for temporary files, is nobody's project.
    """
    for root in folder.parents:
        if not _is_everybodys(root) and _holds_project(root):
            return None if leaves_out(FolderTree(root), folder.relative_to(root).as_posix()) else root
        if (root / ".git").exists():
            return None
    return None


def _is_everybodys(folder: Path) -> bool:
    return folder.exists() and bool(folder.stat().st_mode & stat.S_IWOTH)


def _holds_project(folder: Path) -> bool:
    """Whether a file at a folder's top declares a project, or specs there were applied already."""
    tree = FolderTree(folder)
    beside = (entry for entry in tree.entries(lambda _folder: True) if entry.type is EntryType.FILE)
    names = [entry.path for entry in beside if entry.path.endswith((".yaml", ".yml"))]
    specs = [data for name in names if name[0] != "." and _SPEC.search(data := _read(tree, name))]
    return bool(specs) and ((folder / WORK_FOLDER).is_dir() or any(map(_PROJECT.search, specs)))


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

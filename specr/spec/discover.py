"""Which files of a tree are specs.

Every `*.yaml` and `*.yml`, but for names that begin with a dot, what `.specrignore`
names, and what lies in folders that artifacts name as their source, where programs are
installed (environments of Python, which hold a file `pyvenv.cfg`, `site-packages`,
`node_modules`), or where MLflow keeps runs (`mlruns`, `mlartifacts`). Folders of models
that no artifact names are left out too, with a word on each. Nothing else is left out in
silence. Looks at names and sizes, never into a spec.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from posixpath import basename, dirname, join, normpath, split
from typing import Final

from msgspec import Struct

from specr.diagnostics import Diagnostic, Severity, Span
from specr.spec.document import shown_path
from specr.spec.tree import Entry, EntryType, Tree, normalise

IGNORE_FILE: Final = ".specrignore"
MODEL_FILE: Final = "MLmodel"
"""What MLflow puts into each folder that holds a model, beside YAML that is no spec."""
ENVIRONMENT_FILE: Final = "pyvenv.cfg"
"""What Python puts into each virtual environment."""
FILLED: Final = frozenset({"mlartifacts", "mlruns", "node_modules", "site-packages"})
"""Names of folders that package managers and MLflow fill, often with YAML that is no spec."""
FILE_LIMIT: Final = 32 * 2**20
"""Bytes in one file."""
PROJECT_LIMIT: Final = 1024 * 2**20
"""Bytes in all files of a project that are read."""

_REMEDIES: Final = {
    EntryType.ESCAPING_LINK: (
        "Link leads out of the project",
        "links to a file elsewhere",
        "Copy the file into the project.",
    ),
    EntryType.BROKEN_LINK: ("Link leads nowhere", "links to a file that is not there", "Remove the link."),
    EntryType.SPECIAL: ("Not a regular file", "is a pipe, socket or device", "Remove it, or rename it."),
    EntryType.UNREADABLE_FOLDER: (
        "Folder can't be read",
        "is a folder that can't be listed",
        "Allow reading it, or name it in .specrignore.",
    ),
}


class Listing(Struct, frozen=True):
    """What a tree offers: files to read, shallow ones first, and findings by the path they are about.

    `models` are the folders that hold a model, the outermost where one lies in another. None of
    the files or findings is in them.
    """

    files: tuple[Entry, ...]
    findings: tuple[tuple[str, Diagnostic], ...]
    models: tuple[str, ...] = ()


def discover(tree: Tree) -> Listing:
    """The files of a tree that may be specs."""
    findings: list[tuple[str, Diagnostic]] = []
    ignored = _ignored(tree, findings)
    files = []
    models = set[str]()
    environments = set[str]()

    def skip(folder: str) -> bool:
        parent, name = split(folder)
        return parent in environments or not _may_hold_specs(name) or ignored(folder + "/")

    for entry in tree.entries(skip):
        name = basename(entry.path)
        is_spec = name.endswith((".yaml", ".yml")) and not name.startswith(".")
        if entry.type is EntryType.FILE and not is_spec and name not in _MARKS:
            continue
        if ignored(entry.path):
            continue
        if name in _MARKS and dirname(entry.path):
            (models if name == MODEL_FILE else environments).add(dirname(entry.path))
        elif entry.type is EntryType.FILE and is_spec:
            files.append(entry)
        elif is_spec or entry.path == "." or (entry.type in _FOLDERS and _may_hold_specs(name)):
            findings.append((entry.path, _unread(entry)))
    left_out = models | environments
    files.sort(key=lambda entry: (entry.path.count("/"), entry.path))
    return Listing(
        tuple(entry for entry in files if not _covers(left_out, entry.path)),
        tuple((path, finding) for path, finding in findings if not _covers(left_out, path)),
        tuple(sorted(folder for folder in models - environments if not _covers(left_out, dirname(folder)))),
    )


_MARKS: Final = (MODEL_FILE, ENVIRONMENT_FILE)
"""Files that tell what the folder is that they lie in; at the root, they tell nothing."""

_FOLDERS: Final = (EntryType.LINKED_FOLDER, EntryType.UNREADABLE_FOLDER)


def leaves_out(tree: Tree, folder: str) -> bool:
    """Whether no specs are read from a folder of a tree, going by names and by `.specrignore`."""
    ignored = _ignored(tree, [])
    steps = folder.split("/")
    folders = ("/".join(steps[: n + 1]) for n in range(len(steps)))
    return any(not _may_hold_specs(basename(path)) or ignored(path + "/") for path in folders)


def _may_hold_specs(folder: str) -> bool:
    return not folder.startswith(".") and folder not in FILLED


class ArtifactFolders:
    """The folders that artifacts name as their source, as far as they lie in the tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._folders: set[str] = set()

    def add(self, file: str, source: str) -> bool:
        """Take up the source that an artifact in a file names.

        False if that file itself lies in the folder, which then is not taken up.
        """
        path = source_path(file, source)
        if path is None:
            return True
        if path.replace("../", "") == "..":  # a folder around the tree
            return False
        found = {normalise(path), self._tree.resolve(path)} - {None}
        if any(folder == "." or file.startswith(f"{folder}/") for folder in found):
            return False
        self._folders.update(folder for folder in found if folder is not None)
        return True

    def cover(self, path: str) -> bool:
        """Whether a file or folder is one of the folders, or lies in one."""
        return _covers(self._folders, path)

    def lie_below(self, path: str) -> bool:
        """Whether one of the folders lies in this one."""
        return any(folder.startswith(path + "/") for folder in self._folders)


def source_path(file: str, source: str) -> str | None:
    """The path that an artifact's source names, or None if it names no path.

    Sources are relative to the folder of the file that declares the artifact. The path is relative
    to the tree's root, maybe leading out of it, or absolute. What is wrong with a malformed URL is
    told by the source that is asked for it.
    """
    if "://" in source or source.startswith("file:/"):
        from urllib.parse import unquote, urlsplit  # noqa: PLC0415 - few sources are URLs

        try:
            parts = urlsplit(source)
        except ValueError:
            return None
        if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
            return None
        source = unquote(parts.path)
    elif ":/" in source:  # models:/name/3, runs:/…
        return None
    return None if "\0" in source else normpath(join(dirname(file), source))


def file_finding(path: str, summary: str, detail: str, remedy: str = "") -> Diagnostic:
    """An error about a file as a whole."""
    return Diagnostic(summary, detail, remedy, span=Span(shown_path(path), 1, 1))


def unnamed_model(folder: str) -> Diagnostic:
    """A warning about the folder of a model that no artifact names."""
    shown = shown_path(folder)
    return Diagnostic(
        "Model folder that no artifact names",
        f"{shown} holds a file {MODEL_FILE}, so it is taken for a model: no specs are read from it.",
        f"Declare an Artifact with this folder as its source, or name the folder in {IGNORE_FILE}.",
        severity=Severity.WARNING,
        span=Span(shown, 1, 1),
    )


def _covers(folders: AbstractSet[str], path: str) -> bool:
    """Whether a path is one of the folders, or lies in one."""
    while path:
        if path in folders:
            return True
        path = dirname(path)
    return False


def _unread(entry: Entry) -> Diagnostic:
    shown = shown_path(entry.path)
    if entry.type is EntryType.LINKED_FOLDER:
        return Diagnostic(
            "Linked folder is not read",
            f"{shown} is a link to a folder; specs are not looked for behind links.",
            "Move the specs here, or name the link in .specrignore.",
            severity=Severity.WARNING,
            span=Span(shown, 1, 1),
        )
    summary, what, remedy = _REMEDIES[entry.type]
    return file_finding(entry.path, summary, f"{shown} {what}.", remedy)


def _ignored(tree: Tree, findings: list[tuple[str, Diagnostic]]) -> Callable[[str], bool]:
    """Whether `.specrignore` names a path; those of folders end in a slash."""
    try:
        data = tree.read(IGNORE_FILE)
    except (FileNotFoundError, NotADirectoryError):
        return lambda _path: False
    except OSError as error:
        reason = error.strerror or "no reason given"
        findings.append((IGNORE_FILE, file_finding(IGNORE_FILE, "File can't be read", f"{reason}.")))
        return lambda _path: False
    return _patterns(data.decode("utf-8-sig", "replace").splitlines(), findings)


def _patterns(lines: list[str], findings: list[tuple[str, Diagnostic]]) -> Callable[[str], bool]:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - few projects have the file

    patterns = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of expressions that pathspec makes of odd brackets
        for number, line in enumerate(lines, start=1):
            try:
                GitIgnoreSpec.from_lines([line])
            except (ValueError, re.error):
                span = Span(IGNORE_FILE, number, 1, max(1, len(line)))
                detail = f"{line.strip()[:100]!r} is no pattern that .gitignore could hold."
                found = Diagnostic("Bad ignore pattern", detail, "Correct or remove the line.")
                findings.append((IGNORE_FILE, found.with_location(span, line)))
            else:
                patterns.append(line)
        return GitIgnoreSpec.from_lines(patterns).match_file

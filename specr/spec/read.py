"""From a tree of files to documents with values, or to why there are none.

Folders that artifacts name as their source are left out, and nothing is said of the
YAML in them: a model folder may hold any. One that no artifact names is told of once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, field

from specr.address import Address
from specr.diagnostics import Diagnostic
from specr.spec.decode import claimed_address
from specr.spec.discover import (
    FILE_LIMIT,
    IGNORE_FILE,
    PROJECT_LIMIT,
    ArtifactFolders,
    discover,
    file_finding,
    unnamed_model,
)
from specr.spec.document import Document, Finding, diagnose, shown_path
from specr.spec.fault import Fault
from specr.spec.problem import Problem
from specr.spec.split import decode_text, legible, split_documents
from specr.spec.tree import Tree
from specr.spec.values import is_plain, read_value
from specr.spec.variables import Value, declared_variables, interpolate

_GUESSES: Final = {
    name: rf"(?m)^{indent}{name}:[ \t]*['\"]?([^\s'\"#]+)"
    for name, indent in (("kind", ""), ("name", "[ \t]+"), ("source", "[ \t]+"))
}
"""What a document that can't be read seems to say of itself."""

_MEANT: Final = r"(?mi)^apiVersion:[ \t]*['\"]?specr"


class Reading(Struct):
    """What was read: documents with values, and findings by file."""

    documents: list[Document] = field(default_factory=list)
    findings: list[tuple[str, Diagnostic]] = field(default_factory=list)
    broken: list[tuple[str, Address | None]] = field(default_factory=list)
    """For each document that can't be read, its file, and the address it seems to declare."""
    contained: list[Finding] = field(default_factory=list)
    """Artifacts whose source folder holds their own document."""
    broken_specs: bool = False
    """Whether a document that can't be read gives itself an apiVersion of specr."""


def read_tree(tree: Tree, overrides: Mapping[str, str], pack: str = "") -> Reading:
    """All documents of a tree, in the order of their files."""
    reading = Reading()
    listing = discover(tree)
    folders = ArtifactFolders(tree)
    later: list[Document] = []
    total = 0
    for entry in listing.files:
        if folders.cover(entry.path):
            continue
        total += entry.size
        if entry.size > FILE_LIMIT or total > PROJECT_LIMIT:
            reading.findings.append((entry.path, _too_large(entry.path, entry.size)))
            reading.broken.append((entry.path, None))
            continue
        first = len(reading.documents)
        _read_file(tree, entry.path, pack, reading)
        for document in reading.documents[first:]:
            source = _source_of(document.value)
            if source is not None:
                if "${" in source:
                    later.append(document)
                else:
                    _take_up(document, source, folders, reading)
    variables = _early_variables(reading.documents, overrides)
    for document in later:
        source = interpolate(_source_of(document.value), variables, (), list[Problem]())
        if isinstance(source, str):
            _take_up(document, source, folders, reading)
    unread = [(path, None) for path, d in listing.findings if d.is_error and not path.endswith(IGNORE_FILE)]
    reading.broken += unread
    models = [(folder, unnamed_model(folder)) for folder in listing.models]
    return _without(folders, reading, (*listing.findings, *models))


def _read_file(tree: Tree, path: str, pack: str, reading: Reading) -> None:
    try:
        data = tree.read(path)
    except OSError as error:
        detail = f"{shown_path(path)}: {error.strerror or 'it can not be read'}."
        reading.findings.append((path, file_finding(path, "File can't be read", detail)))
        reading.broken.append((path, None))
        return
    try:
        text = decode_text(data)
    except Fault as fault:
        reading.findings.append((path, diagnose(fault, Document(path, 0, 0, legible(data), pack=pack))))
        reading.broken.append((path, None))
        return
    index, plain = 0, is_plain(text) or None
    try:
        for index, chunk in enumerate(split_documents(text)):
            _read_document(Document(path, index, chunk.line, chunk.text, pack=pack), reading, plain)
    except Fault as fault:
        reading.findings.append((path, diagnose(fault, Document(path, index, 0, text, pack=pack))))
        reading.broken.append((path, None))


def _read_document(document: Document, reading: Reading, plain: bool | None) -> None:
    try:
        value = read_value(document.text, plain=plain)
    except Fault as fault:
        reading.findings.append((document.file, diagnose(fault, document)))
        guesses = {name: m[1] if (m := re.search(p, document.text)) else None for name, p in _GUESSES.items()}
        claims = claimed_address({"kind": guesses["kind"], "metadata": {"name": guesses["name"]}})
        reading.broken.append((document.file, claims))
        reading.broken_specs |= re.search(_MEANT, document.text) is not None
        return
    place = (document.file, document.index, document.line, document.text)
    reading.documents.append(Document(*place, value, document.pack))


def _source_of(value: Any) -> str | None:
    if isinstance(value, dict) and value.get("kind") == "Artifact" and isinstance(value.get("spec"), dict):
        source = value["spec"].get("source")
        return source if isinstance(source, str) else None
    return None


def _take_up(document: Document, source: str, folders: ArtifactFolders, reading: Reading) -> None:
    if not folders.add(document.file, source):
        reading.contained.append(
            Finding(
                document,
                Diagnostic(
                    "Artifact holds its own spec",
                    f"The source {source!r} is a folder that this document lies in.",
                    "Move the document out of the folder: what an artifact holds never changes, specs do.",
                    address=claimed_address(document.value),
                    path=("spec", "source"),
                ),
            )
        )


def _early_variables(documents: list[Document], overrides: Mapping[str, str]) -> dict[str, Value]:
    """The variables as far as the first Project tells them, before it is checked."""
    for document in documents:
        if isinstance(document.value, dict) and document.value.get("kind") == "Project":
            declared = declared_variables(document.value.get("spec"))
            return {**declared, **{name: text for name, text in overrides.items() if name in declared}}
    return {}


def _without(
    folders: ArtifactFolders, reading: Reading, found: tuple[tuple[str, Diagnostic], ...]
) -> Reading:
    """What was read, without what lies in artifacts' folders."""
    return Reading(
        sorted((d for d in reading.documents if not folders.cover(d.file)), key=lambda d: (d.file, d.index)),
        [
            (path, finding)
            for path, finding in (*found, *reading.findings)
            if not folders.cover(path) and (finding.is_error or not folders.lie_below(path))
        ],
        [(path, address) for path, address in reading.broken if not folders.cover(path)],
        [finding for finding in reading.contained if not folders.cover(finding.document.file)],
        reading.broken_specs,
    )


def _too_large(path: str, size: int) -> Diagnostic:
    if size > FILE_LIMIT:
        detail = f"{shown_path(path)} has {size:,} bytes; a file may have {FILE_LIMIT:,}."
        return file_finding(path, "File is too large", detail, "Split it, or name it in .specrignore.")
    detail = f"With {shown_path(path)}, the files of the project pass {PROJECT_LIMIT:,} bytes."
    return file_finding(path, "Project is too large", detail, "Split the project.")

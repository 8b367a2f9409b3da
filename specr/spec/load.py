"""Loads a project: from a folder, or another tree of files, to Specs or to all that is wrong.

This is where the steps meet: read, decode, put together, check, and find the places of
what is shown. It prints nothing and remembers nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

from msgspec import Struct, field

from specr.address import Address
from specr.diagnostics import Diagnostic, has_errors, sorted_diagnostics
from specr.resources.base import Resource
from specr.resources.project import Project
from specr.spec import check_arguments, checks
from specr.spec.decode import Decoded, decode_document, foreign_problem, is_known_kind
from specr.spec.document import Document, Finding
from specr.spec.model import Origin, Specs
from specr.spec.pack_rules import is_misplaced, misplaced, unknown_pack
from specr.spec.presence import check_presence, check_single
from specr.spec.read import Reading, read_tree
from specr.spec.tree import FolderTree, Tree
from specr.spec.variables import Value, declared_variables, override_variables


class Packs(Protocol):
    """Finds packs; asked only where a project names some. See `specr.packs.InstalledPacks`."""

    def names(self) -> tuple[str, ...]:
        """The names of all packs, sorted."""

    def folder(self, name: str) -> Path:
        """The folder that holds a pack's YAML.

        Raises:
            LookupError: it can't be found; the message says why.
        """


CHECKS: Final[tuple[checks.Check, ...]] = (
    checks.check_depends_on,
    checks.check_references,
    checks.check_cycles,
    checks.check_providers,
    check_arguments.check_environments,
    check_arguments.check_commands,
    check_arguments.check_models,
    check_arguments.check_deployments,
    check_arguments.check_schemas,
    check_arguments.check_variables,
)

_NO_VARIABLES: Final[Mapping[str, str]] = MappingProxyType({})


def load_specs(
    root: Path,
    *,
    packs: Packs,
    variables: Mapping[str, str] = _NO_VARIABLES,
    tree: Tree | None = None,
) -> tuple[Specs | None, tuple[Diagnostic, ...]]:
    """Load the specs of a project.

    Args:
        root: the project's folder.
        packs: finds the packs that the project names; `specr.packs.InstalledPacks()`.
        variables: values for the project's variables by name, over their defaults.
        tree: where the files are; left out, in the folder itself.

    Returns:
        The specs, or None if there is any error; and all findings, with places, sorted.
    """
    with _collector_paused():
        loading = _Loading(root, packs, dict(variables))
        return loading.load(tree or FolderTree(root))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No cyclic garbage collection meanwhile: it would walk all that was loaded so far, again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Loading(Struct):
    """One load: what is gathered on the way."""

    root: Path
    packs: Packs
    overrides: dict[str, str]
    findings: list[Finding] = field(default_factory=list)
    located: list[Diagnostic] = field(default_factory=list)
    resources: dict[Address, Resource] = field(default_factory=dict)
    documents: dict[Address, Document] = field(default_factory=dict)
    broken: set[Address] = field(default_factory=set)
    complete: bool = True
    project_broken: bool = False
    variables: dict[str, Value] = field(default_factory=dict)

    def load(self, tree: Tree) -> tuple[Specs | None, tuple[Diagnostic, ...]]:
        reading = read_tree(tree, self.overrides)
        absent = check_presence(self.root, reading)
        if absent:
            return None, sorted_diagnostics(absent)
        self.take_reading(reading)
        self.findings += reading.contained
        project = self.take_project(reading.documents)
        values = None if self.project_broken else self.variables
        for document in reading.documents:
            if not _is_project(document):
                self.take(decode_document(document, values))
        for name in dict.fromkeys(project.packs):
            self.take_pack(name, project)
        self.check(project)
        specs, found = self.result(project)
        several = check_single(self.root, reading.documents, found)
        return (None, several) if several else (specs, found)

    def take_reading(self, reading: Reading) -> None:
        self.located += [diagnostic for _, diagnostic in reading.findings]
        for _, claims in reading.broken:
            if claims is None:
                self.complete = False
            else:
                self.broken.add(claims)
                self.project_broken |= claims.kind == "project"

    def take_project(self, documents: list[Document]) -> Project:
        """The settings; the first of several Projects, and all defaults where there is none."""
        found = [document for document in documents if _is_project(document)]
        for extra in found[1:]:
            diagnostic = Diagnostic(
                "More than one Project",
                f"A project has one document of kind Project; there is one in {_place(found[0])} already.",
                "Put the settings together in one document.",
                path=("kind",),
            )
            self.findings.append(Finding(extra, diagnostic))
        project = Project(name="project")
        if found:
            decoded = decode_document(found[0], {})
            self.findings += decoded.findings
            if isinstance(decoded.resource, Project):
                project = decoded.resource
                self.documents[project.address] = found[0]
            else:
                self.project_broken = True
        elif not self.complete or any(_is_unclear(document.value) for document in documents):
            self.project_broken = True  # what can't be read may be the Project
        declared = declared_variables({"variables": project.variables})
        if not self.project_broken:
            self.variables, wrong = override_variables(declared, self.overrides)
            self.located += wrong
        return project

    def take(self, decoded: Decoded) -> None:
        """Take up a document that is no Project."""
        self.findings += decoded.findings
        if decoded.foreign:
            return
        address = decoded.claims
        if address is None:
            self.complete = False
            return
        earlier = self.documents.get(address)
        if earlier is not None:
            self.findings.append(_duplicate(decoded.document, earlier, address))
            return
        self.documents[address] = decoded.document
        if decoded.resource is None:
            self.broken.add(address)
        else:
            self.resources[address] = decoded.resource

    def take_pack(self, name: str, project: Project) -> None:
        try:
            folder = self.packs.folder(name)
        except LookupError as error:
            place = (project.address, ("spec", "packs", project.packs.index(name)))
            diagnostic = unknown_pack(name, str(error.args[0]), self.packs.names(), *place)
            self.findings.append(Finding(self.documents[project.address], diagnostic))
            self.complete = False
            return
        reading = read_tree(FolderTree(folder), {}, pack=name)
        self.take_reading(reading)
        for document in reading.documents:
            if is_misplaced(document):
                self.findings.append(misplaced(document))
            else:
                self.take(decode_document(document, {}))

    def check(self, project: Project) -> None:
        self.resources = dict(sorted(self.resources.items()))
        known = checks.Known(project, self.resources, self.broken, self.complete, self.project_broken)
        for check in CHECKS:
            for diagnostic in check(known):
                assert diagnostic.address is not None
                self.findings.append(Finding(self.documents[diagnostic.address], diagnostic))

    def result(self, project: Project) -> tuple[Specs | None, tuple[Diagnostic, ...]]:
        if self.findings:
            from specr.spec.locate import locate_findings  # noqa: PLC0415 - the slow parser is for errors only

            self.located += locate_findings(self.findings)
        diagnostics = sorted_diagnostics(self.located)
        if has_errors(diagnostics):
            return None, diagnostics
        origins = {
            a: Origin(d.file, d.index, d.pack) for a, d in self.documents.items() if a in self.resources
        }
        specs = Specs(
            self.root,
            project,
            MappingProxyType(self.resources),
            MappingProxyType(origins),
            MappingProxyType(self.variables),
            MappingProxyType(self.documents),
        )
        return specs, diagnostics


def _is_project(document: Document) -> bool:
    return isinstance(document.value, dict) and document.value.get("kind") == "Project"


def _is_unclear(value: Any) -> bool:
    """Whether a document is a spec, but of which kind is not to be told."""
    return not is_known_kind(value) and foreign_problem(value) is None


def _place(document: Document) -> str:
    return f"{document.shown_file}, line {document.line + document.first_line + 1}"


def _duplicate(document: Document, earlier: Document, address: Address) -> Finding:
    if document.pack and document.pack != earlier.pack:
        return _taken_by_pack(document, earlier, address)
    diagnostic = Diagnostic(
        "Duplicate resource",
        f"{address} is declared already, in {_place(earlier)}.",
        "Rename or remove one of the two.",
        address=address,
        path=("metadata", "name"),
    )
    return Finding(document, diagnostic)


def _taken_by_pack(document: Document, earlier: Document, address: Address) -> Finding:
    """A pack's document for an address that the project, or another pack, has declared already.

    It is told where users can change something: at their own document, if one of the two is theirs.
    """
    other = f"the pack {earlier.pack} in" if earlier.pack else "the project in"
    diagnostic = Diagnostic(
        "Name is taken by a pack",
        f"{address} is declared by the pack {document.pack}, and by {other} {_place(earlier)}.",
        "Leave one of the two packs out." if earlier.pack else "Rename yours, or leave the pack out.",
        address=address,
        path=("metadata", "name"),
    )
    return Finding(document if earlier.pack else earlier, diagnostic)

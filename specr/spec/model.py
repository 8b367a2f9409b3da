"""What a folder of specs means once it is loaded: resources by address, and their places.

Plain values. Reading files and judging what is in them happens elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from specr.address import Address
from specr.diagnostics import Diagnostic
from specr.graph import Graph
from specr.resources.base import Resource
from specr.resources.catalog import BUILD
from specr.resources.project import Project
from specr.spec.document import Document

_SOURCE: Final = ("spec", "source")


class Origin(Struct, frozen=True):
    """Where a resource was declared."""

    file: str
    """Relative to the project's root, or to the pack's folder, with `/`."""

    document: int
    """The document's position in the file, from 0."""

    pack: str = ""
    """The name of the pack; empty for the project's own specs."""


class Specs(Struct, frozen=True, dict=True):
    """A project whose specs hold no errors."""

    root: Path
    """The project's folder. Paths that resources name are relative to their file's folder in it."""

    project: Project
    """The settings; all defaults where there is no document."""

    resources: Mapping[Address, Resource]
    """The user's and the packs' resources by address, sorted, without the Project."""

    origins: Mapping[Address, Origin]
    """Where each resource was declared."""

    variables: Mapping[str, str | int | float | bool] = field(default_factory=lambda: MappingProxyType({}))
    """The values that specs were read with: the project's defaults, overridden."""

    documents: Mapping[Address, Document] = field(default_factory=lambda: MappingProxyType({}))
    """The text of each resource, for finding places in it."""

    @cached_property
    def graph(self) -> Graph:
        """What each resource needs, as far as it is declared."""
        return reference_graph(self.resources)

    def locate(self, diagnostic: Diagnostic) -> Diagnostic:
        """The same finding with `span` and `excerpt`, taken from its address and path.

        The deepest part of the path that the document has is shown; of a build, which no document
        declares, the source that it is made from. A finding that has a span already, or no address
        that tells of a document, comes back unchanged.
        """
        if diagnostic.span is not None or diagnostic.address is None:
            return diagnostic
        document, path = self.documents.get(diagnostic.address), diagnostic.path
        if document is None and diagnostic.address.kind == BUILD and not path:
            artifact, _, _ = diagnostic.address.name.partition(".")
            document, path = self.documents.get(Address("artifact", artifact)), _SOURCE
        if document is None:
            return diagnostic
        from specr.spec.locate import locate_in  # noqa: PLC0415 - the slow parser is imported when needed

        located = locate_in(document, replace(diagnostic, path=path))
        return replace(located, path=diagnostic.path)


def reference_graph(resources: Mapping[Address, Resource]) -> Graph:
    """What each resource needs, each once, in declaration order; undeclared targets are left out."""
    return {
        address: tuple(
            dict.fromkeys(r.target for r in resource.references() if r.target in resources),
        )
        for address, resource in resources.items()
    }

"""What every importer promises: it lists the models that a registry outside of specr has."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Protocol

from msgspec import Struct, field

from specr.canonical import JsonObject
from specr.diagnostics import Diagnostic


class Which(Enum):
    """Which versions of each model are wanted."""

    ALL = "all"
    ALIASED = "aliased"
    LATEST = "latest"


class Wanted(Struct, frozen=True):
    """What to look for.

    `place` is the registry's address as the user gave it, None for the one that its settings or
    the environment name. `models` are the registry's own names, none for all. `settings` are
    what the project says of sources, by scheme.
    """

    place: str | None = None
    models: tuple[str, ...] = ()
    which: Which = Which.ALL
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class FoundVersion(Struct, frozen=True):
    """A version of a model: `source` is the reference by which an Artifact names it."""

    number: int
    source: str
    description: str = ""
    metadata: JsonObject = field(default_factory=dict)
    parameters: JsonObject = field(default_factory=dict)
    statistics: JsonObject = field(default_factory=dict)


class FoundModel(Struct, frozen=True):
    """A model as the registry has it, under the registry's name."""

    name: str
    versions: tuple[FoundVersion, ...]
    aliases: Mapping[str, int] = field(default_factory=dict)
    description: str = ""


class Found(Struct, frozen=True):
    """What a registry has.

    `artifact_type` is that of its models. `packs` and `sources` are what a Project needs to
    deploy them. `diagnostics` are warnings about what was left out.
    """

    models: tuple[FoundModel, ...]
    artifact_type: str
    packs: tuple[str, ...] = ()
    sources: Mapping[str, JsonObject] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


class Importer(Protocol):
    """Lists the models of one kind of registry. Reads only."""

    def find(self, wanted: Wanted) -> Found:
        """The models that are wanted, in the order of their names.

        Raises:
            DiagnosticError: the registry does not answer, or has no such model.
        """

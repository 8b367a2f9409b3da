"""Model: experiments registered under one name, as numbered versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final

from msgspec import Meta, field

from specr.address import Address
from specr.resources.base import Name, Reference, Resource

LAST_VERSION: Final = 2**63 - 1
"""The highest number that a version can have: the largest integer that every reader of JSON and SQL holds."""


class Model(Resource, frozen=True, kw_only=True):
    """Experiments registered under one name, as versions, with names for some of them.

    Example:
        apiVersion: specr/v1
        kind: Model
        metadata:
          name: fraud
        spec:
          versions:
            1: fraud-2023
            2: fraud-2024
          aliases:
            champion: 2
    """

    kind: ClassVar[str] = "Model"

    versions: dict[Annotated[int, Meta(ge=1, le=LAST_VERSION)], Name]
    """Experiments by version number, from 1. An experiment is a version of one model at most."""

    aliases: dict[Name, int] = field(default_factory=dict)
    """Versions by a name that moves, such as `champion`."""

    def references(self) -> Iterator[Reference]:
        """The experiments in the order of their versions, then `dependsOn`."""
        for number, experiment in sorted(self.versions.items()):
            yield Reference(("spec", "versions", number), Address("experiment", experiment))
        yield from super().references()

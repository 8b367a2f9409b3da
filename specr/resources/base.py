"""What all kinds share: a name, labels, annotations, and references to others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints
from pydantic.alias_generators import to_camel

from specr.address import NAME_LIMIT, Address, parse_address
from specr.diagnostics import Path

API_VERSION = "specr/v1"

Integer = Annotated[int, Strict()]
"""A YAML integer; a quoted one or a boolean is a mistake, not an integer."""

Boolean = Annotated[bool, Strict()]
"""A YAML boolean; `"true"` and `1` are mistakes."""

Number = Annotated[float, Strict()]
"""A YAML number, whole or not."""

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=NAME_LIMIT),
]
"""A name: lower-case letters, digits and dashes, 63 characters at most."""

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""`sha256:` and 64 hexadecimal digits."""


class Reference(NamedTuple):
    """That a resource needs another, and where its document says so."""

    path: Path
    target: Address


class Part(BaseModel):
    """A value inside a spec: frozen, unknown keys refused, camelCase in YAML."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        defer_build=True,
    )


class Resource(Part):
    """What one YAML document declares: a name and its arguments."""

    kind: ClassVar[str]
    """The kind as documents write it, such as `Deployment`."""

    name: Name
    """Unique among the resources of its kind."""

    labels: dict[str, str] = Field(default_factory=dict)
    """Short words for finding and grouping."""

    annotations: dict[str, str] = Field(default_factory=dict)
    """Free text for people and tools."""

    depends_on: tuple[str, ...] = ()
    """Addresses of resources that must be in place first, beside those that fields refer to."""

    @property
    def address(self) -> Address:
        """The key of this resource."""
        return Address(self.kind.lower(), self.name)

    def references(self) -> Iterator[Reference]:
        """Yield the resources this one needs, in declaration order.

        Entries of `dependsOn` that are no addresses are left out: checks report them.
        """
        for position, text in enumerate(self.depends_on):
            try:
                yield Reference(("spec", "dependsOn", position), parse_address(text))
            except ValueError:
                continue

    def arguments(self) -> dict[str, Any]:
        """The arguments as JSON, in YAML's spelling, without those left at their defaults."""
        return self.model_dump(mode="json", by_alias=True, exclude={"name"}, exclude_defaults=True)


METADATA_FIELDS = frozenset({"name", "labels", "annotations"})
"""The fields that a document keeps under `metadata`; all others lie under `spec`."""

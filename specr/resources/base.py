"""What all kinds share: a name, labels, annotations, and references to others.

Kinds and their parts are Structs, which import and read in a fraction of the time that pydantic
takes; what does not fit them is explained, and their JSON Schema made, by the pydantic models
that `specr.resources.exact` derives from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import cache
from inspect import get_annotations
from typing import Annotated, Any, ClassVar, Final, NamedTuple

from msgspec import NODEFAULT, Meta, Struct, field
from msgspec.structs import fields

from specr.address import NAME_LIMIT, Address, parse_address
from specr.diagnostics import Path

API_VERSION = "specr/v1"


def form(pattern: str, *, max_length: int | None = None) -> Meta:
    r"""That a text has the form `^…$`, the whole of it.

    Patterns are read by several engines. To Python's, `$` would also be the place before a final
    line feed, which no other means by it; `\Z` is what they mean.
    """
    return Meta(pattern=pattern.removesuffix("$") + r"\Z", max_length=max_length)


Name = Annotated[str, form(r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=NAME_LIMIT)]
"""A name: lower-case letters, digits and dashes, 63 characters at most."""

Filled = Annotated[str, Meta(pattern=r"\S")]
"""A text that is neither empty nor blank."""

Digest = Annotated[str, form(r"^sha256:[0-9a-f]{64}$")]
"""`sha256:` and 64 hexadecimal digits."""


class Reference(NamedTuple):
    """That a resource needs another, and where its document says so."""

    path: Path
    target: Address


class FieldShape(NamedTuple):
    """A field of a part: its name here, its name in YAML, and its default (NODEFAULT where it has none)."""

    name: str
    key: str
    default: Any


Omit = frozenset[str]
"""What to leave out of JSON: see DEFAULTS and NONE."""

DEFAULTS: Final[Omit] = frozenset({"defaults"})
"""Leave out what has its default."""

NONE: Final[Omit] = frozenset({"none"})
"""Leave out what is None."""


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A value inside a spec: frozen, unknown keys refused, camelCase in YAML.

    What is read from outside goes through `specr.resources.convert`, which checks it; the
    constructor takes what it is given.
    """

    def dump(self, *, omit: Omit = frozenset()) -> dict[str, Any]:
        """The part as JSON, in YAML's spelling."""
        told = {}
        for name, key, default in shapes_of(type(self)):
            value = getattr(self, name)
            if value is None and "none" in omit:
                continue
            if default is not NODEFAULT and "defaults" in omit and value == default:
                continue
            told[key] = _plain(value, omit)
        return told


@cache
def shapes_of(part: type[Part]) -> tuple[FieldShape, ...]:
    """The fields of a part, those of its bases first."""
    found = {field.name: field for field in fields(part)}
    names = dict.fromkeys(
        name for base in reversed(part.__mro__) for name in get_annotations(base) if name in found
    )
    return tuple(
        FieldShape(
            name,
            found[name].encode_name,
            found[name].default
            if found[name].default_factory is NODEFAULT
            else found[name].default_factory(),
        )
        for name in names
    )


def _plain(value: Any, omit: Omit) -> Any:
    if isinstance(value, (str, int, float)) or value is None:
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, dict):
        return {str(key): _plain(item, omit) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, omit) for item in value]
    return value.dump(omit=omit)


class Resource(Part, frozen=True, kw_only=True):
    """What one YAML document declares: a name and its arguments."""

    kind: ClassVar[str]
    """The kind as documents write it, such as `Deployment`."""

    name: Name
    """The resource's name, unique among those of its kind."""

    labels: dict[str, str] = field(default_factory=dict)
    """Short words for finding and grouping."""

    annotations: dict[str, str] = field(default_factory=dict)
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
        told = self.dump(omit=DEFAULTS)
        del told["name"]
        return told


METADATA_FIELDS = frozenset({"name", "labels", "annotations"})
"""The fields that a document keeps under `metadata`; all others lie under `spec`."""

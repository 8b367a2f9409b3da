"""What every reader promises: it says what an artifact tells of itself, and runs none of it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from msgspec import Struct, field

from specr.canonical import JsonObject
from specr.diagnostics import Diagnostic
from specr.resources.columns import ModelSchema


class ArtifactFacts(Struct, frozen=True):
    """What an artifact tells of itself.

    `schema` is None where it tells none; its `output` is empty where that side is not told.
    `diagnostics` are errors where the content is not what its type says, and warnings that say
    why there is no schema, for whoever needs one that the experiment does not declare either.
    """

    schema: ModelSchema | None = None
    metadata: JsonObject = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


class Reader(Protocol):
    """Reads artifacts of one type. Never executes, unpickles or imports what it reads."""

    def read(self, content: Path) -> ArtifactFacts:
        """Read a file or folder; bad content gives diagnostics, never an exception."""


@runtime_checkable
class Selective(Reader, Protocol):
    """A reader that opens few files of a folder, so that these can be brought before the others."""

    def names(self) -> frozenset[str]:
        """The names of all files that it opens."""

"""What every reader promises: it says what an artifact tells of itself, and runs none of it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

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

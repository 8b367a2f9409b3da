"""Documents: the pieces of YAML that files are made of, with the values read from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document of a file."""

    file: str
    """The file as people are told it."""

    index: int
    """Position in the file, from 0."""

    line: int
    """The line of the file, from 0, that `text` begins on."""

    text: str
    """The document's own text, line ends as `\\n`."""

    value: Any = None
    """What the text means; JSON, but for mappings that have integers for keys."""

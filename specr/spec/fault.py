"""Why a text can't be read as a document, and where in that text."""

from __future__ import annotations

from typing import Final

SYNTAX: Final = "Invalid YAML"
"""The summary of all faults of texts that are no YAML."""

Place = tuple[int, int]
"""Line and column, from 0."""


class Fault(Exception):  # noqa: N818 - a finding about a text; whoever knows the file makes a Diagnostic of it
    """Something wrong with YAML text.

    `earlier` is another place to tell of: the beginning of a sentence that ends in
    `on line 3.`, and the place.
    """

    def __init__(
        self,
        summary: str,
        detail: str,
        place: Place,
        *,
        remedy: str = "",
        width: int = 1,
        earlier: tuple[str, Place] | None = None,
    ) -> None:
        super().__init__(summary)
        self.summary = summary
        self.detail = detail
        self.place = place
        self.remedy = remedy
        self.width = width
        self.earlier = earlier

    @property
    def is_syntax(self) -> bool:
        """Whether the text is no YAML at all."""
        return self.summary == SYNTAX

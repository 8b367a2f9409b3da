"""Marks: variables in the environment of every process, by which it is known for specr's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

LINEAGE_MARK: Final = "SPECR_LINEAGE"
"""The lineage of the state that a process's object belongs to."""

TOKEN_MARK: Final = "SPECR_TOKEN"  # noqa: S105 - a variable's name
"""The object's token."""

FOLDER_MARK: Final = "SPECR_FOLDER"
"""The folder of the run that a process belongs to; it tells copies of a project apart."""


class Marks(Struct, frozen=True):
    """What the processes of one object carry. `folder` is that of the object, or of one of its runs."""

    lineage: str
    token: str
    folder: Path

    def are_in(self, env: Mapping[str, str]) -> bool:
        """Whether an environment holds them."""
        return (
            env.get(LINEAGE_MARK) == self.lineage
            and env.get(TOKEN_MARK) == self.token
            and Path(env.get(FOLDER_MARK, "/")).is_relative_to(self.folder)
        )


def end_marked(marks: Marks, grace: float) -> None:
    """End every process that carries these marks: politely, and after `grace` seconds by force."""
    from specr.providers.local.leftovers import end_leftovers  # noqa: PLC0415 - 25 ms that plans don't need

    end_leftovers(marks, grace)

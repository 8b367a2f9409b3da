"""Reading JSON of a known shape: a value, where it lies, and what it must be.

This module knows no plan; it only says where JSON is not what was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import Enum
from typing import Final, TypeVar

from msgspec import Struct

from specr.address import Address, parse_address
from specr.canonical import Json, JsonObject, encode_json
from specr.diagnostics import Path

E = TypeVar("E", bound=Enum)
T = TypeVar("T")

_SHORT: Final = 60
"""Longest value that a message quotes whole, in characters."""


class MisfitError(Exception):
    """JSON that is not what was expected. The text says where and why."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"at {path_text(path) or 'the top'}, {why}")


def path_text(path: Path) -> str:
    """A path as people write it: `changes[0].cause.reason`."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(parts).removeprefix(".")


class Field(Struct, frozen=True):
    """A JSON value and the way to it. Each method raises MisfitError for what does not fit."""

    value: Json
    path: Path = ()

    def __getitem__(self, key: str) -> Field:
        """A field of an object, which must be there."""
        content = self.object()
        if key not in content:
            raise MisfitError(self.path, f"the field {key!r} is missing")
        return Field(content[key], (*self.path, key))

    def only(self, *known: str) -> None:
        """Nothing but these keys."""
        unknown = self.object().keys() - set(known)
        if unknown:
            raise MisfitError(self.path, f"there is an unknown field {min(unknown)!r}")

    def object(self) -> JsonObject:
        """An object."""
        if isinstance(self.value, dict):
            return self.value
        raise self._misfit("an object")

    def all(self, decode: Callable[[Field], T]) -> tuple[T, ...]:
        """Every item of a list, decoded."""
        if not isinstance(self.value, list):
            raise self._misfit("a list")
        return tuple(decode(Field(item, (*self.path, n))) for n, item in enumerate(self.value))

    def optional(self, decode: Callable[[Field], T]) -> T | None:
        """The value decoded, or None for null."""
        return None if self.value is None else decode(self)

    def text(self, allowed: Collection[str] | None = None) -> str:
        """A string, one of those allowed."""
        if not isinstance(self.value, str):
            raise self._misfit("a string")
        if allowed is not None and self.value not in allowed:
            raise self._misfit(f"one of {', '.join(sorted(allowed))}")
        return self.value

    def count(self) -> int:
        """An integer from 0."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value < 0:
            raise self._misfit("an integer from 0")
        return self.value

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self._misfit("true or false")
        return self.value

    def address(self) -> Address:
        """An address."""
        try:
            return parse_address(self.text())
        except ValueError:
            raise self._misfit("an address") from None

    def member(self, enum: type[E], without: Collection[E] = ()) -> E:
        """The member of an enumeration that has this value."""
        members = {str(member.value): member for member in enum if member not in without}
        return members[self.text(members)]

    def trail(self) -> Path:
        """A path: a list of keys and positions."""
        return self.all(Field._step)

    def _step(self) -> str | int:
        if isinstance(self.value, bool) or not isinstance(self.value, str | int):
            raise self._misfit("a key or a position")
        return self.value

    def _misfit(self, expected: str) -> MisfitError:
        return MisfitError(self.path, f"expected {expected}, found {_told(self.value)}")


def _told(value: Json) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = encode_json(value).decode()
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"

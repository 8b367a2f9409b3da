"""Values known after apply: placeholders that say which attribute of which object fills them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from specr.address import Address, parse_address
from specr.canonical import Json
from specr.diagnostics import Path

_KEY: Final = "$knownAfterApply"
"""The only key of a placeholder. `$` can't begin a key that users write in arguments that providers see."""


def placeholder(address: Address, attribute: str) -> dict[str, Any]:
    """Stands for an attribute that `address` will have once its change has been applied."""
    return {_KEY: {"address": str(address), "attribute": attribute}}


def is_placeholder(value: Json) -> bool:
    """Whether a value stands for one that is not known yet."""
    return isinstance(value, dict) and value.keys() == {_KEY}


def find_placeholders(value: Json, path: Path = ()) -> Iterator[Path]:
    """Yield the paths of all placeholders inside a value, in order."""
    if is_placeholder(value):
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from find_placeholders(item, (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from find_placeholders(item, (*path, position))


def fill_placeholders(value: Json, attribute_of: Callable[[Address, str], Json]) -> Json:
    """The same value with every placeholder replaced by the attribute that it stands for.

    Raises whatever `attribute_of` raises where the attribute is not known.
    """
    if is_placeholder(value):
        target = value[_KEY]
        return attribute_of(parse_address(target["address"]), target["attribute"])
    if isinstance(value, dict):
        return {key: fill_placeholders(item, attribute_of) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_placeholders(item, attribute_of) for item in value]
    return value

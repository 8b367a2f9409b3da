"""Addresses: the immutable key of every resource and object.

An address is a kind and a name, written `kind/name` as kubectl writes it, with
room for a module prefix and an instance key: `risk.deployment/api[eu]`.
This module knows nothing of what an address points to.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

NAME_LIMIT: Final = 63
"""Longest name, in characters: that of a DNS label, so that every platform can carry it."""

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS: Final = (
    rf"(?:(?P<module>{_LABEL}(?:\.{_LABEL})*)\.)?"
    r"(?P<kind>[a-z]+)/"
    rf"(?P<name>{_LABEL}(?:\.{_LABEL})?)"
    r"(?:\[(?P<key>[A-Za-z0-9_.-]+)\])?"
)


class Address(NamedTuple):
    """Where a resource or object is found: `kind/name`.

    A tuple, so that addresses sort, hash and compare at the speed of one.
    Derived names (builds) hold one dot, which names that users write can't.
    """

    kind: str
    name: str
    module: str = ""
    key: str = ""

    def __str__(self) -> str:
        prefix = f"{self.module}." if self.module else ""
        suffix = f"[{self.key}]" if self.key else ""
        return f"{prefix}{self.kind}/{self.name}{suffix}"


def parse_address(text: str) -> Address:
    """Turn `kind/name` into an Address; the inverse of `str`.

    Raises:
        ValueError: the text is not an address; the message says what one looks like.
    """
    kind, _, name = text.partition("/")
    if kind.isascii() and kind.isalpha() and kind.islower() and is_name(name):  # nearly all are so plain
        return Address(kind, name)
    match = re.fullmatch(_ADDRESS, text)
    if match is None:
        raise ValueError(f"{text!r} is not an address; one looks like deployment/fraud")
    parts = match.groupdict(default="")
    return Address(parts["kind"], parts["name"], parts["module"], parts["key"])


def is_name(text: str) -> bool:
    """Whether users may give this name: a DNS label of 63 characters at most."""
    return (
        0 < len(text) <= NAME_LIMIT
        and text.isascii()
        and text.replace("-", "").isalnum()
        and text == text.lower()
        and not text.startswith("-")
        and not text.endswith("-")
    )

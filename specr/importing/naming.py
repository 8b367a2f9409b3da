"""Names of specs for things that have other names elsewhere. Pure.

A name that fits stays as it is. Others are made to fit; those that would then be the same as
another get a few digits of the digest of what they were, so that they stay apart and stay
the same in every import.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

_LONGEST: Final = 54
"""Room for `-v` and seven digits behind it: the name of a version's experiment."""

_DIGITS: Final = 6


def fit_name(text: str) -> str:
    """The text as a name, as far as it can be one; may be empty."""
    kept = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return kept[:_LONGEST].rstrip("-")


def assign_names(texts: Iterable[str]) -> Mapping[str, str]:
    """A name for each text, no two the same."""
    asked = sorted(set(texts))
    wished = {text: fit_name(text) for text in asked}
    counts = Counter(wished.values())
    taken = {text for text in asked if wished[text] == text}
    return {
        text: name if text in taken or (name and counts[name] == 1) else _apart(text, name)
        for text, name in wished.items()
    }


def _apart(text: str, name: str) -> str:
    digits = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
    return f"{name[: _LONGEST - _DIGITS - 1].rstrip('-') or 'model'}-{digits}"

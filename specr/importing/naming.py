"""Names of specs for things that have other names elsewhere. Pure.

A name that fits stays as it is. Others are made to fit; those that would then be the same as
another get a few digits of the digest of what they were, so that they stay apart and stay
the same in every import.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
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
    names = {text: name for text, name in wished.items() if name and (name == text or counts[name] == 1)}
    taken = set(names.values())
    for text in asked:
        if text not in names:
            names[text] = _apart(text, wished[text], taken)
            taken.add(names[text])
    return names


def _apart(text: str, name: str, taken: Collection[str]) -> str:
    """The name with as many digits of the text's digest as it takes to be another one."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    candidates = (
        f"{name[: _LONGEST - length - 1].rstrip('-') or 'model'}-{digest[:length]}"
        for length in range(_DIGITS, _LONGEST - len("model-"))
    )
    return next(candidate for candidate in candidates if candidate not in taken)

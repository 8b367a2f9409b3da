"""What is new in a log that is read whole, time and again.

The log of several replicas comes replica by replica, each line under its replica's name, so
new lines come up in the middle. Pure; who reads the log and how often is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

_SEPARATOR = ": "
"""What stands between a replica's name and its line."""


def new_lines(seen: Sequence[str], lines: Sequence[str]) -> list[str]:
    """The lines that were not there when the log was seen before, in the log's order.

    What does not go on from where it was, since another object took over or a replica was
    started again, is new from its beginning.
    """
    added = _added(seen, lines)
    if added is not None:
        return added
    before, now = _parts(seen), _parts(lines)
    if before is None or now is None:
        return list(lines)
    found = list[str]()
    for name, part in now.items():
        rest = _added(before.get(name, ()), part)
        found += part if rest is None else rest
    return found


def _added(seen: Iterable[str], lines: Sequence[str]) -> list[str] | None:
    """The lines that came between and after those seen; None unless all of those are still there."""
    waiting = iter(seen)
    expected = next(waiting, None)
    found = list[str]()
    for line in lines:
        if line == expected:
            expected = next(waiting, None)
        else:
            found.append(line)
    return found if expected is None else None


def _parts(lines: Sequence[str]) -> dict[str, list[str]] | None:
    """A log by the names that its lines stand under; None where it is not one part after another."""
    parts = dict[str, list[str]]()
    for name, group in groupby(lines, key=lambda line: line.partition(_SEPARATOR)[0]):
        if name in parts:
            return None
        parts[name] = list(group)
    return parts

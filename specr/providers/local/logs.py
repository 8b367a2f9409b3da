"""Reading logs of any size: the last lines without the gigabytes before them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_BLOCK: Final = 1 << 16
_LONGEST: Final = 2_000
"""Characters of a line that are shown where only the last lines are asked for."""
_FARTHEST: Final = 4 << 20
"""Bytes before the end of a log beyond which the last lines are not looked for."""


def read_lines(log: Path, tail: int | None) -> Sequence[str]:
    """The lines of a log, or the last `tail` of them; none if there is no log.

    What is not UTF-8 is replaced. Among the last lines, one of more than 2,000 characters has
    an ellipsis in its middle; of one that is longer than 4 MiB, the end is read.
    """
    try:
        data = log.read_bytes() if tail is None else _read_end(log, tail)
    except FileNotFoundError:
        return []
    # Not `splitlines`: it also splits at characters that programs print within a line.
    lines = [line.rstrip("\r") for line in data.decode(errors="replace").removesuffix("\n").split("\n")]
    if lines == [""]:
        return []
    return lines if tail is None else [_shortened(line) for line in lines[max(0, len(lines) - tail) :]]


def _shortened(line: str) -> str:
    if len(line) <= _LONGEST:
        return line
    half = _LONGEST // 2
    return f"{line[:half]}…{line[1 - half :]}"


def _read_end(log: Path, lines: int) -> bytes:
    """At least so many lines from the end, as far as there are."""
    data = b""
    with log.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        while position and data.count(b"\n") <= lines and len(data) < _FARTHEST:
            size = min(_BLOCK, position)
            position -= size
            file.seek(position)
            data = file.read(size) + data
    return data

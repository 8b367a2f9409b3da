"""The texts in a MOJO: `model.ini`, and the files of levels that it points to. Pure.

[info]      key = value
[columns]   a name a line: the features, then whatever else training knew of, the response last
[domains]   index of a column: number of its levels, and the file below `domains/` that lists them
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from specr_processor import SourceError

_COLUMNS_LIMIT: Final = 100_000
_LINES_LIMIT: Final = 3 * _COLUMNS_LIMIT
"""Columns, their levels, and room for all else."""

_BLANK: Final = "".join(map(chr, range(33)))
"""What H2O takes off the ends of a line: less than Python would."""

_ESCAPES: Final = {"n": "\n", "r": "\r", "\\": "\\"}


class MojoError(SourceError):
    """A zip that is no MOJO that can be served; the message is the end of a sentence about it."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Where a categorical column's levels are listed, and how many they are."""

    count: int
    file: str


@dataclass(frozen=True, slots=True)
class Ini:
    """What `model.ini` says."""

    info: Mapping[str, str]
    columns: tuple[str, ...]
    levels: Mapping[int, Levels] = field(default_factory=dict)

    def text(self, key: str) -> str:
        """A value as it stands; "" where it is missing or `null`."""
        value = self.info.get(key, "")
        return "" if value == "null" else value

    def whole(self, key: str, default: int | None = None) -> int:
        """A value that is a whole number, 0 or more.

        Raises:
            MojoError: it is none, or is missing and there is no default.
        """
        text = self.text(key)
        if not text and default is not None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise MojoError(f"its model.ini says {key} = {text[:40]!r}, which should be a whole number")
        return int(text)


def parse_ini(lines: Iterable[str]) -> Ini:
    """Read `model.ini`.

    Raises:
        MojoError: it is not what H2O writes.
    """
    info: dict[str, str] = {}
    columns: list[str] = []
    levels: dict[int, Levels] = {}
    section = ""
    for number, raw in enumerate(lines):
        if number >= _LINES_LIMIT:
            raise MojoError(f"its model.ini has more than {_LINES_LIMIT:,} lines")
        line = raw.strip(_BLANK)
        if line in ("[info]", "[columns]", "[domains]"):
            section = line
        elif not line or line.startswith("#"):
            continue
        elif section == "[info]":
            key, _, value = line.partition("=")
            info[key.strip()] = value.strip()
        elif section == "[columns]":
            columns.append(line)
            if len(columns) > _COLUMNS_LIMIT:
                raise MojoError(f"its model.ini names more than {_COLUMNS_LIMIT:,} columns")
        elif section == "[domains]":
            index, found = _levels(line)
            levels[index] = found
    ini = Ini(info, tuple(columns), levels)
    if ini.whole("n_columns") != len(columns):
        raise MojoError(
            f"its model.ini announces {ini.text('n_columns')} columns and names {len(columns)} (H2O itself"
            " takes a name that begins with # for a comment, and breaks one in two at a line break)"
        )
    return ini


def _levels(line: str) -> tuple[int, Levels]:
    index, _, rest = line.partition(":")
    count, _, file = rest.strip().partition(" ")
    if not (_is_whole(index.strip()) and _is_whole(count) and file.strip()):
        raise MojoError(f"its model.ini has a line under [domains] that is no list of levels: {line[:60]!r}")
    return int(index), Levels(int(count), file.strip())


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def parse_levels(text: str, count: int, name: str, *, escaped: bool) -> tuple[str, ...]:
    """The levels in a file that lists one a line; line breaks within one are `escaped` in newer MOJOs.

    Raises:
        MojoError: there are more or fewer than `count`.
    """
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    levels = tuple(_unescape(line) if escaped else line for line in lines)
    if len(levels) != count:
        raise MojoError(f"its {name} lists {len(levels)} levels, and model.ini announces {count}")
    return levels


def _unescape(line: str) -> str:
    if "\\" not in line:
        return line
    pieces = []
    characters = iter(line)
    for character in characters:
        if character == "\\":
            following = next(characters, "")
            pieces.append(_ESCAPES.get(following, character + following))
        else:
            pieces.append(character)
    return "".join(pieces)

"""Built models: what a family's `build.py` wrote, and its rows beside the library's own predictions.

    model/           what is deployed
    rows.json        {"fields": […], "rows": [[…], …]}: what is asked, cells as JSON values, null for missing
    expected.json    the same shape: what the library itself predicts, all rows at once
    contributions.json  the same shape: its Shapley values, for models of one output that it explains
    media/           the files that cells of media columns name

A build that writes several models gives each a folder with these three; a deployment names its folder with
the label `case`.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.families.cache import Cache, cache_folder, key_of
from tests.families.commands import Deadline, run
from tests.families.environments import write_launcher
from tests.families.family import FAMILIES, Family
from tests.families.media import data_url

_BUILDING: Final = FAMILIES / "building"
"""Modules that every `build.py` may import."""
_BUILD_SECONDS: Final = 600
LEAST_ROWS: Final = 100
Cell = str | int | float | bool | None


class BuildError(Exception):
    """A build that did not write what it should."""


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns and their rows."""

    fields: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One built model: what is asked of it and what it should answer.

    Cells of the columns `media` name files in `folder`. `contributions` are its Shapley values, if any.
    """

    folder: Path
    asked: Table
    expected: Table
    media: tuple[str, ...] = ()
    contributions: Table | None = None

    def files(self, rows: Sequence[int]) -> list[Path]:
        """The files that these rows name, each once."""
        named = dict.fromkeys(
            str(self.asked.rows[row][place]) for row in rows for place in self._media_places(row)
        )
        return [self.folder / "media" / name for name in named]

    def self_contained(self, row: int) -> tuple[Cell, ...]:
        """A row's cells, with files in place of their names."""
        cells = list(self.asked.rows[row])
        for place in self._media_places(row):
            cells[place] = data_url(self.folder / "media" / str(cells[place]))
        return tuple(cells)

    def _media_places(self, row: int) -> Iterator[int]:
        for name in self.media:
            place = self.asked.fields.index(name)
            if self.asked.rows[row][place] is not None:
                yield place


def build_model(family: Family, python: Path, deadline: Deadline) -> tuple[Path, bool]:
    """The folder that the family's `build.py` filled, and whether it had to run.

    Raises:
        CommandError: it failed.
        OutOfTimeError: the run's time is up.
    """

    def make(folder: Path) -> None:
        launcher = folder / "python"
        write_launcher(launcher, python, [_BUILDING])
        out = folder / "out"
        out.mkdir()
        work = folder / "work"  # libraries leave things behind where they run
        work.mkdir()
        run([launcher, family.folder / "build.py", out], deadline=deadline, limit=_BUILD_SECONDS, cwd=work)
        shutil.rmtree(work)

    sources = sorted(
        path
        for folder in (family.folder, _BUILDING)
        for path in folder.rglob("*")
        if path.is_file()
        and path.name not in {"family.toml", "specr.yaml"}
        and "__pycache__" not in path.parts
    )
    parts = [part for path in sources for part in (path.name, path.read_bytes())]
    folder, made = Cache(cache_folder() / "models").get(key_of([str(python), *parts]), make)
    return folder / "out", made


def load_cases(folder: Path, family: Family) -> dict[str, Case]:
    """The models that a build wrote into a folder, by folder name; `""` where it wrote one.

    Raises:
        BuildError: there is none, or its rows don't fit together.
    """
    if (folder / "rows.json").exists():
        return {"": _load_case(folder, family.rows.media)}
    found = [path.parent for path in sorted(folder.glob("*/rows.json"))]
    cases = {case.name: _load_case(case, family.rows_of(case.name).media) for case in found}
    if not cases:
        raise BuildError("build.py wrote no rows.json")
    return cases


def _load_case(folder: Path, media: tuple[str, ...]) -> Case:
    asked = _load_table(folder / "rows.json")
    unknown = set(media) - set(asked.fields)
    if unknown:
        raise BuildError(f"rows.json has no columns {', '.join(sorted(unknown))}")
    explained = folder / "contributions.json"
    shares = _load_table(explained) if explained.exists() else None
    case = Case(folder, asked, _load_table(folder / "expected.json"), media, shares)
    lost = [path.name for path in case.files(range(len(asked.rows))) if not path.exists()]
    if lost:
        raise BuildError(f"rows.json names files that are not in media/: {', '.join(lost[:5])}")
    if len(case.asked.rows) != len(case.expected.rows):
        raise BuildError(
            f"{len(case.expected.rows)} predictions are expected for {len(case.asked.rows)} rows"
        )
    if len(case.asked.rows) < LEAST_ROWS:
        raise BuildError(f"rows.json holds {len(case.asked.rows)} rows; at least {LEAST_ROWS} are wanted")
    return case


def _load_table(path: Path) -> Table:
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        table = Table(tuple(document["fields"]), tuple(map(tuple, document["rows"])))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BuildError(f"{path.name} is no table: {type(error).__name__}: {error}") from error
    if any(len(row) != len(table.fields) for row in table.rows):
        raise BuildError(f"{path.name} has rows that are not {len(table.fields)} cells long")
    return table

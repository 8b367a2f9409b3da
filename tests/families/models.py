"""Built models: what a family's `build.py` wrote, and its rows beside the library's own predictions.

    model/           what is deployed
    rows.json        {"fields": […], "rows": [[…], …]}: what is asked, cells as JSON values, null for missing
    expected.json    the same shape: what the library itself predicts, all rows at once

A build that writes several models gives each a folder with these three; a deployment names its folder with
the label `case`.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.families.cache import Cache, cache_folder, key_of
from tests.families.commands import Deadline, run
from tests.families.environments import write_launcher
from tests.families.family import FAMILIES, Family

_BUILDING: Final = FAMILIES / "building"
"""Modules that every `build.py` may import."""
_BUILD_SECONDS: Final = 300
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
    """One built model: its folder, what is asked of it and what it should answer."""

    folder: Path
    asked: Table
    expected: Table


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


def load_cases(folder: Path) -> dict[str, Case]:
    """The models that a build wrote, by folder name; `""` where it wrote one.

    Raises:
        BuildError: there is none, or its rows don't fit together.
    """
    if (folder / "rows.json").exists():
        return {"": _load_case(folder)}
    cases = {path.parent.name: _load_case(path.parent) for path in sorted(folder.glob("*/rows.json"))}
    if not cases:
        raise BuildError("build.py wrote no rows.json")
    return cases


def _load_case(folder: Path) -> Case:
    case = Case(folder, _load_table(folder / "rows.json"), _load_table(folder / "expected.json"))
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

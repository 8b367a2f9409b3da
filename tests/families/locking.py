"""Resolves what a family requires into requirement files that pin everything."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.families.commands import Deadline, run
from tests.families.environments import PYTHON, UV, plugin_requirements, uv_environment
from tests.families.family import Edition, EditionName, Family

_LOCAL: Final = re.compile(r"^(\S+==[^\s;+]+)\+\S+", re.MULTILINE)
_SECONDS: Final = 300


def lock_family(family: Family) -> Iterator[Path]:
    """Write the requirement files of every edition, and yield each.

    A version that only some index has (`2.13.0+cpu`) is pinned without that part, which a requirement
    of the plain version takes as well.
    """
    for name, edition in family.editions.items():
        pinned = _pins(family, edition)
        path = family.requirements(name)
        day = f" on {time.strftime('%Y-%m-%d')}" if name is EditionName.NEWEST else ""
        header = f"# The {name} versions{day}; written by `python -m tests.families lock {family.name}`.\n"
        path.write_text(header + _LOCAL.sub(r"\1", pinned), encoding="utf-8")
        yield path


def _pins(family: Family, edition: Edition) -> str:
    """What is to be installed; of what Debian brings, and what that depends on, nothing."""
    source, left_out = family.folder / ".requires.txt", family.folder / ".left-out.txt"
    wanted = [*edition.requires, *plugin_requirements(family.plugins)]
    never = [f"{name}; sys_platform == 'never'" for name in edition.from_debian]
    try:
        source.write_text("\n".join(wanted), encoding="utf-8")
        left_out.write_text("\n".join(never), encoding="utf-8")
        return _compile(source, left_out)
    finally:
        source.unlink(missing_ok=True)
        left_out.unlink(missing_ok=True)


def _compile(source: Path, left_out: Path) -> str:
    command: list[str | Path] = [
        UV,
        "pip",
        "compile",
        source,
        "--override",
        left_out,
        "--python-version",
        PYTHON,
        "--python-platform",
        "x86_64-manylinux_2_28",
    ]
    quiet: list[str | Path] = [
        "--quiet",
        "--no-header",
        "--no-annotate",
        "--no-emit-find-links",
        "--no-emit-index-url",
    ]
    return run(
        [*command, *quiet], deadline=Deadline(_SECONDS), limit=_SECONDS, env=uv_environment(os.environ)
    )

"""Start-up: what is left out of it, and that leaving it out changes nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PLAN = """\
import sys
from specr.cli.main import main
try:
    main()
except SystemExit:
    pass
print(" ".join(sorted(sys.modules)), file=sys.stderr)
"""
PROJECT = "apiVersion: specr/v1\nkind: ModelType\nmetadata: {name: a}\nspec: {}\n"
SLOW = (
    "rich",
    "httpx",
    "psutil",
    "ruamel.yaml",
    "deepdiff",
    "importlib.metadata",
    "docker",
    "kubernetes",
    "pydantic",
    "tempfile",
)


def modules(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PLAN, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.splitlines()[-1].split())


def test_a_plan_of_records_imports_nothing_slow(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(PROJECT)
    assert not modules("-C", str(tmp_path), "plan") & set(SLOW)


def test_help_imports_little() -> None:
    assert not modules("--help") & {*SLOW, "msgspec", "orjson", "pathlib", "sqlite3"}


@pytest.mark.parametrize("spelling", ["version", "--version", "-version"])
def test_the_version_alone_imports_next_to_nothing(spelling: str) -> None:
    assert not modules(spelling) & {*SLOW, "click", "typing", "re", "collections", "enum", "functools"}

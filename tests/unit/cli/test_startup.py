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


@pytest.mark.parametrize("command", ["version", "--help"])
def test_commands_that_open_nothing_do_without_pydantic(command: str) -> None:
    assert not modules(command) & {*SLOW, "pydantic", "orjson", "sqlite3"}


def test_pydantic_finds_its_own_loader_behind_the_stand_in() -> None:
    program = (
        "from specr.cli.startup import start_sooner; start_sooner()\n"
        "from pydantic.plugin import _loader\n"
        "import pydantic\n"
        "class M(pydantic.BaseModel):\n"
        "    a: int\n"
        "assert M(a=1).a == 1\n"
        "assert _loader.get_plugins() == ()\n"
        "print(_loader.PYDANTIC_ENTRY_POINT_GROUP)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "pydantic"

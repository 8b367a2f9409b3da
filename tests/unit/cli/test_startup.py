"""Start-up: what is left out of it, and that leaving it out changes nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
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
    "logging",
    "subprocess",
    "shutil",
    "concurrent.futures",
    "secrets",
    "random",
    "email",
    "traceback",
)
NOT_FOR_READING = (
    "specr.backends.changeset",
    "specr.backends.sqlite_changes",
    "specr.cli.failures",
    "specr.spec.mismatch",
    "specr.spec.nodes",
    "specr.spec.scalars",
)
"""What writes state, explains errors or reads odd YAML."""


def modules(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PLAN, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules that a plan has imported which finds nothing to do: state is there, and read."""
    root = tmp_path_factory.mktemp("project")
    (root / "a.yaml").write_text(PROJECT)
    modules("-C", str(root), "apply", "--auto-approve")
    found = modules("-C", str(root), "plan")
    assert {"specr.plan.planner", "specr.backends.sqlite_rows", "specr.render.terminal"} <= found
    return found


def test_a_plan_of_records_imports_nothing_slow(planned: set[str]) -> None:
    assert not planned & {*SLOW, *NOT_FOR_READING}


def test_a_plan_compiles_no_pattern_that_it_may_not_need(planned: set[str]) -> None:
    own = {name: find_spec(name) for name in planned if name.split(".")[0] == "specr"}
    sources = {name: Path(spec.origin).read_text() for name, spec in own.items() if spec and spec.origin}
    assert len(sources) > 30
    assert [name for name, source in sorted(sources.items()) if "re.compile(" in source] == []


def test_help_imports_little() -> None:
    by_click = {"shutil"}
    assert not modules("--help") & ({*SLOW, "msgspec", "orjson", "pathlib", "sqlite3"} - by_click)


@pytest.mark.parametrize("spelling", ["version", "--version", "-version"])
def test_the_version_alone_imports_next_to_nothing(spelling: str) -> None:
    assert not modules(spelling) & {*SLOW, "click", "typing", "re", "collections", "enum", "functools"}

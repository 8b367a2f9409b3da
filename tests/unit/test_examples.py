"""The examples that users copy: each is valid as it stands, and formatted, without a network or a model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from specr.cli.program import run

EXAMPLES = Path(__file__).parents[2] / "specs" / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/specr.yaml"))


def test_there_are_examples_and_all_are_listed() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert len(NAMES) >= 5
    assert [name for name in NAMES if f"| [{name}](" not in listed] == []


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_valid_and_formatted(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(EXAMPLES / name / "specr.yaml", tmp_path)
    code = run(["-C", str(tmp_path), "validate"])
    told = capsys.readouterr()
    assert (code, told.err) == (0, ""), told.out + told.err
    assert run(["-C", str(tmp_path), "fmt", "--check"]) == 0
    assert list(tmp_path.iterdir()) == [tmp_path / "specr.yaml"]

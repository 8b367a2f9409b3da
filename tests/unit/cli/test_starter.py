from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from specr.render.comparison import expand_alone
from specr.spec.format import format_text
from specr.spec.load import load_specs
from tests.unit.cli.conftest import Project

PACKS = Path(__file__).parents[3] / "plugins"


class PacksOfThisRepository:
    """The packs of the plug-ins beside specr, installed or not."""

    def names(self) -> tuple[str, ...]:
        return ("mlflow",)

    def folder(self, name: str) -> Path:
        return PACKS / f"specr-{name}" / f"specr_{name}" / "pack"


def test_the_starter_is_sound_and_finds_its_route(project: Project) -> None:
    folder = project.root / "starter"
    project.specr("init", "starter")
    (folder / "models" / "iris-1").mkdir(parents=True)
    specs, found = load_specs(folder, packs=PacksOfThisRepository())
    assert specs is not None, found
    assert found == ()
    expansion = expand_alone(specs)
    assert expansion.diagnostics == ()
    assert {str(address) for address in expansion.desired} >= {"deployment/iris", "build/iris-1.mlflow"}


def test_the_starter_leaves_the_yaml_of_models_alone(project: Project) -> None:
    folder = project.root / "starter"
    project.specr("init", "starter")
    (folder / "models" / "iris-1").mkdir(parents=True)
    (folder / "models" / "iris-1" / "MLmodel.yaml").write_text("kind: [")
    _, found = load_specs(folder, packs=PacksOfThisRepository())
    assert found == ()


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(find_spec, ("sklearn", "pandas", "mlflow"))), reason="needs what the starter trains with"
)
def test_the_starter_trains_once_unless_it_is_forced(project: Project) -> None:
    folder = project.root / "starter"
    project.specr("init", "starter")

    def train(*arguments: str) -> str:
        program = [sys.executable, "train.py", *arguments]
        done = subprocess.run(program, cwd=folder, capture_output=True, check=True, text=True)
        assert done.stderr == ""
        return done.stdout

    (folder / "models" / "iris-1").mkdir(parents=True)
    (folder / "models" / "iris-1" / "old").touch()
    assert train() == "models/iris-1 is there; --force trains again\n"
    assert train("--force").endswith("saved models/iris-1\n")
    assert [path.name for path in (folder / "models").iterdir()] == ["iris-1"]
    names = {path.name for path in (folder / "models" / "iris-1").iterdir()}
    assert "MLmodel" in names
    assert "old" not in names


def test_the_starter_keeps_lines_that_are_no_utf_8(project: Project) -> None:
    ignored = project.root / "starter" / ".gitignore"
    ignored.parent.mkdir()
    ignored.write_bytes(b"mod\xe8les/\n")
    assert project.specr("init", "starter").code == 0
    assert ignored.read_bytes().startswith(b"mod\xe8les/\n.")


def test_the_starter_is_formatted(project: Project) -> None:
    project.specr("init", "starter")
    text = (project.root / "starter" / "specr.yaml").read_text()
    assert format_text(text) == text

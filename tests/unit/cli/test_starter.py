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


def test_the_starter_is_sound_and_finds_its_route(nowhere: Project) -> None:
    folder = nowhere.root / "starter"
    nowhere.specr("init", "starter")
    (folder / "models" / "iris-1").mkdir(parents=True)
    specs, found = load_specs(folder, packs=PacksOfThisRepository())
    assert specs is not None, found
    assert found == ()
    expansion = expand_alone(specs)
    assert expansion.diagnostics == ()
    assert {str(address) for address in expansion.desired} >= {"deployment/iris", "build/iris-1.mlflow"}


def test_the_starter_leaves_the_yaml_of_models_alone(nowhere: Project) -> None:
    folder = nowhere.root / "starter"
    nowhere.specr("init", "starter")
    (folder / "models" / "iris-1").mkdir(parents=True)
    (folder / "models" / "iris-1" / "MLmodel.yaml").write_text("kind: [")
    _, found = load_specs(folder, packs=PacksOfThisRepository())
    assert found == ()


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(find_spec, ("sklearn", "pandas", "mlflow"))), reason="needs what the starter trains with"
)
def test_the_starter_trains_once_unless_it_is_forced(nowhere: Project) -> None:
    folder = nowhere.root / "starter"
    nowhere.specr("init", "starter")

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


def test_the_starter_keeps_lines_that_are_no_utf_8(nowhere: Project) -> None:
    ignored = nowhere.root / "starter" / ".gitignore"
    ignored.parent.mkdir()
    ignored.write_bytes(b"mod\xe8les/\n")
    assert nowhere.specr("init", "starter").code == 0
    assert ignored.read_bytes().startswith(b"mod\xe8les/\n.")


def test_the_starter_is_formatted(nowhere: Project) -> None:
    nowhere.specr("init", "starter")
    text = (nowhere.root / "starter" / "specr.yaml").read_text()
    assert format_text(text) == text


def test_projects_do_not_lie_in_each_other(nowhere: Project) -> None:
    assert nowhere.specr("init", "outer").code == 0
    refused = nowhere.specr("init", "outer/sub/inner", "--force")
    assert refused.code == 1
    assert "Project within a project" in refused.err
    assert f"add the line sub/inner/ to {nowhere.root / 'outer' / '.specrignore'}" in " ".join(
        refused.err.split()
    )
    assert not (nowhere.root / "outer" / "sub").exists()
    around = nowhere.specr("init")
    assert around.code == 1
    assert f"{nowhere.root / 'outer' / 'specr.yaml'} declares a project" in " ".join(around.err.split())
    assert nowhere.specr("init", "outer", "--force").code == 0
    assert nowhere.specr("init", "outer/.hidden/inner").code == 0
    ignored = nowhere.root / "outer" / ".specrignore"
    ignored.write_text(f"{ignored.read_text()}sub/inner/\n")
    assert nowhere.specr("init", "outer/sub/inner").code == 0


def test_a_project_begins_below_what_is_no_project_of_its_user(nowhere: Project) -> None:
    spec = "apiVersion: specr/v1\nkind: Experiment\nmetadata: {name: e}\nspec: {}\n"
    nowhere.write("stray.yaml", spec)
    assert nowhere.specr("init", "one").code == 0
    (nowhere.root / ".specr").mkdir()  # as soon as they are applied
    assert nowhere.specr("init", "two").code == 1
    nowhere.root.chmod(0o1777)
    assert nowhere.specr("init", "three").code == 0
    nowhere.root.chmod(0o755)
    (nowhere.root / "repository" / ".git").mkdir(parents=True)
    assert nowhere.specr("init", "repository/four").code == 0
    (nowhere.root / "repository" / "specr.yaml").write_text(spec.replace("Experiment", "Project"))
    assert nowhere.specr("init", "repository/five").code == 1


def test_a_project_begins_beside_other_yaml(nowhere: Project) -> None:
    nowhere.write("compose.yaml", "services: {}\n")
    (nowhere.root / "new").mkdir()
    (nowhere.root / "new" / "cluster.yaml").write_text("apiVersion: example/v1\nkind: Project\n")
    assert nowhere.specr("init", "new").code == 0


def test_projects_of_others_are_no_second_project(nowhere: Project) -> None:
    nowhere.specr("init", "one")
    (nowhere.root / "cluster").mkdir()
    (nowhere.root / "cluster" / "p.yaml").write_text("apiVersion: project.example.io/v1\nkind: Project\n")
    refused = nowhere.specr("validate")
    assert "Several projects" not in refused.err
    assert "cluster/p.yaml" in refused.err

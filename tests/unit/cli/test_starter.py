from __future__ import annotations

from pathlib import Path

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


def test_the_starter_is_formatted(project: Project) -> None:
    project.specr("init", "starter")
    text = (project.root / "starter" / "specr.yaml").read_text()
    assert format_text(text) == text

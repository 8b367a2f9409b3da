"""What can be seen of the families without running them."""

from __future__ import annotations

import re

import pytest
from ruamel.yaml import YAML

from tests.families.environments import plugin_folders, plugin_requirements, uv_environment
from tests.families.family import EditionName, Family, FamilyError, family_names, load_family, normalise
from tests.families.runner import in_turn

FAMILIES = [load_family(name) for name in family_names()]
TRIED = [family for family in FAMILIES if not family.untried]
EDITIONS = [
    pytest.param(family, edition, id=f"{family.name}-{edition}")
    for family in FAMILIES
    for edition in family.editions
]


def test_there_are_families() -> None:
    assert "scikit-learn" in family_names()


@pytest.mark.parametrize(("family", "edition"), EDITIONS)
def test_requirements_pin_the_family_and_nothing_loosely(family: Family, edition: EditionName) -> None:
    assert family.version(edition)
    lines = family.requirements(edition).read_text(encoding="utf-8").splitlines()
    loose = [
        line for line in lines if line and line[0] not in "#-" and "==" not in line and " @ " not in line
    ]
    assert loose == []


@pytest.mark.parametrize(("family", "edition"), EDITIONS)
def test_the_newest_says_of_which_day_it_is(family: Family, edition: EditionName) -> None:
    first = family.requirements(edition).read_text(encoding="utf-8").partition("\n")[0]
    assert edition is EditionName.LISTED or re.search(r"\d{4}-\d\d-\d\d", first)


@pytest.mark.parametrize("family", TRIED, ids=lambda family: family.name)
def test_another_version_than_the_listed_one_says_why(family: Family) -> None:
    tried = family.version(EditionName.LISTED)
    assert tried == family.listed or family.editions[EditionName.LISTED].note


@pytest.mark.parametrize("family", TRIED, ids=lambda family: family.name)
def test_the_spec_runs_the_familys_own_python(family: Family) -> None:
    documents = list(YAML(typ="safe").load_all((family.folder / "specr.yaml").read_text(encoding="utf-8")))
    commands = [one["spec"].get("command", []) for one in documents if one["kind"] == "Runtime"]
    assert any("${var.python}" in command for command in commands)


def test_an_unknown_family_is_told_with_those_there_are() -> None:
    with pytest.raises(FamilyError, match=r"no family 'sklearn'; there are .*scikit-learn"):
        load_family("sklearn")


def test_plug_ins_bring_what_they_need_but_not_each_other() -> None:
    needs = [normalise(need) for need in plugin_requirements(["specr-mlflow"])]
    assert any(need.startswith("httptools") for need in needs)
    assert not any(need.startswith("specr") for need in needs)


def test_plug_ins_bring_those_that_they_need() -> None:
    assert {"specr-mlflow", "specr-scorer"} <= {folder.name for folder in plugin_folders(["specr-mlflow"])}


def test_uv_is_told_what_pip_is() -> None:
    told = uv_environment({"PIP_FIND_LINKS": "/wheels", "PIP_INDEX_URL": "https://example.org/simple"})
    assert told["UV_FIND_LINKS"] == "/wheels"
    assert told["UV_INDEX_URL"] == "https://example.org/simple"
    assert uv_environment({"UV_FIND_LINKS": "/mine", "PIP_FIND_LINKS": "/wheels"})["UV_FIND_LINKS"] == "/mine"


def test_every_heavy_family_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = list[set[str]]()
    for commits in range(10):
        monkeypatch.setattr("tests.families.runner._commits", lambda commits=commits: commits)
        turns.append({family.name for family in in_turn(FAMILIES)})
    heavy = {family.name for family in FAMILIES if family.heavy}
    assert all(len(turn & heavy) == min(1, len(heavy)) for turn in turns)
    assert set.union(*turns) == set(family_names())
    assert set.intersection(*turns) >= set(family_names()) - heavy

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specr.render.comparison import compare_specs
from specr.render.diff import render_diff, render_diff_markdown
from specr.render.page import LEAST_LIMIT
from specr.spec.load import load_specs
from specr.spec.model import Specs

GOLDEN = Path(__file__).parent / "golden"

CATALOGUE = """
apiVersion: specr/v1
kind: ArtifactType
metadata: {name: blob}
spec: {artifactType: blob}
---
apiVersion: specr/v1
kind: ModelType
metadata: {name: blob}
spec: {}
---
apiVersion: specr/v1
kind: Processor
metadata: {name: blob}
spec: {artifactType: blob, modelType: blob, command: [process]}
---
apiVersion: specr/v1
kind: Runtime
metadata: {name: blob}
spec: {modelType: blob, command: [serve]}
"""

TRAINED = """
apiVersion: specr/v1
kind: Experiment
metadata: {name: NAME}
spec:
  schema:
    input: [{name: amount, type: Float64}]
    output: [{name: prediction, type: Float64}]
---
apiVersion: specr/v1
kind: Artifact
metadata: {name: NAME}
spec: {experiment: NAME, type: blob, source: NAME.bin}
"""

SERVED = """
apiVersion: specr/v1
kind: Model
metadata: {name: fraud}
spec: {versions: {1: one, 2: two}, aliases: {champion: 1}}
---
apiVersion: specr/v1
kind: Deployment
metadata: {name: live}
spec: {model: fraud, alias: champion}
---
apiVersion: specr/v1
kind: Deployment
metadata: {name: pinned}
spec: {model: fraud, version: 1}
"""


class NoPacks:
    def names(self) -> tuple[str, ...]:
        return ()

    def folder(self, name: str) -> Path:
        raise LookupError(name)


Load = Callable[[dict[str, str]], Specs]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def make(files: dict[str, str]) -> Specs:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
        specs, found = load_specs(folder, packs=NoPacks())
        assert specs is not None, found
        return specs

    return make


def project(**changes: str) -> dict[str, str]:
    return {
        "catalogue.yaml": CATALOGUE,
        "one.yaml": TRAINED.replace("NAME", "one"),
        "two.yaml": TRAINED.replace("NAME", "two"),
        "served.yaml": SERVED,
    } | {f"{name}.yaml": text for name, text in changes.items()}


def affected(data: dict[str, Any]) -> dict[str, str]:
    return {item["address"]: item["rollOut"] for item in data["affected"]}


def test_the_same_meaning_in_other_files_is_no_difference(load: Load) -> None:
    files = project()
    joined = {"all.yml": "# all\n" + "---\n".join(reversed(files.values()))}
    data = compare_specs(load(files), load(joined))
    assert data["summary"] == {"added": 0, "removed": 0, "changed": 0, "affected": 0}
    assert render_diff(data) == "No differences.\n"


def test_a_moved_alias_reaches_the_deployments_that_follow_it(
    load: Load, golden: Callable[[Path, str], None]
) -> None:
    after = project(served=SERVED.replace("champion: 1", "champion: 2"))
    data = compare_specs(load(project()), load(after))
    assert affected(data) == {"deployment/live": "yes"}
    assert data["affected"][0]["because"] == ["model/fraud"]
    golden(GOLDEN / "diff.txt", render_diff(data))
    golden(GOLDEN / "diff.md", render_diff_markdown(data))


def test_a_change_of_a_runtime_reaches_all_that_run_on_it(load: Load) -> None:
    after = project(catalogue=CATALOGUE.replace("[serve]", "[serve, --fast]"))
    data = compare_specs(load(project()), load(after))
    assert affected(data) == {"deployment/live": "yes", "deployment/pinned": "yes"}
    assert [d["path"] for d in data["affected"][0]["differences"]] == [["runtime", "command", 1]]


def test_a_change_that_starts_nothing_anew_says_so(load: Load) -> None:
    after = project(catalogue=CATALOGUE.replace("[serve]", "[serve], readiness: {timeout: 7}"))
    data = compare_specs(load(project()), load(after))
    assert affected(data) == {"deployment/live": "no", "deployment/pinned": "no"}
    assert "deployment/live will be updated without a new rollout\n" in render_diff(data)


def test_another_source_may_mean_other_bytes(load: Load) -> None:
    after = project(one=TRAINED.replace("NAME", "one").replace("one.bin", "new.bin"))
    data = compare_specs(load(project()), load(after))
    assert affected(data) == {"deployment/live": "maybe", "deployment/pinned": "maybe"}


def test_a_record_that_changes_nothing_that_runs_affects_nothing(load: Load) -> None:
    after = project(one=TRAINED.replace("NAME", "one").replace("schema:", "metadata: {git: 4f3a}\n  schema:"))
    data = compare_specs(load(project()), load(after))
    assert [change["address"] for change in data["changes"]] == ["experiment/one"]
    assert affected(data) == {}


def test_a_changed_deployment_is_told_with_what_follows_for_it(load: Load) -> None:
    after = project(served=SERVED.replace("version: 1}", "version: 2}"))
    data = compare_specs(load(project()), load(after))
    (change,) = data["changes"]
    assert change["address"] == "deployment/pinned"
    assert ["experiment"] in [d["path"] for d in change["differences"]]
    assert affected(data) == {}


def test_the_settings_of_the_project_are_compared(load: Load) -> None:
    settings = "apiVersion: specr/v1\nkind: Project\nmetadata: {name: p}\nspec: {defaultProvider: memory}\n"
    data = compare_specs(load(project()), load(project(project=settings)))
    assert {change["address"]: change["change"] for change in data["changes"]} == {"project/p": "added"}
    assert affected(data) == {"deployment/live": "yes", "deployment/pinned": "yes"}


def test_the_project_goes_by_the_name_that_it_has_now(load: Load) -> None:
    text = "apiVersion: specr/v1\nkind: Project\nmetadata: {name: old}\nspec: {defaultProvider: memory}\n"
    other = text.replace("old", "new").replace("memory", "local")
    old, new = load(project(project=text)), load(project(project=other))
    for before, after, told in ((old, new, "new"), (old, load(project()), "old")):
        data = compare_specs(before, after)
        assert [change["address"] for change in data["changes"]] == [f"project/{told}"]


def test_what_stands_against_the_next_plan_is_told(load: Load) -> None:
    without = "---\n".join(CATALOGUE.split("---\n")[:3])
    data = compare_specs(load(project()), load(project(catalogue=without)))
    assert {problem["address"] for problem in data["problems"]} == {"deployment/live", "deployment/pinned"}
    assert "2 problems will stop the next plan, see `specr validate`.\n" in render_diff(data)
    assert "> **2 problems" in render_diff_markdown(data)


def test_a_comment_keeps_its_limit(load: Load) -> None:
    many = "---\n".join(TRAINED.replace("NAME", f"n{number}") for number in range(100))
    data = compare_specs(load(project()), load(project(many=many)))
    text = render_diff_markdown(data, limit=LEAST_LIMIT)
    assert len(text) <= LEAST_LIMIT
    assert "more changes" in text

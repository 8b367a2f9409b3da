"""A project with a registered model, from the plan to a moved alias, as its users see it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from specr.cli.program import run

SPECS = """\
apiVersion: specr/v1
kind: Project
metadata: {name: demo}
spec: {defaultProvider: memory, packs: [mlflow]}
---
apiVersion: specr/v1
kind: Experiment
metadata: {name: fraud}
spec: {metadata: {team: risk}}
---
apiVersion: specr/v1
kind: Artifact
metadata: {name: fraud}
spec: {experiment: fraud, type: python/mlflow, source: "models:/fraud@champion"}
---
apiVersion: specr/v1
kind: Model
metadata: {name: fraud}
spec: {versions: {1: fraud}}
---
apiVersion: specr/v1
kind: Deployment
metadata: {name: fraud}
spec: {model: fraud, version: 1}
"""


@dataclass
class Project:
    """A folder of specs, and the program to work on it."""

    root: Path
    capture: pytest.CaptureFixture[str]

    def specr(self, *arguments: str, code: int = 0) -> str:
        self.capture.readouterr()
        got = run(["-C", str(self.root), *arguments])
        captured = self.capture.readouterr()
        text = captured.out + captured.err
        assert got == code, text
        return text

    def apply(self) -> str:
        told = self.specr("apply", "--auto-approve")
        assert "No changes" in self.specr("plan")
        return told

    def recorded(self, address: str) -> dict[str, Any]:
        objects = json.loads(self.specr("state", "pull"))["objects"]
        return next(o for o in objects if o["address"] == address)

    def edit(self, old: str, new: str) -> None:
        path = self.root / "specr.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "specr.yaml").write_text(SPECS)
    return Project(tmp_path / "p", capsys)


def test_a_plan_shows_what_the_alias_means(registry: Any, project: Project) -> None:
    told = project.specr("plan")
    assert '+ source     = "models:/fraud@champion"' in told
    assert '+ resolved   = "models:/fraud/2"' in told
    assert '+ source_model_name    = "fraud"' in told
    assert '+ source_model_version = "2"' in told
    assert '+ team                 = "risk"' in told
    assert "+ input  = [x: Float64]" in told  # by MLmodel alone, before the fetch
    assert not any("/mlflow-artifacts/" in path for path, _, _ in registry.asked)


def test_state_pins_version_and_digest(registry: Any, project: Project) -> None:
    project.apply()
    artifact = project.recorded("artifact/fraud")
    assert artifact["arguments"]["resolved"] == "models:/fraud/2"
    assert artifact["arguments"]["digest"].startswith("sha256:")
    assert artifact["attributes"]["identity"]["version"] == "2"
    assert project.recorded("experiment/fraud")["arguments"]["metadata"] == {
        "source_model_name": "fraud",
        "source_model_version": "2",
        "team": "risk",
    }


MOVED = """\
Plan: 2 to update, 2 to replace. 5 unchanged.

  # experiment/fraud will be updated: metadata.source_model_version "2" -> "3"
  # because artifact/fraud changes (metadata.source_model_version)
  ~ experiment/fraud {
      ~ metadata.source_model_version = "2" -> "3"
    }

  # artifact/fraud must be fetched again: resolved "models:/fraud/2" -> "models:/fraud/3"
-/+ artifact/fraud {
      ~ resolved = "models:/fraud/2" -> "models:/fraud/3"
      ~ digest   = sha256:DIGEST -> (known after apply)
      ~ size     = (known after apply)
        # 3 unchanged fields hidden
    }

  # build/fraud.mlflow must be built again
  # because artifact/fraud changes (source)
-/+ build/fraud.mlflow on memory {
      ~ source = sha256:DIGEST -> (known after apply)
      ~ digest = (known after apply)
      ~ size   = (known after apply)
        # 6 unchanged fields hidden
    }

  # deployment/fraud will be updated
  # because artifact/fraud changes (modelDigest)
  ~ deployment/fraud on memory {
      ~ modelDigest = sha256:DIGEST -> (known after apply)
      ~ endpoint    = (known after apply)
        # 10 unchanged fields hidden
    }

Plan: 2 to update, 2 to replace. 5 unchanged.
"""


def test_when_the_alias_moves_the_next_plan_shows_it(registry: Any, project: Project) -> None:
    project.apply()
    registry.aliases["champion"] = "3"
    told = project.specr("plan")
    assert re.sub("sha256:[0-9a-f]{12}", "sha256:DIGEST", told).rstrip() == MOVED.rstrip()
    project.apply()
    assert project.recorded("artifact/fraud")["attributes"]["identity"]["version"] == "3"
    assert project.recorded("experiment/fraud")["arguments"]["metadata"]["source_model_version"] == "3"


def test_another_name_for_the_same_version_fetches_nothing(registry: Any, project: Project) -> None:
    project.apply()
    project.edit("models:/fraud@champion", "models:/fraud/2")
    told = project.specr("plan")
    assert "known after apply" not in told
    assert "deployment/fraud" not in told
    registry.asked.clear()
    project.apply()
    assert not any("/mlflow-artifacts/" in path for path, _, _ in registry.asked)


def test_what_was_planned_is_fetched_though_the_alias_moves_meanwhile(
    registry: Any, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specr.workflow import applying

    before = applying.apply_plan

    def late(*arguments: Any) -> Any:
        registry.aliases["champion"] = "3"
        return before(*arguments)

    monkeypatch.setattr(applying, "apply_plan", late)
    project.specr("apply", "--auto-approve")
    artifact = project.recorded("artifact/fraud")
    assert artifact["arguments"]["resolved"] == "models:/fraud/2"
    assert artifact["attributes"]["identity"]["version"] == "2"


def test_a_saved_plan_is_stale_once_the_alias_has_moved(registry: Any, project: Project) -> None:
    saved = str(project.root / "my.plan")
    project.specr("plan", "--out", saved)
    registry.aliases["champion"] = "3"
    told = " ".join(project.specr("apply", saved, code=1).split())
    assert (
        "artifact/fraud: models:/fraud@champion was models:/fraud/2 then, and is models:/fraud/3 now." in told
    )


def test_a_plan_that_leaves_the_artifact_alone_is_stale_too(registry: Any, project: Project) -> None:
    project.apply()
    project.edit("model: fraud", "model: fraud, replicas: 2")
    saved = str(project.root / "my.plan")
    project.specr("plan", "--out", saved)
    registry.aliases["champion"] = "3"
    assert "is models:/fraud/3 now" in " ".join(project.specr("apply", saved, code=1).split())


def test_a_plan_without_looking_asks_nobody(registry: Any, project: Project) -> None:
    project.apply()
    registry.aliases["champion"] = "3"
    registry.asked.clear()
    assert "No changes" in project.specr("plan", "--no-refresh")
    assert not registry.asked


def test_a_pin_holds_against_another_version(registry: Any, project: Project) -> None:
    project.apply()
    digest = project.recorded("artifact/fraud")["arguments"]["digest"]
    project.edit('@champion"', f'@champion", digest: "{digest}"')
    project.apply()
    registry.aliases["champion"] = "3"
    told = project.specr("apply", "--auto-approve", code=1)
    assert digest[:19] in told
    assert project.recorded("artifact/fraud")["arguments"]["resolved"] == "models:/fraud/2"


def test_the_finding_stands_where_the_source_is_named(registry: Any, project: Project) -> None:
    project.edit("@champion", "@chmpion")
    told = project.specr("plan", code=1)
    assert "Error: Model alias not found\n  on specr.yaml:14:" in told
    assert "in artifact/fraud" in told
    assert "Did you mean champion?" in told


def test_a_version_that_is_gone_stops_the_plan(registry: Any, project: Project) -> None:
    project.edit("models:/fraud@champion", "models:/fraud/2")
    project.apply()
    del registry.versions["2"]
    assert "Model version not found" in project.specr("plan", code=1)


def test_without_a_preview_the_schema_is_known_after_apply(registry: Any, project: Project) -> None:
    registry.refusals, registry.refuse_path = [(500, {})] * 9, "/get-artifact"
    assert "+ schema      = (known after apply)" in project.specr("plan")
    project.apply()


def test_an_experiment_that_says_otherwise_is_warned_of(registry: Any, project: Project) -> None:
    project.edit("team: risk", 'team: risk, source_model_version: "1"')
    told = project.specr("plan")
    assert "Warning: Contradictory origins of a model" in told
    assert "Take source_model_version out of the metadata" in told
    assert '+ source_model_version = "1"' in told


def test_two_versions_in_one_experiment_are_warned_of(registry: Any, project: Project) -> None:
    second = """---
apiVersion: specr/v1
kind: Artifact
metadata: {name: older}
spec: {experiment: fraud, type: other, source: "models:/fraud/1"}
"""
    (project.root / "more.yaml").write_text(second)
    assert "Give each version of a registered model an experiment of its own" in project.specr("plan")


def test_the_projects_setting_names_the_server(
    registry: Any, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    project.edit(
        "packs: [mlflow]", f'packs: [mlflow], sources: {{models: {{trackingUri: "{registry.url}"}}}}'
    )
    assert "models:/fraud/2" in project.specr("plan")
    project.edit("trackingUri", "trakingUri")
    told = project.specr("plan", code=1)
    assert "Did you mean trackingUri?" in told
    assert "in artifact/fraud" in told or "in project/demo" in told
    project.edit("models: {", "modles: {")
    assert "Did you mean models?" in project.specr("plan", code=1)


def test_secrets_are_nowhere(
    registry: Any, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.url.replace("://", "://me:hidden-word@"))
    saved = str(project.root / "my.plan")
    told = project.specr("plan", "--out", saved) + project.specr("-v", "plan") + project.apply()
    told += project.specr("show", saved) + project.specr("state", "pull")
    assert "hidden-word" not in told
    for path in project.root.rglob("*"):
        assert not path.is_file() or b"hidden-word" not in path.read_bytes(), path


@pytest.mark.parametrize("uri", ["5", '""'])
def test_settings_of_sources_are_checked_where_they_stand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], uri: str
) -> None:
    settings = (
        f"sources: {{models: {{trackingUri: {uri}, localFolders: [mlruns], regsitryUri: x}}, "
        "http: {timeout: 1h}}"
    )
    spec = SPECS.replace("packs: [mlflow]", f"packs: [mlflow], {settings}")
    (tmp_path / "specr.yaml").write_text(spec)
    project = Project(tmp_path, capsys)
    for command in (["validate"], ["plan"]):  # once each, although the artifact's source needs them
        told = project.specr(*command, code=1)
        assert told.count("Setting of the wrong type") == 3
        assert told.count("Unknown setting of a source") == 1
        assert told.count("in project/demo") == 4
        assert "The setting trackingUri of sources of the kind models is the address of a server." in told
        assert "Did you mean registryUri?" in told
        column = spec.splitlines()[3].index(f"trackingUri: {uri}") + len("trackingUri: ") + 1
        assert f"specr.yaml:4:{column}" in told

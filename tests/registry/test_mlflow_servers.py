"""Models from real MLflow servers, 1.29 and the newest: resolved, deployed, scored, moved, imported.

Environments are made once and kept by content, as those of the families are.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.families.commands import CommandError, Deadline, run
from tests.families.environments import environment_of, plugin_folders, write_launcher
from tests.families.project import SPECR
from tests.registry.server import Server, serving

HERE = Path(__file__).parent
PLUGINS = ("specr-mlflow",)
EDITIONS = {"1.29": False, "newest": True}
"""Whether the server knows aliases."""

_EACH = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in EDITIONS]
"""A server's tests stay together, where several processes share them out."""

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("edition", _EACH, scope="module")]

SPECS = """\
apiVersion: specr/v1
kind: Project
metadata: {name: registry}
spec: {packs: [mlflow], sources: {models: {trackingUri: "%(url)s"}}}
---
apiVersion: specr/v1
kind: Runtime
metadata: {name: own}
spec: {modelType: mlflow-pyfunc, command: ["%(python)s", -m, specr_mlflow.runtime]}
"""
MODELS = """\
apiVersion: specr/v1
kind: Experiment
metadata: {name: fraud}
spec: {}
---
apiVersion: specr/v1
kind: Artifact
metadata: {name: fraud}
spec: {experiment: fraud, type: python/mlflow, source: "%(reference)s"}
---
apiVersion: specr/v1
kind: Model
metadata: {name: fraud}
spec: {versions: {1: fraud}}
---
apiVersion: specr/v1
kind: Deployment
metadata: {name: fraud}
spec: {model: fraud, version: 1, runtime: own}
"""


class Project:
    """A project that takes its models from a server."""

    def __init__(self, folder: Path, server: Server, deadline: Deadline) -> None:
        self.folder = folder
        self.server = server
        self._deadline = deadline

    def specr(self, *words: str) -> str:
        command: list[str | Path] = [SPECR, "-C", self.folder, *words]
        return run(command, deadline=self._deadline, limit=400)

    def plan(self) -> dict[str, Any]:
        planned = json.loads(self.specr("plan", "--json"))["changes"]
        return {change["address"]: change["planned"] for change in planned}

    def refusal(self) -> str:
        with pytest.raises(CommandError) as caught:
            self.specr("plan")
        return " ".join(str(caught.value).split())

    def apply(self) -> None:
        self.specr("apply", "--auto-approve")
        self.specr("plan", "--detailed-exitcode")

    def recorded(self, address: str) -> dict[str, Any]:
        objects: list[dict[str, Any]] = json.loads(self.specr("state", "pull"))["objects"]
        return next(found for found in objects if found["address"] == address)

    def assert_scores_as(self, version: int) -> None:
        models = self.server.models
        (url,) = self.specr("output", "fraud", "--url").split()
        body = {"fields": models["fields"], "rows": models["rows"]}
        answer = httpx.post(f"{url}/model/score", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        scores = [float(row[0]) for row in answer.json()["score"]]
        assert scores == pytest.approx(models["expected"][str(version)], rel=1e-12, abs=1e-12)


@pytest.fixture(scope="module")
def deadline() -> Deadline:
    return Deadline(1500)


@pytest.fixture(scope="module")
def python(edition: str, deadline: Deadline) -> Path:
    return environment_of(HERE / f"requirements-{edition}.txt", PLUGINS, deadline)[0]


@pytest.fixture(scope="module")
def server(
    edition: str, python: Path, deadline: Deadline, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with serving(python, folder, has_aliases=EDITIONS[edition], deadline=deadline) as made:
        yield made


@pytest.fixture
def project(tmp_path: Path, python: Path, server: Server, deadline: Deadline) -> Iterator[Project]:
    write_launcher(tmp_path / "python", python, plugin_folders(PLUGINS))
    values = {"url": server.url, "python": tmp_path / "python", "reference": server.reference}
    (tmp_path / "specr.yaml").write_text(SPECS % values)
    (tmp_path / "models.yaml").write_text(MODELS % values)
    made = Project(tmp_path, server, deadline)
    yield made
    if (tmp_path / ".specr" / "state.db").exists():
        made.specr("destroy", "--auto-approve")


def test_a_moving_reference_is_deployed_and_followed(project: Project, server: Server) -> None:
    server.point_to(2)
    planned = project.plan()
    assert planned["artifact/fraud"]["resolved"] == f"models:/{server.name}/2"
    assert planned["deployment/fraud"]["schema"]["input"] == [
        {"name": "amount", "type": "Float64"},
        {"name": "age", "type": "Float64"},
    ]
    project.apply()
    project.assert_scores_as(2)
    artifact = project.recorded("artifact/fraud")
    assert artifact["attributes"]["identity"]["version"] == "2"
    assert artifact["attributes"]["digest"].startswith("sha256:")
    before = project.recorded("experiment/fraud")["arguments"]["metadata"]
    assert before == {"source_model_name": server.name, "source_model_version": "2"}

    server.point_to(3)
    moved = project.specr("plan")
    assert f'resolved = "models:/{server.name}/2" -> "models:/{server.name}/3"' in moved
    assert '~ metadata.source_model_version = "2" -> "3"' in moved
    project.apply()
    project.assert_scores_as(3)
    assert project.recorded("experiment/fraud")["arguments"]["metadata"]["source_model_version"] == "3"


def test_imported_specs_are_planned(project: Project, server: Server) -> None:
    server.point_to(2)
    (project.folder / "models.yaml").unlink()
    alias = "champion" if server.has_aliases else "production"
    project.specr("import", "mlflow", server.url, "--deploy", alias, "--out", "imported")
    path = project.folder / "imported" / "fraud-model-1.yaml"
    project.specr("fmt", "--check", str(path))
    # The pack's runtime would do as well: which of the two is meant has to be said.
    text = path.read_text().replace(f"  alias: {alias}\n", f"  alias: {alias}\n  runtime: own\n")
    path.write_text(text)
    project.specr("validate")
    planned = project.plan()
    assert planned["model/fraud-model-1"]["aliases"] == {alias: 2}
    assert planned["artifact/fraud-model-1-v1"]["resolved"] == f"models:/{server.name}/1"
    third = planned["experiment/fraud-model-1-v3"]
    assert third["parameters"] == {"slope": "3"}
    assert third["statistics"] == {"error": 0.03}
    assert third["metadata"]["source_model_version"] == "3"
    assert planned["deployment/fraud-model-1"]["experiment"] == "fraud-model-1-v2"


def test_what_is_not_there_is_told(project: Project, server: Server) -> None:
    path = project.folder / "models.yaml"
    text = path.read_text()

    def refusal(reference: str) -> str:
        path.write_text(text.replace(server.reference, reference))
        return project.refusal()

    assert "there are: 1, 2, 3" in refusal(f"models:/{server.name}/9")
    assert f"Did you mean {server.name}?" in refusal("models:/Fraud Model/1")
    unknown = refusal(f"models:/{server.name}@nobody")
    assert ("Model alias not found" if server.has_aliases else "Registry without aliases") in unknown
    assert "No version in this stage" in refusal(f"models:/{server.name}/Staging")
    path.write_text(text.replace(server.reference, f"models:/{server.name}/latest"))
    assert project.plan()["artifact/fraud"]["resolved"] == f"models:/{server.name}/3"
    server.delete(1)  # no other test means this version after this one
    assert "Model version not found" in refusal(f"models:/{server.name}/1")

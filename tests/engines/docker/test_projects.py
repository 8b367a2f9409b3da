"""Whole projects with real models on Docker, from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specr.address import Address
from tests.engines.docker.project import Project
from tests.engines.models import MODELS, score, score_request, write_quickstart, write_three
from tests.engines.packs import REQUESTS, write_packs
from tests.unit.providers.machine import wait_until

pytestmark = [pytest.mark.engines, pytest.mark.slow]

IMAGES = [
    f"specr/{pack}-{kind}:0.1.0" for pack in ("mlflow", "h2o3", "pickle") for kind in ("processor", "runtime")
]
Drift = Callable[[Any, str], object]


@pytest.fixture(autouse=True, scope="module")
def _images(client: Any) -> None:
    """The images are the user's to build, as a README would say: `make images`."""
    import subprocess

    missing = [name for name in IMAGES if not client.images(name=name)]
    if missing:
        subprocess.run(["make", "images"], cwd=Path(__file__).parents[3], check=True)


def endpoint(project: Project, deployment: str) -> str:
    return str(project.state().objects[Address("deployment", deployment)].attributes["endpoint"])


@pytest.mark.parametrize("how", ["auto", "copy"])
def test_the_quickstart_runs_unchanged(client: Any, tmp_path: Path, how: str) -> None:
    settings = {"type": "docker", "bytes": how}
    write_quickstart(tmp_path / "quickstart", "docker", settings)
    project = Project(client, tmp_path / "quickstart")
    try:
        project.apply()
        project.nothing_to_do()
        body = {
            "fields": ["alcohol", "malic_acid", "color_intensity", "proline"],
            "rows": [["14.23", "1.71", "5.64", "1065"], ["12.37", "0.94", "1.95", "520"]],
        }
        scores = score(endpoint(project, "wine"), body)
        assert [row[0] for row in scores] == ["class_0", "class_1"]
        assert "ready after" in project.ok("logs", "deployment/wine")
        project.destroy()
    finally:
        project.clear()


def test_three_models_answer_as_they_predict(client: Any, tmp_path: Path) -> None:
    predicted = write_three(tmp_path / "three", "docker", {"type": "docker"})
    project = Project(client, tmp_path / "three")
    try:
        project.apply()
        project.nothing_to_do()
        for name in MODELS:
            scores = score(endpoint(project, name), score_request())
            assert [float(row[0]) for row in scores] == predicted[name]
        project.destroy()
    finally:
        project.clear()


def test_the_images_of_other_packs_answer_as_their_models_predict(client: Any, tmp_path: Path) -> None:
    """Java, too, in a container that may write to /tmp alone."""
    predicted = write_packs(tmp_path / "packs", "docker", {"type": "docker"})
    project = Project(client, tmp_path / "packs")
    try:
        project.apply()
        project.nothing_to_do()
        for name, request in REQUESTS.items():
            scores = score(endpoint(project, name), request)
            assert [float(row[0]) for row in scores] == predicted[name]
        project.destroy()
    finally:
        project.clear()


@pytest.mark.parametrize(
    ("drift", "told"),
    [
        (lambda client, container: client.remove_container(container, force=True), "its containers are gone"),
        (lambda client, container: client.stop(container, timeout=2), "has exited with status 0"),
        (lambda client, container: client.kill(container), "has exited with status 137 (SIGKILL)"),
    ],
    ids=["rm", "stop", "kill"],
)
def test_drift_is_seen_and_healed(project: Project, drift: Drift, told: str) -> None:
    project.declare(2)
    project.apply()
    (container,) = project.containers("deployment/d1")
    drift(project.client, container["Id"])
    wait_until(lambda: all(c["State"] != "running" for c in project.containers("deployment/d1")))
    plan = project.ok("plan")
    assert told in " ".join(plan.split())
    assert "deployment/d0" not in plan
    project.apply()
    project.nothing_to_do()
    assert [c["State"] for c in project.containers("deployment/d1")] == ["running"]


def test_an_output_that_was_deleted_is_built_again(project: Project) -> None:
    project.declare(1)
    project.apply()
    digest = project.state().objects[Address("build", "a0.blob")].attributes["digest"].removeprefix("sha256:")
    kept = project.folder / ".specr" / "store" / "objects" / digest[:2] / digest[2:]
    kept.unlink()
    assert "its output is no longer in the store" in " ".join(project.ok("plan").split())
    project.apply()
    project.nothing_to_do()


def test_a_new_version_that_fails_leaves_the_old_serving(project: Project) -> None:
    project.declare(1)
    project.apply()
    before = endpoint(project, "d0")
    for behaviour in ("fails", "hangs"):
        project.declare(1, behaviour=behaviour)
        text = (project.folder / "specr.yaml").read_text()
        (project.folder / "specr.yaml").write_text(
            text.replace("env: {}", "env: {}, readiness: {timeout: 3}")
        )
        done = project.run("apply", "--auto-approve")
        assert done.returncode == 1
        assert score(before, {"fields": ["x"], "rows": [["1.5"]]}) == [["3.0"]]
        assert len(project.containers("deployment/d0")) == 1
        if behaviour == "fails":
            kept = project.run("logs", "deployment/d0", "--failed")
            assert kept.stdout == "this runtime does not work\n"
    project.declare(1)
    assert "deployment/d0" not in project.ok("plan")


def test_moving_to_another_provider_starts_the_new_before_the_old_stops(project: Project) -> None:
    """There and back, with nothing changed but the provider's name."""
    project.declare(1)
    spec = project.folder / "specr.yaml"
    on_docker = spec.read_text()
    on_local = on_docker.replace("defaultProvider: docker", "defaultProvider: local")
    for text, containers in ((on_local, 0), (on_docker, 1), (on_local, 0), (on_docker, 1)):
        spec.write_text(text)
        told = project.apply()
        if "removing what it replaces" in told:
            begun = told.index("deployment/d0: starting the runtime")
            assert begun < told.index("deployment/d0: removing what it replaces")
        assert score(endpoint(project, "d0"), {"fields": ["x"], "rows": [["1.5"]]}) == [["3.0"]]
        assert len(project.containers("deployment/d0")) == containers
        project.nothing_to_do()
    assert "removing what it replaces" in told

"""What people do to objects by hand: seen in the next plan with the right words, healed by the next apply."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.kubernetes.project import Project
from tests.engines.kubernetes.space import CLAIM, Space, wait_until

pytestmark = pytest.mark.engines


@pytest.fixture(scope="class")
def project(space: Space, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(space, tmp_path_factory.mktemp("drift"))
    project.apply()
    yield project
    project.specr("destroy", "--auto-approve")
    assert not space.left()


class TestDrift:
    """One project, which each test damages and heals."""

    @pytest.fixture(autouse=True)
    def _settled(self, project: Project) -> Iterator[None]:
        assert project.is_settled()
        yield
        project.apply()
        assert project.is_settled()
        assert project.state()["deployment/d0"]["attributes"]["endpoint"]

    def test_a_deleted_deployment(self, project: Project) -> None:
        name = project.name("deployments")
        project.space.kubectl("delete", "deployment", name)
        plan = project.plan()
        assert "its Deployment is gone" in plan
        assert "1 to create" in plan
        project.apply()
        assert project.name("deployments") != name

    def test_a_scaled_deployment(self, project: Project) -> None:
        name = project.name("deployments")
        project.space.kubectl("scale", "deployment", name, "--replicas=3")
        plan = project.plan()
        assert "replicas = 3 -> 1" in plan
        assert "1 to update" in plan
        project.apply()
        (live,) = project.objects("deployments")
        assert live["spec"]["replicas"] == 1

    def test_a_deployment_scaled_to_nothing(self, project: Project) -> None:
        project.space.kubectl("scale", "deployment", project.name("deployments"), "--replicas=0")
        assert "replicas = 0 -> 1" in project.plan()
        project.apply()

    def test_another_image(self, project: Project) -> None:
        name = project.name("deployments")
        project.space.kubectl("set", "image", f"deployment/{name}", "runtime=busybox:1")
        plan = project.plan()
        assert 'image = "busybox:1" -> "python:3.11-slim"' in plan
        project.apply()
        (live,) = project.objects("deployments")
        assert live["metadata"]["name"] == name
        assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "python:3.11-slim"

    def test_another_variable(self, project: Project) -> None:
        name = project.name("deployments")
        project.space.kubectl("set", "env", f"deployment/{name}", "MODEL_ID=stolen")
        assert "its container was changed" in project.plan()
        project.apply()
        (live,) = project.objects("deployments")
        assert "stolen" not in str(live["spec"])

    def test_a_deleted_service(self, project: Project) -> None:
        name = project.name("services")
        project.space.kubectl("delete", "service", name)
        plan = project.plan()
        assert f"its Service {name} is gone" in plan
        project.apply()
        assert project.name("services") == name

    def test_a_service_led_elsewhere(self, project: Project) -> None:
        name = project.name("services")
        patch = '{"spec": {"selector": {"specr.dev/token": "elsewhere"}}}'
        project.space.kubectl("patch", "service", name, "-p", patch)
        assert f"its Service {name} leads elsewhere" in project.plan()
        project.apply()
        wait_until(lambda: bool(project.space.get("endpoints", f"--field-selector=metadata.name={name}")))

    def test_a_deleted_pod_is_no_drift(self, project: Project) -> None:
        project.space.kubectl("delete", "pod", _pod(project), "--wait=false")
        assert project.is_settled()
        wait_until(lambda: _ready(project) == 1)

    def test_a_deleted_job_is_no_drift(self, project: Project) -> None:
        """What counts is its output."""
        project.space.kubectl("delete", "job", project.name("jobs"))
        assert project.is_settled()

    def test_a_deleted_index(self, project: Project) -> None:
        """It says which output is there; without it nothing is known of that."""
        project.space.kubectl("delete", "configmap", project.name("configmaps"))
        plan = project.plan()
        assert f"its output is no longer on the volume {CLAIM}" in plan
        assert f"its model is no longer on the volume {CLAIM}" in plan
        project.apply()

    def test_output_deleted_from_the_volume(self, project: Project) -> None:
        """Seen where the provider is told to look at the volume itself."""
        (volume,) = project.space.bound_volumes()
        digest = project.state()["build/a0.copy"]["attributes"]["digest"].removeprefix("sha256:")
        folder = f"{volume['spec']['hostPath']['path']}/specr/{project.lineage()}/cluster/objects/{digest}"
        if not Path(folder).exists():
            pytest.skip("the volume is not a folder of this machine")
        project.settings["store"] = {"type": "volume", "claim": CLAIM, "checked": True}
        project.write()
        assert project.is_settled()
        for path in sorted(Path(folder).rglob("*"), reverse=True):
            path.unlink()
        Path(folder).rmdir()
        try:
            assert f"its output is no longer on the volume {CLAIM}" in project.plan()
            project.apply()
            assert project.is_settled()
            assert Path(folder, "content").exists()
        finally:
            project.settings["store"] = {"type": "volume", "claim": CLAIM}
            project.write()


def _pod(project: Project) -> str:
    """The name of the only pod; those of earlier tests get their time to end."""
    labels = f"specr.dev/lineage={project.lineage()},specr.dev/kind=deployment"
    wait_until(lambda: len(project.space.get("pods", "-l", labels)) == 1)
    (pod,) = project.space.get("pods", "-l", labels)
    return str(pod["metadata"]["name"])


def _ready(project: Project) -> int:
    (live,) = project.objects("deployments")
    return int(live["status"].get("readyReplicas", 0))

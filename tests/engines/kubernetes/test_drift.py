"""What people do to objects by hand: seen in the next plan with the right words, healed by the next apply."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.conftest import need
from tests.engines.kubernetes.platform import IMAGE
from tests.engines.kubernetes.project import Project
from tests.engines.kubernetes.space import CLAIM, Space, wait_until

pytestmark = [pytest.mark.engines, pytest.mark.slow]


@pytest.fixture(scope="class")
def project(space: Space, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(space, tmp_path_factory.mktemp("drift"))
    project.apply()
    yield project
    project.specr("destroy", "--auto-approve")
    assert not space.left()


class Moving:
    """A tag that leads to one image, and then to another."""

    def __init__(self) -> None:
        self.tag = f"specr-test/moving:{os.urandom(4).hex()}"
        self.move()

    def move(self) -> None:
        dockerfile = f"FROM {IMAGE}\nLABEL edition={os.urandom(4).hex()}\n"
        subprocess.run(["docker", "build", "-q", "-t", self.tag, "-"], input=dockerfile.encode(), check=True)


@pytest.fixture
def moving() -> Iterator[Moving]:
    """Where the cluster takes the images of the local daemon, which are moved faster than a registry's."""
    need(reachable=shutil.which("docker") is not None, engine="Docker", how="it makes images for the cluster")
    moving = Moving()
    yield moving
    subprocess.run(["docker", "rmi", "--force", moving.tag], check=True, capture_output=True)


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
        """The cluster heals it by itself."""
        before = _pod(project)
        project.space.kubectl("delete", "pod", before, "--wait=false")
        assert project.is_settled()
        assert _pod(project) != before
        assert project.is_settled()

    def test_a_tag_that_moved(self, project: Project, moving: Moving) -> None:
        """Seen once a pod runs what the tag means now; what was never verified is rolled out anew."""
        project.runtime["image"] = moving.tag
        project.write()
        project.apply()
        first, pod = project.name("deployments"), _pod(project)
        moving.move()
        assert project.is_settled()
        project.space.kubectl("delete", "pod", pod, "--wait=false")
        assert _pod(project) != pod
        plan = project.plan()
        assert f"{moving.tag} means another image now" in plan
        assert "1 to update" in plan
        assert "imageIds" in plan
        project.apply()
        assert project.is_settled()
        assert project.name("deployments") != first
        project.runtime["image"] = IMAGE
        project.write()
        project.apply()

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
        need(Path(folder).exists(), "The volume", "it is not a folder of this machine")
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
    """The name of the only pod that is there to stay, once it is ready; others may be on their way out."""
    labels = f"specr.dev/lineage={project.lineage()},specr.dev/kind=deployment"
    names: list[str] = []

    def is_alone_and_ready() -> bool:
        pods = [
            p for p in project.space.get("pods", "-l", labels) if "deletionTimestamp" not in p["metadata"]
        ]
        conditions = [c for pod in pods for c in pod["status"].get("conditions") or ()]
        names[:] = [str(pod["metadata"]["name"]) for pod in pods]
        return len(pods) == 1 and any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    wait_until(is_alone_and_ready)
    return names[0]

"""specr in a pod, with nothing but its service account: no kubeconfig, and the documented role."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engines.conftest import need
from tests.engines.kubernetes.pod_security import violations
from tests.engines.kubernetes.project import Project
from tests.engines.kubernetes.space import ACCOUNT, Space, kubectl, wait_until

pytestmark = [pytest.mark.engines, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
IMAGE = "specr/client-under-test:1"
SCRIPT = """\
set -e
cp /specs/* /work && cd /work
specr plan --detailed-exitcode && exit 9 || test $? = 2
specr apply --auto-approve
specr plan --detailed-exitcode
echo "told: $(specr output)"
specr logs deployment/d0
specr destroy --auto-approve
echo all done
"""


@pytest.fixture(scope="module")
def image(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image with this checkout's specr, where the cluster takes the local daemon's images."""
    need(reachable=shutil.which("docker") is not None, engine="Docker", how="it builds the image")
    context = tmp_path_factory.mktemp("context")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, context)
    shutil.copytree(ROOT / "specr", context / "specr", ignore=shutil.ignore_patterns("__pycache__"))
    dockerfile = Path(__file__).with_name("client.Dockerfile")
    built = subprocess.run(
        ["docker", "build", "-q", "--network", "host", "-f", str(dockerfile), "-t", IMAGE, str(context)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return IMAGE


@pytest.fixture(scope="module")
def reachable(cluster: None) -> Iterator[None]:
    """The API server answers where the cluster tells its pods to look for it.

    A server that listens on the loopback interface alone does not, so it gets a forwarder.
    """
    (subset,) = json.loads(kubectl("-n", "default", "get", "endpoints", "kubernetes", "-o", "json"))[
        "subsets"
    ]
    address, port = subset["addresses"][0]["ip"], subset["ports"][0]["port"]
    if _answers(address, port):
        yield
        return
    with _forwarded(address, port):
        yield


@contextmanager
def _forwarded(address: str, port: int) -> Iterator[None]:
    need(
        reachable=shutil.which("socat") is not None, engine="The API server, from pods", how="it takes socat"
    )
    listen = f"TCP-LISTEN:{port},bind={address},fork,reuseaddr"
    forwarder = subprocess.Popen(["socat", listen, f"TCP:127.0.0.1:{port}"], start_new_session=True)
    try:
        wait_until(lambda: _answers(address, port))
        yield
    finally:
        forwarder.terminate()
        forwarder.wait()


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 2).close()
    except OSError:
        return False
    return True


@pytest.mark.usefixtures("reachable")
class TestInCluster:
    def test_a_project_comes_and_goes(self, space: Space, image: str, tmp_path: Path) -> None:
        project = Project(space, tmp_path / "project")
        del project.settings["kubeconfig"]
        project.write()
        files = [f"--from-file={path}" for path in sorted(project.folder.iterdir())]
        space.kubectl("create", "configmap", "specs", *files)
        spec = pod(image, SCRIPT)
        assert violations(spec) == []
        space.kubectl("apply", "-f", "-", text=json.dumps(job("pipeline", spec)))
        try:
            wait_until(lambda: _ended(space, "pipeline"), 240)
            said = space.kubectl("logs", "job/pipeline")
        finally:
            space.kubectl("delete", "job", "pipeline", "--wait=true")
            space.kubectl("delete", "configmap", "specs")
        assert said.endswith("all done\n"), said
        assert f".{space.name}.svc" in said
        assert "No changes" in said
        wait_until(lambda: not space.left())


def pod(image: str, script: str) -> dict[str, Any]:
    """A pod that runs a script under the account that has the role."""
    return {
        "serviceAccountName": ACCOUNT,
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "specr",
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "command": ["sh", "-c", script],
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
                "volumeMounts": [
                    {"name": "specs", "mountPath": "/specs"},
                    {"name": "work", "mountPath": "/work"},
                    {"name": "work", "mountPath": "/tmp"},
                ],
            }
        ],
        "volumes": [
            {"name": "specs", "configMap": {"name": "specs"}},
            {"name": "work", "emptyDir": {}},
        ],
    }


def job(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": {"spec": spec}},
    }


def _ended(space: Space, name: str) -> bool:
    (found,) = space.get("jobs", f"--field-selector=metadata.name={name}")
    return bool(found["status"].get("succeeded") or found["status"].get("failed"))

"""One namespace of the cluster for tests: an account with exactly the documented role, and kubectl."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROLE = Path(__file__).parents[3] / "docs" / "kubernetes-rbac.yaml"
ACCOUNT = "deployer"
CLAIM = "models"
PREFIX = "specr-test-"
KINDS = "deployments,replicasets,pods,jobs,services,secrets,configmaps,poddisruptionbudgets"
MANAGED = "app.kubernetes.io/managed-by=specr"


def kubectl(*arguments: str, text: str | None = None, check: bool = True) -> str:
    """What kubectl prints, run with all rights."""
    done = subprocess.run(["kubectl", *arguments], capture_output=True, text=True, check=False, input=text)
    assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done.stdout if done.returncode == 0 else done.stderr


def wait_until(holds: Callable[[], bool], seconds: float = 180.0) -> None:
    """Wait for what is to happen soon; how soon is not asserted."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


class Space:
    """A namespace that is made for some tests and removed after them."""

    def __init__(self, folder: Path) -> None:
        self.name = f"{PREFIX}{os.urandom(4).hex()}"
        self.kubeconfig = folder / "kubeconfig"
        self.volumes: set[str] = set()

    def make(self) -> None:
        """Make the namespace, the account with its role, and a claim."""
        release_abandoned()
        kubectl("create", "namespace", self.name)
        self.claim(CLAIM)
        self.kubectl("apply", "-f", str(ROLE))
        self.account(ACCOUNT, "specr", self.kubeconfig)
        wait_until(lambda: self._phase(CLAIM) == "Bound")

    def account(self, name: str, role: str, kubeconfig: Path) -> None:
        """Make an account that has a role, and a kubeconfig for it."""
        self.kubectl("create", "serviceaccount", name)
        account = f"--serviceaccount={self.name}:{name}"
        self.kubectl("create", "rolebinding", name, f"--role={role}", account)
        config = json.loads(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
        config["users"] = [{"name": name, "user": {"token": self._token(name)}}]
        config["contexts"][0]["context"] |= {"user": name, "namespace": self.name}
        kubeconfig.write_text(json.dumps(config))

    def claim(self, name: str) -> None:
        """Make a claim, as an administrator would."""
        spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
        about = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}}
        self.kubectl("apply", "-f", "-", text=json.dumps({**about, "spec": spec}))

    def remove(self) -> None:
        """Remove the namespace, and make its volumes fit for others."""
        volumes = self.bound_volumes()
        kubectl("delete", "namespace", self.name, "--wait=true", "--timeout=120s")
        for volume in volumes:
            release(volume)

    def kubectl(self, *arguments: str, text: str | None = None, check: bool = True) -> str:
        """kubectl in this namespace."""
        return kubectl("-n", self.name, *arguments, text=text, check=check)

    def get(self, what: str, *arguments: str) -> list[dict[str, Any]]:
        """Objects in this namespace."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", what, "-o", "json", *arguments))["items"]
        return found

    def left(self, lineage: str = "") -> list[str]:
        """All that specr has made here and that is still there, its bytes on volumes included."""
        labels = f"{MANAGED},specr.dev/lineage={lineage}" if lineage else MANAGED
        found = self.get(f"{KINDS},persistentvolumeclaims", "-l", labels)
        return [f"{one['kind']}/{one['metadata']['name']}" for one in found] + self.bytes_left(lineage)

    def bytes_left(self, lineage: str = "") -> list[str]:
        """What lies on the volumes, where they are folders of this machine."""
        folders = [Path(volume["spec"]["hostPath"]["path"]) for volume in self.bound_volumes()]
        return [str(path) for folder in folders for path in folder.glob(f"specr/{lineage}*")]

    def bound_volumes(self) -> list[dict[str, Any]]:
        """The volumes of this namespace's claims, those of claims that are gone included."""
        volumes = json.loads(kubectl("get", "persistentvolumes", "-o", "json"))["items"]
        return [
            volume
            for volume in volumes
            if (volume["spec"].get("claimRef") or {}).get("namespace") == self.name
            and "hostPath" in volume["spec"]
        ]

    def _phase(self, claim: str) -> str:
        return str(json.loads(self.kubectl("get", "pvc", claim, "-o", "json"))["status"].get("phase"))

    def _token(self, account: str) -> str:
        """An account's token: newer clusters make it when asked, older ones keep it in a Secret."""
        asked = subprocess.run(
            ["kubectl", "-n", self.name, "create", "token", account, "--duration=6h"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode == 0:
            return asked.stdout.strip()
        path = 'go-template={{range .items}}{{if eq .type "kubernetes.io/service-account-token"}}'
        path += (
            f'{{{{if eq (index .metadata.annotations "kubernetes.io/service-account.name") "{account}"}}}}'
        )
        path += "{{.data.token | base64decode}}{{end}}{{end}}{{end}}"
        wait_until(lambda: bool(self.kubectl("get", "secrets", "-o", path)))
        return self.kubectl("get", "secrets", "-o", path)


def release(volume: dict[str, Any]) -> None:
    """Make a volume fit for the next claim; nothing does it for those that are made by hand."""
    name, namespace = volume["metadata"]["name"], volume["spec"]["claimRef"]["namespace"]
    wait_until(lambda: _holder(name) != (namespace, "Bound"))
    if _holder(name) == (namespace, "Released"):  # another run may have been faster
        shutil.rmtree(Path(volume["spec"]["hostPath"]["path"], "specr"), ignore_errors=True)
        kubectl("patch", "pv", name, "--type=merge", "-p", '{"spec": {"claimRef": null}}')


def release_abandoned() -> None:
    """Do that for the volumes of test runs that were killed."""
    for volume in json.loads(kubectl("get", "persistentvolumes", "-o", "json"))["items"]:
        namespace = (volume["spec"].get("claimRef") or {}).get("namespace", "")
        ours = namespace.startswith(PREFIX) and "hostPath" in volume["spec"]
        if ours and "NotFound" in kubectl("get", "namespace", namespace, check=False):
            release(volume)


def _holder(volume: str) -> tuple[str, str]:
    """The namespace of a volume's claim, and the volume's phase."""
    live = json.loads(kubectl("get", "pv", volume, "-o", "json"))
    return (live["spec"].get("claimRef") or {}).get("namespace", ""), live["status"]["phase"]

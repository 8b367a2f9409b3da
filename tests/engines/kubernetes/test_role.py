"""The documented role grants what is used, and nothing else: an API server's audit log says what is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engines.kubernetes.project import Project
from tests.engines.kubernetes.server import OwnServer
from tests.engines.kubernetes.space import ACCOUNT, ROLE, Space, wait_until

pytestmark = [pytest.mark.engines, pytest.mark.slow]

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}
UPGRADED = {"pods/exec", "pods/portforward"}
"""Newer servers ask for `create` where a connection becomes another one, older ones for `get`."""

Right = tuple[str, str]


class Audited:
    """A server that notes who does what."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "audit.log"
        policy = folder / "policy.json"
        policy.write_text(json.dumps(POLICY))
        self.server = OwnServer(folder, f"--audit-policy-file={policy}", f"--audit-log-path={self._log}")

    def used(self, space: Space) -> set[Right]:
        """What the account of a namespace has done: a resource and a verb each."""
        user = f"system:serviceaccount:{space.name}:{ACCOUNT}"
        found = set()
        for line in self._log.read_text().splitlines():
            noted: dict[str, Any] = json.loads(line)
            about = noted.get("objectRef") or {}
            if noted["user"]["username"] == user and about.get("namespace") == space.name:
                parts = (about["resource"], about.get("subresource"))
                found.add(("/".join(filter(None, parts)), noted["verb"]))
        return found


@pytest.fixture(scope="class")
def audited(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    audited = Audited(tmp_path_factory.mktemp("audited"))
    try:
        audited.server.start()
        yield audited
    finally:
        audited.server.stop()


def granted() -> set[Right]:
    rules = yaml.safe_load(ROLE.read_text())["rules"]
    return {(what, verb) for rule in rules for what in rule["resources"] for verb in rule["verbs"]}


def implied(used: set[Right]) -> set[Right]:
    """What servers ask for beside the verb that they note."""
    made = {(what, "create") for what, verb in used if verb == "patch"}
    upgraded = {(what, verb) for what, _ in used if what in UPGRADED for verb in ("get", "create")}
    return made | upgraded


class TestRole:
    def test_all_that_is_granted_is_used(self, space: Space, audited: Audited, tmp_path: Path) -> None:
        """A project lives its life: secrets, replicas, a passphrase, a claim of its own, logs, an end."""
        kubeconfig = audited.server.kubeconfig(space, tmp_path / "kubeconfig")
        store = {"type": "volume", "claim": "own", "size": "1Gi"}
        project = Project(space, tmp_path / "project", kubeconfig=str(kubeconfig), store=store)
        (project.folder / "word").write_text("open-sesame")
        secret = {"valueFrom": {"file": "word"}}
        for env, replicas in ((None, 1), ({"SPECR_PASSPHRASE": secret, "SAY": "hello"}, 2)):
            project.deployment |= {"env": env or {}, "replicas": replicas}
            project.write()
            project.apply()
            assert project.is_settled()
        assert "hello" in project.specr("logs", "deployment/d0")
        project.specr("destroy", "--auto-approve")
        wait_until(lambda: not space.left())
        used = audited.used(space)
        assert granted() - implied(used) - used == set()
        assert used <= granted()

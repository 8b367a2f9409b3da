"""The daemon as a platform for tests: orders for tiny programs, and a look at what is really there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import docker

from specr.address import Address
from specr.providers.docker.provider import DockerProvider
from specr.providers.docker.settings import DockerSettings
from specr.providers.protocol import BuildOrder, DeploymentOrder
from specr.resources.compute import Compute
from specr.resources.convert import convert
from specr.state.model import ObjectRef
from specr.store.folder import FolderStore
from specr.testing.providers import Behaviour

PROGRAMS = Path(__file__).with_name("programs")
IMAGE = "python:3.11-slim"
LINEAGE = "mine"


def command(program: str, behaviour: Behaviour | str) -> tuple[str, ...]:
    """A program as an argument, so that no image has to be built for it."""
    how = behaviour.value if isinstance(behaviour, Behaviour) else behaviour
    return ("python", "-I", "-S", "-c", (PROGRAMS / program).read_text(), how)


class Engine:
    """Orders and containers of one test. Lineages are its own, whoever else uses the daemon."""

    patience = 180.0

    def __init__(self, client: Any, place: Path, **settings: Any) -> None:
        place.mkdir(exist_ok=True)
        self.client = client
        self.root = place.resolve()
        self.settings = settings
        self.store = FolderStore(self.root / ".specr" / "store")
        self.source = self.add("an artifact")
        self._own = os.urandom(6).hex()

    def add(self, text: str) -> str:
        """Content in the store; returns its digest."""
        artifact = self.root / "artifact"
        artifact.write_text(text)
        return self.store.add(artifact).digest

    def lineage(self, lineage: str = LINEAGE) -> str:
        """A test's lineage as the daemon knows it."""
        return f"{lineage}-{self._own}"

    def provider(self, lineage: str = LINEAGE, **settings: Any) -> DockerProvider:
        decoded = convert({"stopSeconds": 3, **self.settings, **settings}, DockerSettings)
        return DockerProvider(self.lineage(lineage), self.root, self.store, decoded)

    def build(self, name: str, token: str, behaviour: Behaviour | str = "good") -> BuildOrder:
        return BuildOrder(
            address=Address("build", f"{name}.copy"),
            token=token,
            source=self.source,
            image=IMAGE,
            command=command("processor.py", behaviour),
            env={},
            resources=Compute(),
            timeout=60,
        )

    def deployment(self, name: str, token: str, behaviour: Behaviour | str = "good") -> DeploymentOrder:
        return DeploymentOrder(
            address=Address("deployment", name),
            token=token,
            model=self.source,
            model_id=f"{name}-v1",
            image=IMAGE,
            command=command("runtime.py", behaviour),
            env={},
            resources=Compute(),
            replicas=1,
            port=None,
            readiness_path="/readyz",
        )

    def existing(self, lineage: str) -> frozenset[str]:
        """From the labels of containers and volumes."""
        own = f"dev.specr.lineage={self.lineage(lineage)}"
        labels = [c["Labels"] for c in self.client.containers(all=True, filters={"label": own})]
        labels += [v["Labels"] for v in self.client.volumes(filters={"label": own})["Volumes"] or []]
        return frozenset(found["dev.specr.token"] for found in labels)

    def destroy(self, lineage: str, token: str) -> None:
        for container in self.containers(token, lineage):
            self.client.remove_container(container["Id"], force=True)

    def ref(self, token: str) -> ObjectRef:
        """The way to an object by its token alone."""
        return ObjectRef(Address("deployment", "any"), "docker", token)

    def containers(self, token: str, lineage: str = LINEAGE) -> list[Any]:
        """An object's containers, as the daemon lists them."""
        labels = [f"dev.specr.lineage={self.lineage(lineage)}", f"dev.specr.token={token}"]
        found: list[Any] = self.client.containers(all=True, filters={"label": labels})
        return found

    def left(self) -> list[str]:
        """Everything of this test's that is at the daemon, whatever its lineage."""
        containers = self.client.containers(all=True, filters={"label": "dev.specr.lineage"})
        volumes = self.client.volumes(filters={"label": "dev.specr.lineage"})["Volumes"] or []
        named = [(c["Names"][0], c["Labels"]) for c in containers] + [
            (v["Name"], v["Labels"]) for v in volumes
        ]
        return [name for name, labels in named if labels["dev.specr.lineage"].endswith(self._own)]

    def clear(self) -> None:
        """Leave nothing behind, whatever a test has broken."""
        for name in self.left():
            try:
                self.client.remove_container(name, force=True, v=True)
            except docker.errors.NotFound:
                self.client.remove_volume(name, force=True)

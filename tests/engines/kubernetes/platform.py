"""A namespace as a platform for providers: orders for tiny programs, and a look at what is really there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from specr.address import Address
from specr.providers.kubernetes.provider import KubernetesProvider, open_kubernetes
from specr.providers.protocol import BuildOrder, DeploymentOrder
from specr.providers.settings import ProviderContext
from specr.resources.compute import Amounts, Compute
from specr.state.model import ObjectRef
from specr.store.folder import FolderStore
from specr.testing.providers import Behaviour
from tests.engines.kubernetes.space import CLAIM, KINDS, Space, wait_until

PROGRAMS = Path(__file__).with_name("programs")
IMAGE = "python:3.11-slim"
PIN = "pin"
SHARE = Compute(requests=Amounts(cpu="20m"))
"""What programs ask of a node: those that ask for nothing get nothing where there is more to do."""


class Namespace:
    """Orders and objects of one test, in a namespace that other tests may use too."""

    patience = 180.0

    def __init__(self, space: Space, place: Path, own: str = "", **settings: Any) -> None:
        place.mkdir(exist_ok=True)
        self.space = space
        self.root = place.resolve()
        self.settings = settings
        self.store = FolderStore(self.root / ".specr" / "store")
        self.source = self.add("an artifact")
        self._own = own or os.urandom(3).hex()
        self._providers: list[KubernetesProvider] = []

    def add(self, text: str) -> str:
        """Content in the store; returns its digest."""
        artifact = self.root / "artifact"
        artifact.write_text(text)
        return self.store.add(artifact).digest

    def lineage(self, lineage: str = "mine") -> str:
        """A test's lineage as the cluster knows it."""
        return f"{lineage}-{self._own}"

    def provider(self, lineage: str = "mine", **settings: Any) -> KubernetesProvider:
        context = ProviderContext("tested", self.lineage(lineage), self.root, self.store)
        basis = {
            "kubeconfig": str(self.space.kubeconfig),
            "store": {"type": "volume", "claim": CLAIM},
            "drainSeconds": 0,
            "graceSeconds": 10,
        }
        self._providers.append(open_kubernetes(context, {**basis, **self.settings, **settings}))
        return self._providers[-1]

    def build(self, name: str, token: str, behaviour: Behaviour | str = "good") -> BuildOrder:
        return BuildOrder(
            address=Address("build", f"{name}.copy"),
            token=token,
            source=self.source,
            image=IMAGE,
            command=command("processor.py", behaviour),
            env={},
            resources=SHARE,
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
            resources=SHARE,
            replicas=1,
            port=None,
            readiness_path="/readyz",
        )

    def existing(self, lineage: str) -> frozenset[str]:
        """From the labels of all objects, and from those that bytes are kept for."""
        found = self.space.get(KINDS, "-l", f"specr.dev/lineage={self.lineage(lineage)}")
        tokens = {one["metadata"]["labels"].get("specr.dev/token") for one in found}
        for index in (one for one in found if one["kind"] == "ConfigMap"):
            for entry in (index.get("data") or {}).values():
                tokens |= set(json.loads(entry)["for"])
        return frozenset(token for token in tokens if token and token != PIN)

    def destroy(self, lineage: str, token: str) -> None:
        labels = f"specr.dev/lineage={self.lineage(lineage)},specr.dev/token={token}"
        self.space.kubectl("delete", "deployment,job", "-l", labels, "--wait=true")
        wait_until(lambda: not self.space.get("pods", "-l", labels))

    def close(self) -> None:
        """Let go of connections."""
        for provider in self._providers:
            provider.close()

    def left(self) -> list[str]:
        """Everything of this test's that is still there, whatever its lineage."""
        return [name for lineage in self._lineages() for name in self.space.left(lineage)] + [
            path for path in self.space.bytes_left() if self._own in path
        ]

    def clear(self) -> None:
        """Leave nothing behind, whatever a test has broken."""
        self.close()
        for lineage in self._lineages():
            self.space.kubectl("delete", KINDS, "-l", f"specr.dev/lineage={lineage}", "--wait=false")

    @contextmanager
    def pinned(self, lineage: str) -> Iterator[None]:
        """Let a deployment without replicas hold the artifact, so that not every test brings it anew."""
        provider = self.provider(lineage)
        order = replace(self.deployment("pin", PIN), replicas=0)
        provider.create(order)
        try:
            yield
        finally:
            provider.delete(ObjectRef(order.address, "tested", PIN))

    def _lineages(self) -> set[str]:
        found = self.space.get(KINDS, "-l", "specr.dev/lineage")
        lineages = {one["metadata"]["labels"]["specr.dev/lineage"] for one in found}
        return {lineage for lineage in lineages if lineage.endswith(self._own)}


def command(program: str, behaviour: Behaviour | str) -> tuple[str, ...]:
    """A program as an argument, so that no image has to be built for it."""
    how = behaviour.value if isinstance(behaviour, Behaviour) else behaviour
    return ("python", "-I", "-S", "-c", (PROGRAMS / program).read_text(), how)

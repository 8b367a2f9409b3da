"""The providers that specr ships, held to what every provider promises."""

from __future__ import annotations

from pathlib import Path

from specr.address import Address
from specr.providers.memory import MemoryProvider
from specr.providers.memory_world import MemoryWorld
from specr.providers.protocol import BuildOrder, DeploymentOrder, Readiness
from specr.resources.compute import Compute
from specr.testing.providers import (
    Behaviour,
    FixedPortPromises,
    Platform,
    ProberPromises,
    ProcessProviderConformance,
    ProviderConformance,
)
from tests.unit.providers.machine import Machine


class MemoryPlatform:
    """A dict. Behaviours are what `readiness` says."""

    patience = 1.0

    def __init__(self) -> None:
        self._world = MemoryWorld()
        self._troubles: dict[str, Readiness] = {}

    def provider(self, lineage: str) -> MemoryProvider:
        return MemoryProvider(self._world, lineage=lineage, troubles=self._troubles)

    def build(self, name: str, token: str, behaviour: Behaviour = Behaviour.GOOD) -> BuildOrder:
        self._behave(token, behaviour)
        return BuildOrder(
            address=Address("build", f"{name}.copy"),
            token=token,
            source="sha256:" + "a" * 64,
            image=None,
            command=("copy",),
            env={},
            resources=Compute(),
            timeout=60,
        )

    def deployment(self, name: str, token: str, behaviour: Behaviour = Behaviour.GOOD) -> DeploymentOrder:
        self._behave(token, behaviour)
        return DeploymentOrder(
            address=Address("deployment", name),
            token=token,
            model="sha256:" + "b" * 64,
            model_id=f"{name}-v1",
            image=None,
            command=("serve",),
            env={},
            resources=Compute(),
            replicas=1,
            port=None,
            readiness_path="/readyz",
        )

    def existing(self, lineage: str) -> frozenset[str]:
        return frozenset(self._world.attributes(lineage))

    def destroy(self, lineage: str, token: str) -> None:
        self._world.remove(lineage, token)

    def _behave(self, token: str, behaviour: Behaviour) -> None:
        self._troubles.pop(token, None)
        if behaviour is Behaviour.FAILS:
            self._troubles[token] = Readiness(done=True, message="exit status 3")
        elif behaviour is Behaviour.HANGS:
            self._troubles[token] = Readiness(done=False, message="still starting")


class TestMemory(ProviderConformance):
    def platform(self, place: Path) -> Platform:
        return MemoryPlatform()


class TestLocal(ProcessProviderConformance, FixedPortPromises, ProberPromises):
    def platform(self, place: Path) -> Platform:
        return Machine(place)

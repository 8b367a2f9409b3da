"""The providers that specr ships, held to what every provider promises."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from specr.address import Address
from specr.providers.local.marks import LINEAGE_MARK, TOKEN_MARK
from specr.providers.local.provider import LocalProvider, LocalSettings
from specr.providers.memory import MemoryProvider
from specr.providers.memory_world import MemoryWorld
from specr.providers.protocol import BuildOrder, DeploymentOrder, Readiness
from specr.resources.compute import Compute
from specr.store.folder import FolderStore
from specr.testing.providers import (
    Behaviour,
    FixedPortPromises,
    Platform,
    ProcessProviderConformance,
    ProviderConformance,
)

PROGRAMS = Path(__file__).parents[1] / "unit" / "providers" / "programs"
PYTHON = ("python", "-I", "-S")


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


class LocalPlatform:
    """This machine."""

    patience = 20.0

    def __init__(self, place: Path) -> None:
        place.mkdir(exist_ok=True)
        self._root = place.resolve()
        self._store = FolderStore(place / ".specr" / "store")
        (place / "artifact").write_text("an artifact")
        self._source = self._store.add(place / "artifact").digest

    def provider(self, lineage: str) -> LocalProvider:
        return LocalProvider(lineage, self._root, self._store, LocalSettings(grace=2.0))

    def build(self, name: str, token: str, behaviour: Behaviour = Behaviour.GOOD) -> BuildOrder:
        return BuildOrder(
            address=Address("build", f"{name}.copy"),
            token=token,
            source=self._source,
            image=None,
            command=(*PYTHON, str(PROGRAMS / "processor.py"), behaviour.value),
            env={},
            resources=Compute(),
            timeout=60,
        )

    def deployment(self, name: str, token: str, behaviour: Behaviour = Behaviour.GOOD) -> DeploymentOrder:
        return DeploymentOrder(
            address=Address("deployment", name),
            token=token,
            model=self._source,
            model_id=f"{name}-v1",
            image=None,
            command=(*PYTHON, str(PROGRAMS / "runtime.py"), behaviour.value),
            env={},
            resources=Compute(),
            replicas=1,
            port=None,
            readiness_path="/readyz",
        )

    def existing(self, lineage: str) -> frozenset[str]:
        """From the processes' environment as well as from the folders."""
        folder = self._root / ".specr" / "local" / lineage
        folders = {path.name for path in folder.iterdir()} if folder.exists() else set()
        return frozenset(folders | {token for _, token in self._processes(lineage)})

    def destroy(self, lineage: str, token: str) -> None:
        found = [process for process, its in self._processes(lineage) if its == token]
        for process in found:
            process.kill()
        while any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in found):
            time.sleep(0.005)

    def _processes(self, lineage: str) -> list[tuple[psutil.Process, str]]:
        found = []
        for process in psutil.process_iter():
            try:
                env = process.environ()
            except psutil.Error:
                continue
            if env.get(LINEAGE_MARK) == lineage and str(self._root) in env.get("SPECR_FOLDER", ""):
                found.append((process, env[TOKEN_MARK]))
        return found


class TestLocal(ProcessProviderConformance, FixedPortPromises):
    def platform(self, place: Path) -> Platform:
        return LocalPlatform(place)

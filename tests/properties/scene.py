"""A small world for properties: real planner, engine, backend and memory provider; bytes in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from specr.address import Address
from specr.apply.engine import Result
from specr.apply.events import Event
from specr.backends.protocol import Backend
from specr.plan.model import Plan
from specr.providers.protocol import Provider
from specr.resources.artifact import Artifact
from specr.resources.base import Resource
from specr.resources.convert import convert
from specr.resources.deployment import Deployment
from specr.resources.experiment import Experiment
from specr.resources.model import Model
from specr.resources.project import Project
from specr.resources.types import ArtifactType, ModelType, Processor, Runtime
from specr.sources.protocol import Resolved, Source
from specr.spec.model import Origin, Specs
from specr.state.model import State
from specr.store.protocol import Stored
from specr.workflow import Manner, Options, Planned, Workspace

SCHEMA = {
    "input": [{"name": "x", "type": "Float64"}],
    "output": [{"name": "prediction", "type": "Float64"}],
}


class Crash(BaseException):
    """The process dies here."""


class MemoryBytes:
    """Source and store in one: content is its reference and a version number."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.versions: dict[str, int] = {}
        self.kept: set[str] = set()
        self.builds: dict[str, str] = {}
        self.fetched: dict[Path, str] = {}
        self.announces_digest = True

    def content(self, reference: str) -> bytes:
        return f"{reference} v{self.versions.get(reference, 1)}".encode()

    def digest(self, reference: str) -> str:
        return f"sha256:{hashlib.sha256(self.content(reference)).hexdigest()}"

    def source_for(self, reference: str) -> Source:
        return self

    def resolve(self, reference: str, base: Path) -> Resolved:
        identity = {"version": self.versions.get(reference, 1)}
        return Resolved(self.digest(reference) if self.announces_digest else None, identity=identity)

    def fetch(self, resolved: Resolved, reference: str, target: Path) -> Path:
        self.fetched[Path(reference)] = reference
        return Path(reference)

    def has(self, digest: str) -> bool:
        return digest in self.kept

    def path(self, digest: str) -> Path:
        return self._folder

    @contextmanager
    def staging(self) -> Iterator[Path]:
        yield self._folder

    def add(self, content: Path, *, expected: str | None = None, move: bool = False) -> Stored:
        reference = self.fetched[content]
        digest = self.digest(reference)
        assert expected in (None, digest)
        self.kept.add(digest)
        return Stored(digest, len(self.content(reference)))

    def remember_build(self, fingerprint: str, digest: str) -> None:
        self.builds[fingerprint] = digest

    def find_build(self, fingerprint: str) -> str | None:
        digest = self.builds.get(fingerprint)
        return digest if digest in self.kept else None

    def digests(self) -> Iterator[Stored]:
        return (Stored(digest, 1) for digest in sorted(self.kept))

    def gc(self, keep: frozenset[str], *, dry_run: bool = False) -> tuple[Stored, ...]:
        return ()


def catalogue() -> tuple[Resource, ...]:
    """What every project of the tests has: one route."""
    return (
        ArtifactType(name="plain", artifact_type="plain"),
        ModelType(name="plain"),
        Processor(name="plain", artifact_type="plain", model_type="plain", command=("process",)),
        Runtime(name="plain", model_type="plain", command=("serve",), env={"LEVEL": "1"}),
    )


def deployable(name: str, **deployment: Any) -> tuple[Resource, ...]:
    """An experiment, its artifact, its model and a deployment of it."""
    schema = {"name": name, "schema": SCHEMA}
    return (
        convert(schema, Experiment),
        Artifact(name=name, experiment=name, type="plain", source=f"{name}.bin"),
        Model(name=name, versions={1: name}),
        convert({"name": name, "model": name, "version": 1, **deployment}, Deployment),
    )


class Scene:
    """One project over backends and providers that the test chooses and may break."""

    def __init__(
        self,
        folder: Path,
        backend: Callable[[], Backend],
        provider: Callable[[str, str], Provider],
    ) -> None:
        self.folder = folder
        self.bytes = MemoryBytes(folder)
        self.resources: dict[Address, Resource] = {}
        self.events: list[Event] = []
        self._backend = backend
        self._provider = provider
        self.declare(*catalogue())

    def declare(self, *resources: Resource) -> None:
        self.resources |= {r.address: r for r in resources}

    def withdraw(self, *resources: Resource) -> None:
        for resource in resources:
            self.resources.pop(resource.address, None)

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        ordered: Mapping[Address, Resource] = dict(sorted(self.resources.items()))
        origins = {address: Origin(f"{address.name}.yaml", 0) for address in ordered}
        project = Project(name="test", default_provider="memory")
        workspace = Workspace(Specs(self.folder, project, ordered, origins))
        scene = self

        class Opened:
            def source_for(self, reference: str) -> Source:
                return scene.bytes.source_for(reference)

        workspace.__dict__["backend"] = self._backend()
        workspace.__dict__["store"] = self.bytes
        workspace.__dict__["_sources"] = Opened()
        workspace.provider = self._provider  # type: ignore[method-assign, assignment]
        with workspace:
            yield workspace

    def planned(self, options: Options = Options()) -> Planned:  # noqa: B008
        with self.workspace() as workspace:
            planned = workspace.plan(options)
        for change in planned.plan.changes:
            paths = [difference.path for difference in change.differences]
            assert len(paths) == len(set(paths)), f"{change.address}: a path is told twice"
        return planned

    def plan(self, **options: Any) -> Plan:
        return self.planned(Options(**options)).plan

    def carry_out(self, plan: Plan, *, parallelism: int = 3) -> Result:
        self.events = []
        with self.workspace() as workspace:
            return workspace.carry_out(plan, Manner(self.events.append, parallelism))

    def apply(self, *, parallelism: int = 3, **options: Any) -> Result:
        return self.carry_out(self.plan(**options), parallelism=parallelism)

    def state(self) -> State:
        with self.workspace() as workspace:
            return workspace.backend.read()

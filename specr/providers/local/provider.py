"""The local provider: builds and deployments are processes on this machine.

Good for one machine and its user. Commands run with the user's rights. `resources` are not
enforced: a process may use what the machine has. Several `replicas` are several processes,
each on a port of its own, told as `endpoints`; nothing spreads requests over them, and
`endpoint` is the first. Logs grow for as long as a process runs. It works wherever there are
POSIX processes and file locks, on a local disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from specr.address import Address
from specr.canonical import JsonObject
from specr.diagnostics import Diagnostic
from specr.plan.observed import Observation, ProviderSchema
from specr.providers.content import ByteStore
from specr.providers.local.builds import LocalBuilds
from specr.providers.local.deployments import LocalDeployments
from specr.providers.local.layout import Layout
from specr.providers.local.logs import read_lines
from specr.providers.local.ports import HOST
from specr.providers.local.problems import disk_errors
from specr.providers.local.process import Host
from specr.providers.local.replicas import Replicas
from specr.providers.local.runs import Sleep
from specr.providers.local.strays import check_strays
from specr.providers.local.takeover import Takeover
from specr.providers.protocol import (
    BuildOrder,
    DeploymentOrder,
    Order,
    Readiness,
    ScorerRequest,
    ScorerResponse,
)
from specr.providers.settings import ProviderContext, decode_settings
from specr.resources.base import Filled, Part
from specr.resources.catalog import BUILD
from specr.state.model import ObjectRef
from specr.workfolder import Kept, ensure_work_folder

GRACE: Final = 10.0
"""Seconds that a runtime gets to end after SIGTERM, by default."""

_SCHEMA: Final = ProviderSchema(
    in_place=frozenset({"replicas"}),
    gap_on_fixed_port=True,
    moves_endpoint=True,
    fixed_endpoint=f"http://{HOST}:{{port}}",
    secrets=frozenset({"env", "file"}),
)


class LocalSettings(Part, frozen=True, kw_only=True):
    """Settings of a provider of type `local`."""

    folder: Filled = Kept.LOCAL.path
    """Where processes work and log, relative to the project; on a local disk."""

    grace: Annotated[float, Meta(ge=0, le=3600)] = GRACE
    """Seconds that a runtime gets to end after SIGTERM, before SIGKILL."""


def open_local(context: ProviderContext, settings: JsonObject) -> LocalProvider:
    """The provider for the processes of one project on this machine."""
    decoded = decode_settings(LocalSettings, context, settings)
    return LocalProvider(context.lineage, context.root, context.store, decoded)


class LocalProvider:
    """Runs processors and runtimes as processes.

    Attributes of a build: `digest`, `size` (bytes). Of a deployment: `endpoint` (the URL of
    replica 0, None without replicas), `endpoints` (those of all), `replicas` (how many run),
    `pids`.

    Args:
        lineage: that of the state which the objects belong to.
        root: the project's folder.
        store: where sources and models are, and outputs go.
        settings: where it works, and how long it waits.
        clock: seconds that never go back.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        lineage: str,
        root: Path,
        store: ByteStore,
        settings: LocalSettings | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Sleep = time.sleep,
    ) -> None:
        settings = settings or LocalSettings()
        root = root.resolve()
        self._folder = root / settings.folder
        self._layout = Layout(self._folder, lineage)
        host = Host(lineage, root, settings.grace)
        self._replicas = Replicas(self._layout, host, store, sleep)
        self._builds = LocalBuilds(self._layout, host, store, sleep)
        self._deployments = LocalDeployments(self._replicas)
        self._takeover = Takeover(self._replicas, clock, sleep)

    @property
    def schema(self) -> ProviderSchema:
        """Facts about the provider."""
        return _SCHEMA

    def create(self, order: Order) -> JsonObject:
        """Start what is ordered, or adopt what has its token."""
        with disk_errors(self._folder):
            ensure_work_folder(self._folder)
            if isinstance(order, BuildOrder):
                return self._builds.create(order)
            return self._deployments.create(order)

    def readiness(self, ref: ObjectRef, order: Order) -> Readiness:
        """Whether the processor has ended, or all replicas answer."""
        with disk_errors(self._folder):
            if isinstance(order, BuildOrder):
                return self._builds.readiness(ref, order)
            return self._deployments.readiness(ref, order)

    def promote(self, ref: ObjectRef, order: DeploymentOrder, previous: Sequence[ObjectRef]) -> JsonObject:
        """Bring the deployment to its fixed port, if it has one; waits until it is ready there."""
        with disk_errors(self._folder):
            return self._takeover.promote(ref, order, previous)

    def update(self, ref: ObjectRef, order: DeploymentOrder) -> JsonObject:
        """Start replicas that are missing, stop those that are too many."""
        with disk_errors(self._folder):
            return self._deployments.update(ref, order)

    def delete(self, ref: ObjectRef) -> None:
        """Stop all processes of an object and remove its folder, its logs included."""
        folder = self._layout.object(ref.token)
        with disk_errors(self._folder):
            self._replicas.clear(ref.token, folder)
            folder.remove()

    def read(self, refs: Sequence[ObjectRef]) -> Mapping[Address, Observation]:
        """Look at all objects; nothing is started, asked or written."""
        with disk_errors(self._folder):
            return {
                ref.address: (self._builds if ref.address.kind == BUILD else self._deployments).observe(ref)
                for ref in refs
            }

    def request(self, ref: ObjectRef, request: ScorerRequest) -> ScorerResponse:
        """Ask the first replica that runs."""
        return self._deployments.request(ref, request)

    def probe(self, asked: Sequence[tuple[ObjectRef, str]], seconds: float) -> Mapping[Address, str]:
        """Ask every replica that runs whether it is ready."""
        with disk_errors(self._folder):
            return self._deployments.silent(asked, seconds)

    def check_strays(self) -> Sequence[Diagnostic]:
        """Processes that run here for another state than this one."""
        with disk_errors(self._folder):
            return list(check_strays(self._layout))

    def logs(self, ref: ObjectRef, *, tail: int | None = None) -> Sequence[str]:
        """What its processes have printed since they were last started, replica by replica."""
        runs = [run for _, run in sorted(self._layout.object(ref.token).current().items())]
        with disk_errors(self._folder):
            lines = [
                f"replica {run.slot}: {line}" if len(runs) > 1 else line
                for run in runs
                for line in read_lines(run.path / "log", tail)
            ]
        return lines if tail is None else lines[max(0, len(lines) - tail) :]

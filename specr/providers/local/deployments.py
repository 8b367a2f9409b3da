"""Deployments on this machine: each replica is a process on 127.0.0.1 that outlives specr."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from specr.address import Address
from specr.canonical import JsonObject
from specr.plan.observed import Observation
from specr.providers.http import ask
from specr.providers.local.layout import ObjectFolder
from specr.providers.local.ports import HOST, is_free, listener_on
from specr.providers.local.problems import gone
from specr.providers.local.replicas import Replica, Replicas, attributes_of
from specr.providers.probing import Question, ask_all
from specr.providers.protocol import (
    DeploymentOrder,
    Readiness,
    ScorerRequest,
    ScorerResponse,
    TransientError,
)
from specr.state.model import ObjectRef

PROBE_TIMEOUT: Final = 2.0
"""Seconds that a runtime gets to answer on its readiness path."""

_STARTS: Final = 5
"""Starts of a replica that loses its port to somebody else, before it is given up."""


class LocalDeployments:
    """Starts runtimes and looks after them."""

    def __init__(self, replicas: Replicas) -> None:
        self._replicas = replicas
        self._layout = replicas.layout

    def create(self, order: DeploymentOrder) -> JsonObject:
        """Start every replica that does not run."""
        folder = self._layout.object(order.token)
        if not any(replica.status.is_alive for replica in self._replicas.all_of(folder)):
            self._replicas.clear(order.token, folder)
        return self._adjust(folder, order)

    def readiness(self, ref: ObjectRef, order: DeploymentOrder) -> Readiness:
        """Whether all replicas answer; the end of any is the end of it."""
        folder = self._layout.object(ref.token)
        if not folder.exists():
            return Readiness(done=True, message="it is gone")
        replicas = self._replicas.of(folder, order.replicas)
        for replica in replicas:
            if not replica.status.is_alive:
                return self._ended(folder, order, replica)
        for replica in replicas:
            waiting = probe(replica, order.readiness_path)
            if waiting:
                return Readiness(done=False, message=waiting)
        return Readiness(done=True, succeeded=True, attributes=attributes_of(replicas))

    def update(self, ref: ObjectRef, order: DeploymentOrder) -> JsonObject:
        """Start the replicas that are missing, and stop those that are too many."""
        folder = self._layout.object(ref.token)
        if not folder.exists():
            raise gone(order.address)
        return self._adjust(folder, order)

    def observe(self, ref: ObjectRef) -> Observation:
        """How many replicas run, and what became of those that don't."""
        folder = self._layout.object(ref.token)
        order = folder.order()
        if not isinstance(order, DeploymentOrder):
            return Observation(exists=False, message="nothing is known of it here")
        replicas = self._replicas.of(folder, order.replicas)
        ended = "; ".join(
            _told(replica, len(replicas)) for replica in replicas if not replica.status.is_alive
        )
        if replicas and not any(replica.status.is_alive for replica in replicas):
            return Observation(exists=False, message=ended)
        found = attributes_of(replicas)
        return Observation(
            exists=True, attributes={key: found[key] for key in ("endpoint", "replicas")}, message=ended
        )

    def silent(self, asked: Sequence[tuple[ObjectRef, str]], seconds: float) -> Mapping[Address, str]:
        """Ask every replica that runs; what is told of one that does not answer names its process."""
        runs = [
            (ref.address, replica, len(replicas), Question(HOST, replica.port, path))
            for ref, path in asked
            for replicas in (self._replicas.all_of(self._layout.object(ref.token)),)
            for replica in replicas
            if replica.status.is_alive and replica.port
        ]
        silent: dict[Address, list[str]] = defaultdict(list)
        lacks = ask_all([question for *_, question in runs], seconds)
        for (address, replica, count, _), lack in zip(runs, lacks, strict=True):
            if lack:
                silent[address].append(_named(replica, count, f"process {replica.status.pid} {lack}"))
        return {address: "; ".join(told) for address, told in silent.items()}

    def request(self, ref: ObjectRef, request: ScorerRequest) -> ScorerResponse:
        """Ask the first replica that runs."""
        for replica in self._replicas.all_of(self._layout.object(ref.token)):
            if replica.status.is_alive and replica.port:
                return ask(HOST, replica.port, request)
        raise TransientError(f"no process of {ref.address} runs")

    def _adjust(self, folder: ObjectFolder, order: DeploymentOrder) -> JsonObject:
        """Stop replicas that are too many, and start those that are missing."""
        folder.keep_order(order)
        surplus = [run for run in folder.runs() if run.slot >= order.replicas]
        self._replicas.drop(order.token, folder, surplus)
        missing = [r for r in self._replicas.of(folder, order.replicas) if not r.status.is_alive]
        # Also launchers that were overtaken by a crash and are on their way still.
        slots = {replica.slot for replica in missing}
        self._replicas.stop(order.token, [run for run in folder.runs() if run.slot in slots])
        for replica in missing:
            self._replicas.start(folder, order, replica.slot, self._port_for(order, replica))
        return attributes_of(self._replicas.of(folder, order.replicas))

    def _port_for(self, order: DeploymentOrder, replica: Replica) -> int:
        """The port that a replica had before, if it can have it again: callers know it."""
        if replica.slot == 0 and order.port is not None:
            return self._replicas.entry_port(order)
        if replica.port is not None and is_free(replica.port):
            return replica.port
        return self._replicas.free_port()

    def _ended(self, folder: ObjectFolder, order: DeploymentOrder, replica: Replica) -> Readiness:
        """A replica has ended; if it lost its port to another program, it gets another one."""
        told = _told(replica, order.replicas)
        if replica.port is None or is_free(replica.port):
            return Readiness(done=True, message=told)
        starts = sum(run.slot == replica.slot for run in folder.runs())
        if (replica.slot == 0 and replica.port == order.port) or starts >= _STARTS:
            return Readiness(
                done=True, message=f"{told}; {listener_on(replica.port)} has taken port {replica.port}"
            )
        self._replicas.start(folder, order, replica.slot, self._replicas.free_port())
        return Readiness(done=False, message=f"starts again: another program took port {replica.port}")


def probe(replica: Replica, path: str) -> str:
    """What a replica still lacks to be ready; empty once it answers 200."""
    assert replica.port is not None
    try:
        answer = ask(HOST, replica.port, ScorerRequest("GET", path, timeout=PROBE_TIMEOUT))
    except TransientError:
        return f"process {replica.status.pid} does not answer on port {replica.port} yet"
    return "" if answer.status == 200 else f"it answers {answer.status} at {path}"


def _told(replica: Replica, replicas: int) -> str:
    return _named(replica, replicas, replica.status.ended)


def _named(replica: Replica, replicas: int, told: str) -> str:
    return f"replica {replica.slot}: {told}" if replicas > 1 else told

"""The replicas of one deployment: a process each, on a port of its own.

A replica is a slot, counted from 0; its newest run is the one that counts. Replica 0 gets the
fixed port, if there is one, and is the one that `endpoint` leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Lock

from msgspec import Struct

from specr.canonical import JsonObject
from specr.providers.content import ByteStore
from specr.providers.local.layout import Layout, ObjectFolder, RunFolder
from specr.providers.local.marks import end_marked
from specr.providers.local.ports import HOST, find_free_port, is_free, listener_on
from specr.providers.local.problems import find_bytes, port_taken
from specr.providers.local.process import Host
from specr.providers.local.runs import NO_RUN, Phase, RunStatus, Sleep, status_of, stop
from specr.providers.protocol import DeploymentOrder


class Replica(Struct, frozen=True):
    """The newest run of a slot, and what has become of it. `run` is None if there is none."""

    slot: int
    run: RunFolder | None
    status: RunStatus

    @property
    def port(self) -> int | None:
        """Where it listens."""
        return self.run.port if self.run else None


class Replicas:
    """Starts, stops and lists the replicas of deployments."""

    def __init__(self, layout: Layout, host: Host, store: ByteStore, sleep: Sleep) -> None:
        self.layout = layout
        self._host = host
        self._store = store
        self._sleep = sleep
        self._promising = Lock()
        self._promised: frozenset[int] = frozenset()

    def of(self, folder: ObjectFolder, count: int) -> list[Replica]:
        """The first so many replicas of a deployment, whether or not they run."""
        runs = folder.current()
        return [_replica(slot, runs.get(slot)) for slot in range(count)]

    def all_of(self, folder: ObjectFolder) -> list[Replica]:
        """All replicas that a deployment has."""
        return [_replica(slot, run) for slot, run in sorted(folder.current().items())]

    def start(self, folder: ObjectFolder, order: DeploymentOrder, slot: int, port: int) -> RunFolder:
        """Start a replica on a port, beside whatever runs for the same slot."""
        model = find_bytes(self._store, order.address, "model", order.model)
        given = {"MODEL_PATH": str(model), "MODEL_ID": order.model_id, "PORT": str(port), "SPECR_HOST": HOST}
        return self._host.start(folder, order, given, slot=slot, port=port)

    def stop(self, token: str, runs: Sequence[RunFolder], enough: Callable[[], bool] = lambda: False) -> None:
        """End runs, all at once, and whatever of them runs on unwatched; see `runs.stop` for `enough`."""
        stop(runs, self._host.grace, self._sleep, enough)
        for run in runs:
            if status_of(run).phase is Phase.LOST:
                end_marked(self._host.marks(token, run.path), self._host.grace)

    def drop(self, token: str, folder: ObjectFolder, runs: Sequence[RunFolder]) -> None:
        """End runs of an object that goes on without them, with all that detached itself, and forget them."""
        stop(runs, self._host.grace, self._sleep)
        for run in runs:
            end_marked(self._host.marks(token, run.path), self._host.grace)
        folder.forget(runs)

    def clear(self, token: str, folder: ObjectFolder) -> None:
        """End all that there is of an object, even what its folder does not tell of."""
        stop(folder.runs(), self._host.grace, self._sleep)
        end_marked(self._host.marks(token, folder.path), self._host.grace)

    def free_port(self) -> int:
        """A free port that is promised to nobody else here."""
        with self._promising:
            port = find_free_port(self._promised)
            self._promised |= {port}
        return port

    def entry_port(self, order: DeploymentOrder) -> int:
        """The port that replica 0 starts on.

        That is the fixed one if it is free. If another deployment of the same address is
        there, or on its way there, it is some free one: `promote` brings this one to its place.

        Raises:
            ProviderError: a stranger listens on the fixed port.
        """
        if order.port is None:
            return self.free_port()
        # Not by `is_free` alone: what has just been started does not listen yet.
        if any(self.holders(order)):
            return self.free_port()
        if is_free(order.port):
            return order.port
        raise port_taken(order.address, order.port, listener_on(order.port))

    def holders(self, order: DeploymentOrder) -> Iterator[tuple[DeploymentOrder, RunFolder]]:
        """Other deployments of the same address whose process is on the fixed port, or may be."""
        own = self.layout.object(order.token)
        for folder in self.layout.objects():
            first = self.of(folder, 1)[0]
            if folder == own or first.run is None or first.port != order.port:
                continue
            other = folder.order()
            if (
                isinstance(other, DeploymentOrder)
                and other.address == order.address
                and first.status.phase is not Phase.ENDED
            ):
                yield other, first.run


def attributes_of(replicas: list[Replica]) -> JsonObject:
    """What is recorded of a deployment, from the replicas that it is to have."""
    alive = [replica for replica in replicas if replica.status.is_alive]
    endpoints = [endpoint_of(replica) for replica in replicas if replica.port]
    return {
        "endpoint": endpoints[0] if endpoints else None,
        "endpoints": endpoints,
        "replicas": len(alive),
        "pids": [replica.status.pid for replica in alive],
    }


def endpoint_of(replica: Replica) -> str:
    """Where a replica is reached."""
    return f"http://{HOST}:{replica.port}"


def _replica(slot: int, run: RunFolder | None) -> Replica:
    return Replica(slot, run, status_of(run) if run else NO_RUN)

"""Deployments on Docker: each replica is a container, published on a port of the daemon's machine.

A container is started again by the daemon only once its runtime has been ready, so that one
which can't start is seen to end. What a deployment is to have is recorded by the engine; here
its containers' labels tell what it has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from specr.address import Address
from specr.canonical import JsonObject
from specr.plan.observed import Observation
from specr.providers.docker.containers import Container, newest, next_run, of_address, tell_exit
from specr.providers.docker.marks import Kind
from specr.providers.docker.problems import gone
from specr.providers.docker.starting import Place, Starter
from specr.providers.http import ask
from specr.providers.probing import Question, ask_all
from specr.providers.protocol import (
    DeploymentOrder,
    Readiness,
    ScorerRequest,
    ScorerResponse,
    TransientError,
)
from specr.state.model import ObjectRef

_PROBE_TIMEOUT: Final = 2.0
"""Seconds that a runtime gets to answer on its readiness path."""


class DockerDeployments:
    """Starts runtimes and looks after them."""

    def __init__(self, place: Place, starter: Starter) -> None:
        self._place = place
        self._daemon = place.daemon
        self._starter = starter

    def create(self, order: DeploymentOrder) -> JsonObject:
        """Start every replica that does not run."""
        everything = self._place.containers(order.token)
        self._starter.forget_probes(everything)
        return self._bring(order, _deployments(everything), keep_ports=False)

    def readiness(self, ref: ObjectRef, order: DeploymentOrder) -> Readiness:
        """Whether all replicas answer; the end of any is the end of it."""
        containers = self.containers(ref.token)
        if not containers:
            return Readiness(done=True, message="it is gone")
        replicas = [newest(containers, replica) for replica in range(order.replicas)]
        for replica, container in enumerate(replicas):
            if container is None:
                return Readiness(done=True, message=f"replica {replica} is gone")
            if not container.is_running:
                return Readiness(done=True, message=_told(container, order.replicas, self.ended(container)))
        for container in filter(None, replicas):
            waiting = self.probe(container, order.readiness_path)
            if waiting:
                return Readiness(done=False, message=waiting)
        for container in filter(None, replicas):
            self._daemon.keep_running(container.id)
        return Readiness(done=True, succeeded=True, attributes=self.attributes(containers, order.replicas))

    def update(self, ref: ObjectRef, order: DeploymentOrder) -> JsonObject:
        """Start the replicas that are missing or run another image, and stop those that are too many."""
        containers = self.containers(ref.token)
        if not containers:
            raise gone(order.address)
        return self._bring(order, containers, keep_ports=True)

    def observe(self, ref: ObjectRef, containers: Sequence[Container]) -> Observation:
        """How many replicas run, of which image, and what became of those that don't."""
        own = _deployments(containers)
        if not own:
            return Observation(exists=False, message="its containers are gone")
        count = ref.attributes.get("replicas", 1)
        replicas = [newest(own, replica) for replica in range(count)]
        ended = "; ".join(
            f"the container of replica {replica} is gone"
            if container is None
            else _told(container, count, container.ended)
            for replica, container in enumerate(replicas)
            if container is None or not container.is_running
        )
        if replicas and not any(container and container.is_running for container in replicas):
            return Observation(exists=False, message=ended)
        surplus = [c for c in own if c.mark.replica >= count and c.is_running]
        found = self.attributes(own, count + len(surplus))
        if surplus:
            ended = "; ".join(filter(None, (ended, f"container {surplus[0].name} should not run")))
        keys = ("endpoint", "replicas", "imageId")
        return Observation(exists=True, attributes={key: found[key] for key in keys}, message=ended)

    def request(self, ref: ObjectRef, request: ScorerRequest) -> ScorerResponse:
        """Ask the first replica that runs."""
        for container in _current(self.containers(ref.token)):
            if container.is_running and container.port:
                return ask(self._place.reach, container.port, request)
        raise TransientError(f"no container of {ref.address} runs")

    def silent(
        self, asked: Sequence[tuple[ObjectRef, str, Sequence[Container]]], seconds: float
    ) -> Mapping[Address, str]:
        """Ask every replica that runs; what is told of one that does not answer names its container."""
        running = [
            (ref.address, container, Question(self._place.reach, container.port, path))
            for ref, path, containers in asked
            for container in _current(_deployments(containers))
            if container.is_running and container.port
        ]
        silent: dict[Address, list[str]] = defaultdict(list)
        lacks = ask_all([question for *_, question in running], seconds)
        for (address, container, _), lack in zip(running, lacks, strict=True):
            if lack:
                silent[address].append(f"container {container.name} {lack}")
        return {address: "; ".join(told) for address, told in silent.items()}

    def containers(self, token: str) -> list[Container]:
        """A deployment's containers."""
        return _deployments(self._place.containers(token))

    def attributes(self, containers: Sequence[Container], count: int) -> JsonObject:
        """What is recorded of a deployment that is to have so many replicas."""
        replicas = [newest(containers, replica) for replica in range(count)]
        endpoints = [self._endpoint(container.port) for container in replicas if container and container.port]
        first = newest(containers, 0)
        return {
            "endpoint": endpoints[0] if endpoints else None,
            "endpoints": endpoints,
            "replicas": sum(1 for container in replicas if container and container.is_running),
            "imageId": _image(containers, first),
            "containers": [container.name for container in replicas if container],
        }

    def probe(self, container: Container, path: str) -> str:
        """What a replica still lacks to be ready; empty once it answers 200."""
        assert container.port is not None
        try:
            answer = ask(
                self._place.reach, container.port, ScorerRequest("GET", path, timeout=_PROBE_TIMEOUT)
            )
        except TransientError:
            return f"container {container.name} does not answer on port {container.port} yet"
        return "" if answer.status == 200 else f"it answers {answer.status} at {path}"

    def ended(self, container: Container) -> str:
        """What has become of a container that does not run; the daemon is asked for all it knows."""
        if container.state != "exited":
            return container.ended
        found = self._daemon.inspect(container.id)
        memory = found["HostConfig"]["Memory"]
        limit = f"{memory >> 20} MiB" if memory else None
        state = found["State"]
        return tell_exit(container.name, state["ExitCode"], out_of_memory=state["OOMKilled"], limit=limit)

    def stop(self, containers: Sequence[Container]) -> None:
        """Stop containers, all at once, and leave them there."""
        running = [c for c in containers if c.has_port]
        if not running:
            return
        seconds = self._place.settings.stop_seconds
        with ThreadPoolExecutor(min(len(running), 8)) as pool:
            list(pool.map(lambda container: self._daemon.stop(container.id, seconds), running))

    def remove(self, containers: Sequence[Container]) -> None:
        """Stop containers, all at once, and remove them."""
        self.stop(containers)
        for container in containers:
            self._daemon.remove(container.id)

    def _bring(
        self, order: DeploymentOrder, containers: Sequence[Container], *, keep_ports: bool
    ) -> JsonObject:
        """Bring a deployment's containers to what is ordered.

        With `keep_ports`, a replica that has to be started again is started on the port that it
        had, if that is still free: callers know it.
        """
        image = self._starter.image(order)
        surplus = [c for c in containers if c.mark.replica >= max(1, order.replicas)]
        if order.replicas == 0:
            surplus = [*surplus, *self._anchor(order, containers)]
        self.remove(surplus)
        for replica in range(order.replicas):
            current = newest(containers, replica)
            old = [c for c in containers if c.mark.replica == replica]
            if current is not None and current.is_running and current.image == image:
                self.remove([c for c in old if not c.has_port])
                continue
            # Removed last: were this process to die, there would be a container to find.
            self.stop(old)
            had = current.port if keep_ports and current else None
            fixed = self._first_port(order) if replica == 0 else None
            self._starter.runtime(order, replica, next_run(old, replica), fixed=fixed, had=had)
            self.remove(old)
        return self.attributes(self.containers(order.token), order.replicas)

    def _anchor(self, order: DeploymentOrder, containers: Sequence[Container]) -> list[Container]:
        """See that a container stands for a deployment without replicas; return all others of replica 0."""
        first = [c for c in containers if c.mark.replica == 0]
        anchors = [c for c in first if c.state == "created" and c.port is None]
        if not anchors:
            self._starter.anchor(order, next_run(first, 0))
        return [c for c in first if c not in anchors]

    def _first_port(self, order: DeploymentOrder) -> int | None:
        """The fixed port, or none while an older deployment of the address has it: see `promote`."""
        return None if order.port is None or self.holders(order) else order.port

    def holders(self, order: DeploymentOrder) -> list[Container]:
        """Containers of other deployments of the same address that have the fixed port now."""
        return [
            c
            for c in of_address(self._place.containers(), order.address)
            if c.mark.token != order.token and c.port == order.port and c.has_port
        ]

    def _endpoint(self, port: int) -> str:
        host = self._place.reach
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _deployments(containers: Sequence[Container]) -> list[Container]:
    return [c for c in containers if c.mark.kind is Kind.DEPLOYMENT]


def _current(containers: Sequence[Container]) -> list[Container]:
    """The newest container of each replica."""
    found = [newest(containers, replica) for replica in sorted({c.mark.replica for c in containers})]
    return [container for container in found if container is not None]


def _image(containers: Sequence[Container], first: Container | None) -> str | None:
    """The image that all replicas run, or else the one that differs from the first's."""
    images = [c.image for c in _current(containers) if first is not None and c.image != first.image]
    return images[0] if images else first.image if first else None


def _told(container: Container, replicas: int, ended: str) -> str:
    return f"replica {container.mark.replica}: {ended}" if replicas > 1 else ended

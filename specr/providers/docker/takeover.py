"""How a deployment comes to the fixed port of the one before it.

A container keeps the port that it was made with, and two can't have the same. So there is a
gap: the old container is stopped, and a second one of the new deployment started in its
place, which was made ready to start before. If it fails, the old one is started again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from specr.canonical import JsonObject
from specr.providers.docker.containers import Container, newest, next_run
from specr.providers.docker.daemon import Daemon, PortTakenError
from specr.providers.docker.deployments import DockerDeployments
from specr.providers.docker.problems import gone, no_takeover, port_taken
from specr.providers.docker.starting import Starter
from specr.providers.protocol import DeploymentOrder, ProviderError
from specr.state.model import ObjectRef

_log = logging.getLogger(__name__)

_LOOK: Final = 0.05
"""Seconds between two looks at whether a runtime answers."""


class Takeover:
    """Brings deployments to their fixed ports."""

    def __init__(
        self,
        daemon: Daemon,
        starter: Starter,
        deployments: DockerDeployments,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._daemon = daemon
        self._starter = starter
        self._deployments = deployments
        self._clock = clock
        self._sleep = sleep

    def promote(self, ref: ObjectRef, order: DeploymentOrder) -> JsonObject:
        """Bring replica 0 to the fixed port; without one there is nothing to do.

        Raises:
            ProviderError: it did not get ready there; what was there before is back.
        """
        containers = self._deployments.containers(ref.token)
        if not containers:
            raise gone(order.address)
        if order.port is not None and order.replicas:
            self._take(order, order.port, containers)
        return self._deployments.attributes(self._deployments.containers(ref.token), order.replicas)

    def _take(self, order: DeploymentOrder, port: int, containers: Sequence[Container]) -> None:
        own = [c for c in containers if c.mark.replica == 0]
        current = newest(own, 0)
        problem, stopped = "", list[Container]()
        if current is None or not current.is_running or current.port != port:
            prepared = self._starter.prepare(order, 0, next_run(own, 0), port)
            begun, stopped = self._clock(), self._deployments.holders(order)
            _log.info("%s: the container before is stopped, for port %d to be free", order.address, port)
            self._deployments.stop(stopped)
            _log.info("%s: stopped after %.1f s, the new one starts", order.address, self._clock() - begun)
            problem = self._start(order, port, prepared, stopped)
        problem = problem or self._wait(order)
        now = [c for c in self._deployments.containers(order.token) if c.mark.replica == 0]
        current = newest(now, 0)
        if problem:
            # Without the one that failed, the one that was ready elsewhere counts again.
            self._deployments.remove([c for c in now if c.port == port])
            raise no_takeover(order.address, port, problem, self._restore(order, stopped))
        assert current is not None
        self._daemon.keep_running(current.id)
        self._deployments.remove([c for c in now if c.id != current.id])

    def _start(self, order: DeploymentOrder, port: int, prepared: str, stopped: Sequence[Container]) -> str:
        """Start a container on the port; what stood against it, or nothing.

        Raises:
            ProviderError: a stranger has the port.
        """
        try:
            self._starter.start(order, prepared)
        except PortTakenError as error:
            self._daemon.remove(prepared)
            self._restore(order, stopped)
            raise port_taken(order.address, port, self._starter.holder(port)) from error
        except ProviderError as error:
            return str(error)
        return ""

    def _restore(self, order: DeploymentOrder, stopped: Sequence[Container]) -> str:
        """Start again what was stopped; tell what came of it."""
        for container in stopped:
            try:
                self._starter.start(order, container.id)
            except (ProviderError, PortTakenError) as error:
                return f"The old runtime could not be started again: {error}."
        return "The old runtime was started again." if stopped else ""

    def _wait(self, order: DeploymentOrder) -> str:
        """Wait until replica 0 is ready; what stood against it, or nothing."""
        limit = self._clock() + order.readiness_timeout
        while True:
            current = newest(
                [c for c in self._deployments.containers(order.token) if c.port == order.port], 0
            )
            if current is None:
                return "its container is gone"
            if not current.is_running:
                return self._deployments.ended(current)
            waiting = self._deployments.probe(current, order.readiness_path)
            if not waiting:
                return ""
            if self._clock() > limit:
                return f"{waiting}, after {order.readiness_timeout} s"
            self._sleep(_LOOK)

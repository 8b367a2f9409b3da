"""How a deployment comes to the fixed port of the one before it.

One port can't be listened on twice, so there is a gap: the old process leaves the port, and the
new one is started again in its place. If that fails, the old one is started again.

The gap begins when the old process closes the port and ends when the new one is ready there. What
the old one still has to answer, it answers meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from specr.canonical import JsonObject
from specr.providers.local.deployments import probe
from specr.providers.local.layout import ObjectFolder
from specr.providers.local.ports import is_free, listener_on
from specr.providers.local.problems import gone, no_takeover, port_taken
from specr.providers.local.replicas import Replicas, attributes_of
from specr.providers.local.runs import Sleep
from specr.providers.protocol import DeploymentOrder, ProviderError
from specr.state.model import ObjectRef

_log = logging.getLogger(__name__)

_LOOK: Final = 0.05
"""Seconds between two looks at whether a runtime answers."""


class Takeover:
    """Brings deployments to their fixed ports."""

    def __init__(self, replicas: Replicas, clock: Callable[[], float], sleep: Sleep) -> None:
        self._replicas = replicas
        self._clock = clock
        self._sleep = sleep

    def promote(self, ref: ObjectRef, order: DeploymentOrder, previous: Sequence[ObjectRef]) -> JsonObject:
        """Bring replica 0 to the fixed port; without one there is nothing to do.

        Raises:
            ProviderError: it did not get ready there; what was there before is back.
        """
        folder = self._replicas.layout.object(ref.token)
        if not folder.exists():
            raise gone(order.address)
        if order.port is not None and order.replicas:
            self._take(folder, order, order.port, previous)
        return attributes_of(self._replicas.of(folder, order.replicas))

    def _take(
        self, folder: ObjectFolder, order: DeploymentOrder, port: int, previous: Sequence[ObjectRef]
    ) -> None:
        begun, problem = self._clock(), ""
        replica = self._replicas.of(folder, 1)[0]
        comes = not (replica.port == port and replica.status.is_alive)
        if comes:
            self._make_way(order, port)
            problem = self._start(folder, order, port)
        problem = problem or self._wait(folder, order)
        replica = self._replicas.of(folder, 1)[0]
        older = [run for run in folder.runs() if run.slot == 0 and run != replica.run]
        if problem:
            assert replica.run is not None
            self._replicas.stop(order.token, [replica.run])
            raise no_takeover(order.address, port, problem, self._restore(previous, port))
        if comes:
            _log.info("%s: ready on port %d after %.1f s", order.address, port, self._clock() - begun)
        self._replicas.drop(order.token, folder, older)

    def _make_way(self, order: DeploymentOrder, port: int) -> None:
        """Let the process of an older deployment leave the port, and nobody else's.

        One that does not listen yet may still do so at its end, so its end is waited for.
        """
        listening = not is_free(port)
        for other, run in self._replicas.holders(order):
            _log.info("%s: the runtime before is told to leave port %d", order.address, port)
            self._replicas.stop(other.token, [run], enough=lambda: listening and is_free(port))
        if not is_free(port):
            raise port_taken(order.address, port, listener_on(port))

    def _start(self, folder: ObjectFolder, order: DeploymentOrder, port: int) -> str:
        """Start the new one on the port; what stood against it, or nothing.

        The one that has proved itself elsewhere goes: beside an old one that still answers, three
        would have their model in memory.
        """
        proven = [run for run in folder.runs() if run.slot == 0]
        self._replicas.stop(order.token, proven, enough=lambda: True)
        _log.info("%s: port %d is free, the new runtime starts there", order.address, port)
        try:
            self._replicas.start(folder, order, 0, port)
        except ProviderError as error:
            return str(error)
        return ""

    def _restore(self, previous: Sequence[ObjectRef], port: int) -> str:
        """Start the deployment again that was on the port before; tell what came of it."""
        for ref in previous:
            folder = self._replicas.layout.object(ref.token)
            order = folder.order()
            if not isinstance(order, DeploymentOrder) or self._replicas.of(folder, 1)[0].port != port:
                continue
            try:
                self._replicas.start(folder, order, 0, port)
            except ProviderError as error:
                return f"The old runtime could not be started again: {error}."
            problem = self._wait(folder, order)
            return (
                f"The old runtime was started again, but {problem}."
                if problem
                else "The old runtime serves again."
            )
        return ""

    def _wait(self, folder: ObjectFolder, order: DeploymentOrder) -> str:
        """Wait until replica 0 is ready; what stood against it, or nothing."""
        limit = self._clock() + order.readiness_timeout
        while True:
            replica = self._replicas.of(folder, 1)[0]
            if not replica.status.is_alive:
                return replica.status.ended
            waiting = probe(replica, order.readiness_path)
            if not waiting:
                return ""
            if self._clock() > limit:
                return f"{waiting}, after {order.readiness_timeout} s"
            self._sleep(_LOOK)

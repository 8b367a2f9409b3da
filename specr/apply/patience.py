"""Waiting: retries with backoff for what is transient, polling for what takes its time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, TypeVar

from specr.address import Address
from specr.apply.means import Task
from specr.canonical import JsonObject
from specr.diagnostics import Diagnostic
from specr.providers.protocol import (
    BuildOrder,
    DeploymentOrder,
    Order,
    Provider,
    ProviderError,
    TransientError,
    Watcher,
)
from specr.state.model import ObjectRef

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

_OFTEN: Final = frozenset({"readiness", "probe"})
"""Calls that come by the dozen; they are logged with all details only."""

ATTEMPTS: Final = 6
FIRST_PAUSE: Final = 0.1
"""Seconds before the second attempt; doubled for each further one, so 3.1 s in all."""

_POLL_FROM: Final = 0.02
_POLL_TO: Final = 1.0
"""Seconds between two looks at readiness: soon at first, then less often."""


def insist(task: Task, verb: str, act: Callable[[], _T]) -> _T:
    """Call a provider, again where the failure is transient.

    `verb` names the call, for the log.

    Raises:
        ProviderError: it refused, or failed at every attempt.
    """
    pause = FIRST_PAUSE
    level = logging.DEBUG if verb in _OFTEN else logging.INFO
    _log.log(level, "%s: %s %s", task.change.provider, verb, task.change.address)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return act()
        except TransientError as error:
            if attempt == ATTEMPTS:
                raise ProviderError(no_answer(task.change.address, task.change.provider, error)) from error
            _log.info("%s: %s %s again: %s", task.change.provider, verb, task.change.address, error)
            task.means.pause(pause)
            pause *= 2
    raise AssertionError("the last attempt returns or raises")


def await_ready(task: Task, provider: Provider, ref: ObjectRef, order: Order) -> JsonObject:
    """Poll until the object is ready; return its attributes.

    Between two looks lies a pause, which a provider that hears of changes may cut short.

    Raises:
        ProviderError: it failed, or was not ready in time.
    """
    limit = _time_limit(order)
    deadline = task.means.clock() + limit
    pause = _POLL_FROM
    stage = "build" if isinstance(order, BuildOrder) else "ready"
    told = ""
    while True:
        task.desk.check()
        readiness = insist(task, "readiness", lambda: provider.readiness(ref, order))
        if readiness.done:
            if readiness.succeeded:
                return {**ref.attributes, **readiness.attributes}
            raise ProviderError(_failed(order, readiness.message))
        if task.means.clock() > deadline:
            raise ProviderError(_too_late(order, limit, readiness.message))
        if readiness.message != told:
            told = readiness.message
            task.desk.tell(stage, told)
        if isinstance(provider, Watcher):
            provider.await_change(ref, pause)
        else:
            task.means.pause(pause)
        pause = min(pause * 1.5, _POLL_TO)


def _time_limit(order: Order) -> float:
    """Seconds. A build's provider keeps its time limit itself; this one only guards the guard."""
    match order:
        case DeploymentOrder():
            return order.readiness_timeout
        case BuildOrder():
            return order.timeout + 60


def _failed(order: Order, message: str) -> Diagnostic:
    if isinstance(order, BuildOrder):
        return Diagnostic(
            "Processor failed",
            f"The processor of {order.address} did not finish its work: {message}.",
            "Correct the artifact or the processor; its log says what went wrong.",
            address=order.address,
        )
    return Diagnostic(
        "Runtime failed before it was ready",
        f"The new runtime of {order.address} ended instead of becoming ready: {message}.",
        "Correct the model or the runtime; its log says what went wrong.",
        address=order.address,
    )


def _too_late(order: Order, limit: float, message: str) -> Diagnostic:
    what = "processor" if isinstance(order, BuildOrder) else "runtime"
    return Diagnostic(
        "Not ready in time",
        f"The {what} of {order.address} was not ready after {limit:g} s{f': {message}' if message else ''}.",
        "Give it more time (`timeout`, or `readiness.timeout` of the runtime), or find out what keeps it.",
        address=order.address,
    )


def no_answer(address: Address, provider: str, error: TransientError) -> Diagnostic:
    """That a platform did not answer, however often it was called."""
    return Diagnostic(
        "Provider does not answer",
        f"Provider {provider} failed {ATTEMPTS} times in a row while working on {address}: {error}.",
        "Check that the platform is up and reachable, then run `specr apply` again.",
        address=address,
    )

"""Questions to a runtime: put again where no answer comes, but not for ever.

A runtime that hangs would keep an apply for as long as a healthy one may take to answer, again and
again. And it is no fault of its platform, so whoever reads of it is led to the runtime.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from threading import Thread
from typing import Final

from msgspec.structs import replace

from specr.apply.means import Task
from specr.apply.patience import ATTEMPTS, FIRST_PAUSE, insist, no_answer
from specr.diagnostics import Diagnostic
from specr.providers.protocol import (
    DeploymentOrder,
    Prober,
    Provider,
    ProviderError,
    Reachable,
    ScorerRequest,
    ScorerResponse,
    TransientError,
)
from specr.state.model import ObjectRef

_log = logging.getLogger(__name__)

PATIENCE: Final = 60.0
"""Seconds that the answer to one question may take in all: room for two that take their time."""

LISTENING: Final = 10.0
"""Seconds that a runtime which runs already gets to say that it is ready."""

PROBE_SECONDS: Final = 2.0
"""Seconds that one look at whether it is ready takes at most."""

_STOPPING: Final = 5.0
"""Seconds that an answer under way gets once the run is to stop."""

_LOOK: Final = 0.1
"""Seconds between two looks at whether the run is to stop."""

_PAUSE: Final = 0.5
"""Seconds between two looks at whether a runtime is ready."""


class _StoppedError(TransientError):
    """The run was to stop before an answer came."""


class Questions:
    """What one runtime is asked.

    Args:
        task: the change that it is asked for.
        provider: where it is.
        ref: the way to it.
        order: what was ordered of it.
    """

    def __init__(self, task: Task, provider: Provider, ref: ObjectRef, order: DeploymentOrder) -> None:
        self._task = task
        self._provider = provider
        self._ref = ref
        self._order = order

    def listen(self) -> None:
        """See that a runtime which runs already is ready, where its provider can tell.

        Raises:
            ProviderError: it is not, for longer than one that is only busy.
        """
        task, provider = self._task, self._provider
        if not isinstance(provider, Prober):
            return
        started = task.means.clock()
        while told := insist(task, "probe", lambda: self._lack(provider)):
            spent = task.means.clock() - started
            if spent >= LISTENING or task.desk.is_stopping:
                detail = f"{self._ref.address} was waited for {spent:.0f} s to be ready: {told}."
                raise ProviderError(self._silent(detail))
            task.desk.tell("verify", told)
            task.means.pause(_PAUSE)

    def ask(self, provider: Reachable, request: ScorerRequest) -> ScorerResponse:
        """Put a question, again where no answer comes.

        Raises:
            ProviderError: none came, however often it was put, or the run is to stop.
        """
        means, pause = self._task.means, FIRST_PAUSE
        started = means.clock()
        for attempt in range(1, ATTEMPTS + 1):
            left = started + PATIENCE - means.clock()
            put = replace(request, timeout=min(request.timeout, left))
            try:
                return self._answer(partial(provider.request, self._ref, put))
            except TransientError as error:
                spent = means.clock() - started
                over = attempt == ATTEMPTS or spent + pause >= PATIENCE or self._task.desk.is_stopping
                if over:
                    raise ProviderError(self._diagnose(request, spent, error)) from error
                _log.info("%s: %s again: %s", self._ref.provider, self._ref.address, error)
            means.pause(pause)
            pause *= 2
        raise AssertionError("the last attempt returns or raises")

    def _answer(self, act: Callable[[], ScorerResponse]) -> ScorerResponse:
        """Wait in a thread of its own for an answer, which is left behind if the run is to stop."""
        answer: Future[ScorerResponse] = Future()

        def run() -> None:
            try:
                answer.set_result(act())
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                answer.set_exception(error)

        Thread(target=run, daemon=True, name="specr-question").start()
        stopping = 0.0
        while not wait([answer], _LOOK).done:
            stopping += _LOOK if self._task.desk.is_stopping else 0.0
            if stopping >= _STOPPING:
                raise _StoppedError("it was not waited for any longer, as the apply is to stop")
        return answer.result()

    def _lack(self, provider: Prober) -> str:
        asked = [(self._ref, self._order.readiness_path)]
        return provider.probe(asked, PROBE_SECONDS).get(self._ref.address, "")

    def _diagnose(self, request: ScorerRequest, spent: float, error: TransientError) -> Diagnostic:
        """Whose fault it is that no answer came: the runtime's, unless its platform is silent too."""
        address, provider = self._ref.address, self._provider
        try:
            seen = provider.read([self._ref])[address]
            found = seen.message or seen.silent
            if not found and isinstance(provider, Prober):
                found = self._lack(provider) or f"it is ready at {self._order.readiness_path} all the same"
        except TransientError:
            return no_answer(address, self._ref.provider, error)
        why = "; ".join(filter(None, (str(error), found)))
        asked = f"{request.method} {request.path}"
        return self._silent(f"{address} did not answer {asked}, waited for {spent:.0f} s: {why}.")

    def _silent(self, detail: str) -> Diagnostic:
        address, recorded = self._ref.address, self._task.recorded
        if recorded is not None and recorded.token == self._ref.token:
            anew = f"`specr apply --replace {address}` starts it anew"
            remedy = f"`specr logs {address}` shows what it printed; {anew}."
        else:
            printed = f"`specr logs {address} --failed` shows what it printed"
            remedy = f"Correct the model or the runtime; {printed}."
        return Diagnostic("Runtime does not answer", detail, remedy, address=address)

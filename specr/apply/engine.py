"""The engine: one thread owns the walk and the state, bounded workers act.

It prints nothing and decides nothing that the plan has decided. Whatever happens, each
change that was begun is either on record as done or on record as pending.
"""

from __future__ import annotations

import logging
import queue
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag

from msgspec import Struct
from msgspec.structs import replace

from specr.address import Address
from specr.apply.desk import Died, Finished, Message, WorkerDesk, WriteRequest
from specr.apply.events import (
    Event,
    Observer,
    Outcome,
    OutcomeKind,
    RunFinished,
    RunStarted,
    StepFinished,
    StepProgress,
    StepStarted,
)
from specr.apply.intent import unexpected
from specr.apply.journal import Journal
from specr.apply.means import JournalClosedError, Means, Task
from specr.apply.steps import carry_out, is_record_only, record_writes
from specr.apply.walk import Walk
from specr.backends.protocol import (
    FinishRun,
    LeaseLostError,
    SerialConflictError,
    StartRun,
)
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.plan.model import Change

_log = logging.getLogger(__name__)


class Result(Struct, frozen=True):
    """What became of a run: outcomes in the plan's order, and the run's status.

    `unmet` are replacements that were asked for, and that the next plan knows nothing of.
    """

    status: str
    outcomes: tuple[Outcome, ...]
    seconds: float
    unmet: tuple[Address, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether every change was carried out."""
        return self.status == "succeeded"


class RunInfo(Struct, frozen=True):
    """What the history says of the run: the operation, the plan's digest, who runs it."""

    operation: str
    plan: str
    actor: str


class Engine:
    """Carries out the changes of one plan. Made for one run.

    Args:
        journal: where results go; its lease is held and renewed by the caller.
        means: what changes are carried out with.
        observer: is told of everything, in order, from the calling thread.
        parallelism: how many workers act at the same time at most.
        stopping: once set, nothing new begins; what runs is finished.
    """

    def __init__(
        self, journal: Journal, means: Means, observer: Observer, *, parallelism: int, stopping: Flag
    ) -> None:
        self._journal = journal
        self._means = means
        self._observer = observer
        self._parallelism = parallelism
        self._stopping = stopping
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._outcomes: dict[Address, Outcome] = {}
        self._begun: dict[Address, float] = {}
        self._running = 0
        self._broken: BaseException | None = None
        self._unwatched: BaseException | None = None

    def run(self, changes: Sequence[Change], info: RunInfo) -> Result:
        """Carry out the changes, which are in an order that they may be carried out in.

        Raises:
            LeaseLostError, SerialConflictError, DiagnosticError: state could not be written
                any more; what was begun is on record.
        """
        started = self._means.clock()
        self._tell(RunStarted(info.operation, info.plan, len(changes)))
        self._journal.write([StartRun(info.operation, info.plan, info.actor)], durable=True)
        walk = Walk(changes)
        with ThreadPoolExecutor(self._parallelism, thread_name_prefix="specr") as pool:
            try:
                self._walk(walk, pool, info.plan)
            except BaseException as error:
                self._broken = error
                self._drain(walk)
                raise
        for change in walk.leave():
            self._settle(Outcome(change.address, change.action, OutcomeKind.SKIPPED))
        status = self._status()
        summary = Counter(outcome.kind.value for outcome in self._outcomes.values())
        seconds = self._means.clock() - started
        if self._broken is None:
            self._journal.write([FinishRun(status, summary)], durable=True)
        self._tell(RunFinished(status, summary, seconds))
        failure = self._broken or self._unwatched
        if failure is not None:
            raise failure
        unmet = tuple(c.address for c in changes if c.is_wish and not self._outcomes[c.address].succeeded)
        return Result(status, tuple(self._outcomes[c.address] for c in changes), seconds, unmet)

    def _walk(self, walk: Walk, pool: ThreadPoolExecutor, plan: str) -> None:
        while True:
            while self._running < self._parallelism and not self._is_stopping:
                change = walk.take()
                if change is None:
                    break
                self._begin(change, walk, pool, plan)
            if not self._running:
                return
            self._handle(self._inbox.get(), walk)

    def _drain(self, walk: Walk) -> None:
        """Let every worker end; none of them can write any more."""
        while self._running:
            self._handle(self._inbox.get(), walk)

    @property
    def _is_stopping(self) -> bool:
        return self._stopping.is_set() or self._broken is not None or self._unwatched is not None

    def _begin(self, change: Change, walk: Walk, pool: ThreadPoolExecutor, plan: str) -> None:
        self._begun[change.address] = self._means.clock()
        self._tell(StepStarted(change.address, change.action, change.effect))
        recorded = self._journal.recorded(change.address)
        if is_record_only(change):
            try:
                self._journal.write(record_writes(change, recorded), durable=False)
            except (LeaseLostError, SerialConflictError, DiagnosticError) as error:
                self._broken = error
                self._end(_failed(change, _lost(change, error)), walk)
                return
            self._end(Outcome(change.address, change.action, OutcomeKind.DONE), walk)
            return
        self._running += 1
        desk = WorkerDesk(
            change.address,
            self._inbox,
            self._journal,
            is_open=lambda: self._broken is None,
            stopping=lambda: self._is_stopping,
        )
        taken_up = self._journal.takes_up(change)
        task = Task(change, recorded, plan, self._means, desk, taken_up)
        pool.submit(self._work, task)

    def _work(self, task: Task) -> None:
        """What a worker thread does; it always ends by reporting an outcome."""
        change = task.change
        try:
            outcome = carry_out(task)
        except DiagnosticError as error:
            outcome = _failed(change, *error.diagnostics)
        except JournalClosedError as error:
            outcome = _failed(change, _lost(change, error))
        except Exception as error:  # noqa: BLE001 - a bug in one change must not end the others
            _log.debug("unexpected error in the change of %s", change.address, exc_info=True)
            outcome = _failed(change, unexpected(change.address, error))
        except BaseException as error:  # noqa: BLE001 - the scheduling thread must hear of it
            self._inbox.put(Died(change, error))
            return
        self._inbox.put(Finished(outcome))

    def _handle(self, message: Message, walk: Walk) -> None:
        match message:
            case WriteRequest():
                self._write_for_worker(message)
            case Finished(outcome):
                self._running -= 1
                self._end(outcome, walk)
            case Died(change, error):
                self._running -= 1
                self._broken = self._broken or error
                self._end(_failed(change, _lost(change, error)), walk)
            case StepProgress():
                self._tell(message)

    def _write_for_worker(self, request: WriteRequest) -> None:
        if self._broken is not None:
            request.done.set_exception(JournalClosedError(str(self._broken)))
            return
        try:
            self._journal.write(request.writes, durable=request.durable)
        except BaseException as error:  # noqa: BLE001 - a worker waits for an answer, whatever it is
            self._broken = error
            request.done.set_exception(JournalClosedError(str(error)))
        else:
            request.done.set_result(None)

    def _end(self, outcome: Outcome, walk: Walk) -> None:
        begun = self._begun[outcome.address]
        outcome = replace(outcome, seconds=self._means.clock() - begun)
        self._settle(outcome)
        if outcome.succeeded:
            walk.succeed(outcome.address)
            return
        for change in walk.fail(outcome.address):
            self._settle(Outcome(change.address, change.action, OutcomeKind.SKIPPED, because=outcome.address))

    def _settle(self, outcome: Outcome) -> None:
        self._outcomes[outcome.address] = outcome
        self._tell(StepFinished(outcome))

    def _status(self) -> str:
        kinds = {outcome.kind for outcome in self._outcomes.values()}
        if OutcomeKind.FAILED in kinds:
            return "failed"
        return "interrupted" if OutcomeKind.SKIPPED in kinds else "succeeded"

    def _tell(self, event: Event) -> None:
        """Tell the observer; one that fails is told nothing more, and what runs is finished."""
        if self._unwatched is not None:
            return
        try:
            self._observer(event)
        except BaseException as error:  # noqa: BLE001 - workers wait for this thread, whoever watches it
            self._unwatched = error


def _failed(change: Change, *diagnostics: Diagnostic) -> Outcome:
    return Outcome(change.address, change.action, OutcomeKind.FAILED, diagnostics)


def _lost(change: Change, error: BaseException) -> Diagnostic:
    return Diagnostic(
        "State can't be written any more",
        f"The result of {change.address} could not be recorded: {error}.",
        "Run `specr plan`: it finds what was begun and says how to go on.",
        address=change.address,
    )

"""What apply tells, as JSON lines: one event a line, and the check that a stream is sound.

A stream may end anywhere, since a process may; what is there must still nest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec import Struct

from specr.address import Address, parse_address
from specr.apply.events import (
    Event,
    Outcome,
    OutcomeKind,
    RunFinished,
    RunStarted,
    StepFinished,
    StepProgress,
    StepStarted,
)
from specr.canonical import Json, JsonObject, decode_json, encode_json
from specr.plan.model import Action, Effect
from specr.render.diagnostic_json import decode_diagnostic, encode_diagnostic

_KEY: Final = "event"


def encode_event(event: Event) -> dict[str, Any]:
    """The JSON form of an event; the key `event` says which."""
    match event:
        case RunStarted():
            fields: dict[str, Any] = {"operation": event.operation, "plan": event.plan, "steps": event.steps}
            return {_KEY: "run-started", **fields}
        case StepStarted():
            fields = {"action": event.action.value, "effect": event.effect.value}
            return {_KEY: "step-started", "address": str(event.address), **fields}
        case StepProgress():
            fields = {"stage": event.stage, "message": event.message}
            return {_KEY: "step-progress", "address": str(event.address), **fields}
        case StepFinished():
            return {_KEY: "step-finished", **_encode_outcome(event.outcome)}
        case RunFinished():
            fields = {"summary": dict(event.summary), "seconds": event.seconds}
            return {_KEY: "run-finished", "status": event.status, **fields}


def event_line(event: Event) -> str:
    """An event as a line of JSON, with its newline."""
    return f"{encode_json(encode_event(event)).decode()}\n"


def decode_event(data: Json) -> Event:
    """The event that `encode_event` gave.

    Raises:
        ValueError: it is none.
    """
    try:
        return _DECODERS[data[_KEY]](data)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not an event: {error!r}") from error


class StreamReport(Struct, frozen=True):
    """What `check_stream` found: whether the run came to its end, and what is wrong."""

    complete: bool
    problems: tuple[str, ...]


def check_stream(lines: Iterable[str | bytes]) -> StreamReport:
    """Check that events nest: a run holds steps, each begun once and ended once.

    A stream that was cut short is sound, even in the middle of its last line; it is not
    complete. Problems name lines, counted from 1.
    """
    checker = _StreamChecker()
    broken: tuple[int, str] | None = None
    for number, line in enumerate(lines, start=1):
        if broken is not None:
            checker.problem(*broken)
            broken = None
        try:
            event = decode_event(decode_json(line))
        except ValueError as error:
            broken = (number, str(error))
            continue
        checker.see(number, event)
    if broken is not None and checker.is_complete:
        checker.problem(*broken)
    return StreamReport(checker.is_complete, tuple(checker.problems))


class _StreamChecker:
    def __init__(self) -> None:
        self.problems: list[str] = []
        self.is_complete = False
        self._steps: int | None = None
        self._running: set[Address] = set()
        self._counts: dict[str, int] = {}
        self._ended: set[Address] = set()

    def problem(self, number: int, text: str) -> None:
        self.problems.append(f"line {number}: {text}")

    def see(self, number: int, event: Event) -> None:
        for text in self._faults(event):
            self.problem(number, text)

    def _faults(self, event: Event) -> Iterable[str]:
        if self.is_complete:
            yield "an event after the end of the run"
        if (self._steps is None) != isinstance(event, RunStarted):
            yield "a second run" if self._steps is not None else "an event before the start of the run"
        match event:
            case RunStarted():
                self._steps = event.steps
            case StepStarted():
                if event.address in self._running | self._ended:
                    yield f"{event.address} is begun twice"
                self._running.add(event.address)
            case StepProgress():
                if event.address not in self._running:
                    yield f"{event.address} goes on without running"
            case StepFinished():
                yield from self._end(event.outcome)
            case RunFinished():
                yield from self._finish(event)

    def _end(self, outcome: Outcome) -> Iterable[str]:
        address = outcome.address
        if address in self._ended:
            yield f"{address} ends twice"
        elif (address in self._running) == (outcome.kind is OutcomeKind.SKIPPED):
            begun = "begun" if address in self._running else "not begun"
            yield f"{address} is {outcome.kind.value}, but it was {begun}"
        self._running.discard(address)
        self._ended.add(address)
        self._counts[outcome.kind.value] = self._counts.get(outcome.kind.value, 0) + 1

    def _finish(self, event: RunFinished) -> Iterable[str]:
        self.is_complete = True
        if self._running:
            yield f"the run ends while {min(self._running)} is running"
        if len(self._ended) != self._steps:
            yield f"the run ends after {len(self._ended)} steps of {self._steps}"
        if {kind: n for kind, n in event.summary.items() if n} != self._counts:
            yield "the summary does not count the steps"


def _encode_outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "address": str(outcome.address),
        "action": outcome.action.value,
        "outcome": outcome.kind.value,
        "because": None if outcome.because is None else str(outcome.because),
        "attributes": dict(outcome.attributes),
        "seconds": outcome.seconds,
        "diagnostics": [encode_diagnostic(diagnostic) for diagnostic in outcome.diagnostics],
    }


def _decode_outcome(data: JsonObject) -> Outcome:
    return Outcome(
        address=parse_address(data["address"]),
        action=Action(data["action"]),
        kind=OutcomeKind(data["outcome"]),
        diagnostics=tuple(decode_diagnostic(item) for item in data["diagnostics"]),
        because=None if data["because"] is None else parse_address(data["because"]),
        attributes=data["attributes"],
        seconds=data["seconds"],
    )


_DECODERS: Final[dict[str, Callable[[JsonObject], Event]]] = {
    "run-started": lambda d: RunStarted(d["operation"], d["plan"], d["steps"]),
    "step-started": lambda d: StepStarted(
        parse_address(d["address"]), Action(d["action"]), Effect(d["effect"])
    ),
    "step-progress": lambda d: StepProgress(parse_address(d["address"]), d["stage"], d["message"]),
    "step-finished": lambda d: StepFinished(_decode_outcome(d)),
    "run-finished": lambda d: RunFinished(d["status"], d["summary"], d["seconds"]),
}

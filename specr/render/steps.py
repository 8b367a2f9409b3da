"""What apply does, step by step, in words; and as plain lines for pipes and CI.

Nothing here needs a terminal or imports what draws on one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from specr.address import Address
from specr.apply.events import Event, Observer, Outcome, OutcomeKind, StepFinished, StepProgress, StepStarted
from specr.plan.model import Action, Effect
from specr.render.words import one_line

_DOING: Final = {
    Effect.NONE: "working",
    Effect.RECORD: "recording",
    Effect.FETCH: "fetching",
    Effect.BUILD: "building",
    Effect.REUSE: "taking it from the store",
    Effect.ROLL_OUT: "rolling out",
    Effect.IN_PLACE: "changing it in place",
    Effect.VERIFY: "verifying",
    Effect.REMOVE: "deleting",
}
_DONE: Final = {
    Action.NOOP: "left as it is",
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.REPLACE: "replaced",
    Action.DELETE: "deleted",
    Action.FORGET: "forgotten",
}
_STAGES: Final = {
    "fetch": "fetching",
    "build": "building",
    "create": "starting",
    "ready": "waiting until it is ready",
    "verify": "verifying",
    "promote": "taking over",
    "delete": "deleting",
}
_SELF_EXPLAINING: Final = frozenset({"build", "create", "verify", "promote", "delete"})
"""Stages whose messages say what is done, so that naming the stage adds nothing."""

_NOTABLE_SECONDS: Final = 0.05
"""Shorter steps are told without their length."""


def doing(effect: Effect) -> str:
    """What is being done: `rolling out`."""
    return _DOING[effect]


def done(action: Action) -> str:
    """What was done: `created`."""
    return _DONE[action]


def stage_text(event: StepProgress) -> str:
    """How far a step has come: `waiting until it is ready: loading the model`."""
    words = _STAGES.get(event.stage, one_line(event.stage))
    message = one_line(event.message)
    if message and event.stage in _SELF_EXPLAINING:
        return message
    return f"{words}: {message}" if message else words


def duration(seconds: float) -> str:
    """A length of time for people: `0.3 s`, `42 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def outcome_text(outcome: Outcome) -> str:
    """What became of a change: `created in 3.1 s`."""
    match outcome.kind:
        case OutcomeKind.DONE:
            return f"{done(outcome.action)}{_length(' in', outcome.seconds)}"
        case OutcomeKind.UNCHANGED:
            return "unchanged after all"
        case OutcomeKind.FAILED:
            return f"failed{_length(' after', outcome.seconds)}"
        case OutcomeKind.SKIPPED:
            return f"skipped, {skipped_because(outcome.because)}"


def skipped_because(because: Address | None) -> str:
    """Why a change was not begun."""
    return f"because {because} failed" if because is not None else "because apply was stopped before"


def _length(words: str, seconds: float) -> str:
    return f"{words} {duration(seconds)}" if seconds >= _NOTABLE_SECONDS else ""


def plain_progress(write: Callable[[str], None]) -> Observer:
    """An observer that writes one line an event; what only changes recorded state is told once."""
    last: dict[Address, str] = {}

    def observe(event: Event) -> None:
        match event:
            case StepStarted() if event.effect is not Effect.RECORD:
                last[event.address] = doing(event.effect)
                write(f"{event.address}: {doing(event.effect)}…\n")
            case StepProgress():
                text = stage_text(event)
                if last.get(event.address) != text:
                    last[event.address] = text
                    write(f"{event.address}: {text}…\n")
            case StepFinished():
                write(f"{event.outcome.address}: {outcome_text(event.outcome)}\n")
            case _:
                pass

    return observe

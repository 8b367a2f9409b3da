from __future__ import annotations

import json

import pytest

from specr.address import Address
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
from specr.diagnostics import Diagnostic, Severity, Span
from specr.plan.model import Action, Effect
from specr.render.events import check_stream, decode_event, encode_event, event_line

BUILD = Address("build", "fraud.skops")
FRAUD = Address("deployment", "fraud")
NEXT = Address("deployment", "next")

PROBLEM = Diagnostic(
    "Processor failed",
    "It said no.",
    "Correct it.",
    Severity.ERROR,
    BUILD,
    ("spec", 1),
    Span("a.yaml", 3, 4, 5),
    "excerpt",
    ("note",),
)
RUN: list[Event] = [
    RunStarted("apply", "sha256:1", 3),
    StepStarted(BUILD, Action.CREATE, Effect.BUILD),
    StepStarted(NEXT, Action.CREATE, Effect.ROLL_OUT),
    StepProgress(BUILD, "build", "starting"),
    StepFinished(Outcome(NEXT, Action.CREATE, OutcomeKind.DONE, attributes={"endpoint": "x"}, seconds=1.5)),
    StepFinished(Outcome(BUILD, Action.CREATE, OutcomeKind.FAILED, (PROBLEM,), seconds=2.0)),
    StepFinished(Outcome(FRAUD, Action.CREATE, OutcomeKind.SKIPPED, because=BUILD)),
    RunFinished("failed", {"done": 1, "failed": 1, "skipped": 1}, 3.0),
]


def lines(events: list[Event]) -> list[str]:
    return [event_line(event) for event in events]


def problems(events: list[Event]) -> tuple[str, ...]:
    return check_stream(lines(events)).problems


@pytest.mark.parametrize("event", RUN)
def test_events_survive_the_way_through_json(event: Event) -> None:
    assert decode_event(json.loads(event_line(event))) == event
    assert event_line(event).count("\n") == 1


def test_the_key_event_says_which() -> None:
    assert [encode_event(event)["event"] for event in RUN] == [
        "run-started",
        "step-started",
        "step-started",
        "step-progress",
        "step-finished",
        "step-finished",
        "step-finished",
        "run-finished",
    ]


def test_a_whole_stream_is_sound_and_complete() -> None:
    report = check_stream(lines(RUN))
    assert report.problems == ()
    assert report.complete


@pytest.mark.parametrize("length", range(len(RUN)))
def test_a_stream_cut_anywhere_is_sound_and_not_complete(length: int) -> None:
    whole = lines(RUN)
    report = check_stream([*whole[:length], whole[length][:-5]])
    assert report.problems == ()
    assert not report.complete


@pytest.mark.parametrize(
    "data", [None, [], {}, {"event": "other"}, {"event": "step-started", "address": "x"}]
)
def test_what_is_no_event_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match="not an event"):
        decode_event(data)


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        (RUN[1:], "line 1: an event before the start of the run"),
        ([RUN[0], RUN[0]], "line 2: a second run"),
        ([*RUN, RUN[3]], "line 9: an event after the end of the run"),
        ([RUN[0], RUN[1], RUN[1]], "line 3: build/fraud.skops is begun twice"),
        ([RUN[0], RUN[3]], "line 2: build/fraud.skops goes on without running"),
        ([RUN[0], RUN[5]], "line 2: build/fraud.skops is failed, but it was not begun"),
        ([RUN[0], RUN[1], RUN[5], RUN[5]], "line 4: build/fraud.skops ends twice"),
        (
            [RUN[0], RUN[1], StepFinished(Outcome(BUILD, Action.CREATE, OutcomeKind.SKIPPED))],
            "line 3: build/fraud.skops is skipped, but it was begun",
        ),
        ([*RUN[:5], RUN[7]], "line 6: the run ends while build/fraud.skops is running"),
        ([RUN[0], RUN[7]], "line 2: the run ends after 0 steps of 3"),
        ([*RUN[:7], RunFinished("failed", {"done": 3}, 1.0)], "line 8: the summary does not count the steps"),
    ],
)
def test_a_stream_that_does_not_nest_is_found_out(events: list[Event], problem: str) -> None:
    assert problem in problems(events)


def test_a_broken_line_inside_a_stream_is_found() -> None:
    whole = lines(RUN)
    report = check_stream([whole[0], "{", *whole[1:]])
    assert len(report.problems) == 1
    assert report.problems[0].startswith("line 2: ")
    assert check_stream([*whole, "{"]).problems

"""What became of a run, once it is over: a line of counts, then what failed and what was left out."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import click

from specr.apply.engine import Result
from specr.apply.events import Outcome, OutcomeKind
from specr.plan.model import Action
from specr.render.steps import done, duration, skipped_because

_TITLES: Final = {
    ("apply", "succeeded"): "Apply complete",
    ("apply", "failed"): "Apply failed",
    ("apply", "interrupted"): "Apply stopped",
    ("destroy", "succeeded"): "Destroy complete",
    ("destroy", "failed"): "Destroy failed",
    ("destroy", "interrupted"): "Destroy stopped",
}
_COLOURS: Final = {"succeeded": "green", "failed": "red", "interrupted": "yellow"}
_LISTED: Final = 20
"""Skipped changes listed one by one; more are counted."""


def render_outcomes(operation: str, result: Result, *, colour: bool = False) -> str:
    """The end of a run as text that ends in a newline.

    `operation` is `apply` or `destroy`. Diagnostics of failures are not part of it: they are
    shown by themselves.
    """
    status, outcomes = result.status, result.outcomes
    title = f"{_TITLES[operation, status]} in {duration(result.seconds)}"
    counts = ", ".join(_counts(outcomes)) or "nothing to do"
    head = f"{title}: {counts}."
    lines = [click.style(head, fg=_COLOURS[status], bold=True) if colour else head]
    failed = [outcome for outcome in outcomes if outcome.kind is OutcomeKind.FAILED]
    skipped = [outcome for outcome in outcomes if outcome.kind is OutcomeKind.SKIPPED]
    width = max((len(str(outcome.address)) for outcome in (*failed, *skipped[:_LISTED])), default=0)
    lines += [f"  failed   {outcome.address}" for outcome in failed]
    lines += [
        f"  skipped  {str(outcome.address).ljust(width)}  {skipped_because(outcome.because)}"
        for outcome in skipped[:_LISTED]
    ]
    if len(skipped) > _LISTED:
        lines.append(f"  skipped  {len(skipped) - _LISTED} more")
    if status != "succeeded":
        again = shlex.join(word for address in result.unmet for word in ("--replace", str(address)))
        command = f"specr {operation} {again}".rstrip()
        lines.append(f"What is done stays done; `{command}` goes on from here.")
    return "\n".join(lines) + "\n"


def _counts(outcomes: Sequence[Outcome]) -> Iterator[str]:
    actions = Counter(outcome.action for outcome in outcomes if outcome.kind is OutcomeKind.DONE)
    kinds = Counter(outcome.kind for outcome in outcomes)
    for action in Action:
        if actions[action]:
            yield f"{actions[action]} {done(action)}"
    for kind, words in (
        (OutcomeKind.UNCHANGED, "unchanged after all"),
        (OutcomeKind.FAILED, "failed"),
        (OutcomeKind.SKIPPED, "skipped"),
    ):
        if kinds[kind]:
            yield f"{kinds[kind]} {words}"

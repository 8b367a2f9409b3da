"""Carrying a plan out with somebody watching: approval, progress, Ctrl-C, and the end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event as Flag
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from specr.cli.console import Console
from specr.cli.exits import INTERRUPTED

if TYPE_CHECKING:
    from specr.apply.engine import Result
    from specr.apply.events import Observer
    from specr.cli.options import Manner
    from specr.plan.model import Plan
    from specr.workflow import Options, Workspace

_STOPPING: Final = "Stopping: what runs is finished first. Press Ctrl-C again to end at once."
_ENDED: Final = """
Ended. Nothing is lost: the next plan says where things stand.
What was begun may run on until the next apply or destroy takes it up or removes it.
"""
_SHOW_CURSOR: Final = "\x1b[?25h"


def approve(console: Console, question: str, *, auto_approve: bool, otherwise: str) -> bool:
    """Ask the user, unless they have approved beforehand; `otherwise` says how to do that.

    Raises:
        DiagnosticError: there is nobody to ask.
    """
    check_approver(auto_approve=auto_approve, otherwise=otherwise)
    if auto_approve or console.confirms(question):
        return True
    console.tell("Nothing was done.\n")
    return False


def check_approver(*, auto_approve: bool, otherwise: str) -> None:
    """See that there is somebody to ask, before much is shown to them.

    Raises:
        DiagnosticError: there is nobody.
    """
    if not auto_approve and not sys.stdin.isatty():
        from specr.diagnostics import Diagnostic, DiagnosticError

        raise DiagnosticError(
            Diagnostic(
                "Nobody to ask",
                "This needs approval, but standard input is no terminal.",
                otherwise,
            )
        )


def carry_out(
    console: Console,
    workspace: Workspace,
    plan: Plan,
    manner: Manner,
    *,
    saved: bool = False,
    replan: Options | None = None,
) -> int:
    """Apply a plan, tell how it goes and how it went, and return the exit code.

    A `saved` plan is held against the specs as they are now. With `replan`, the plan is made
    anew with these options if the state has moved on while the lock was waited for.
    """
    from specr.workflow import Manner as Carrying

    with (
        interruptible(console, drawn=console.is_live and not manner.as_json) as stopping,
        observing(console, stopping, as_json=manner.as_json) as observer,
    ):
        result = workspace.carry_out(
            plan,
            Carrying(
                observer,
                manner.parallelism,
                manner.lock_seconds,
                stopping,
                None if replan is None else lambda: workspace.plan(replan).plan,
                saved,
            ),
        )
    tell_result(console, workspace, plan.operation, result)
    return {"succeeded": 0, "interrupted": INTERRUPTED}.get(result.status, 1)


def tell_result(console: Console, workspace: Workspace, operation: str, result: Result) -> None:
    """Write on stderr what failed and why, and the counts."""
    from specr.render.outcomes import render_outcomes

    console.tell("\n")
    found = [diagnostic for outcome in result.outcomes for diagnostic in outcome.diagnostics]
    console.show(workspace.located(found))
    console.tell(render_outcomes(operation, result, colour=console.stderr_colour))


@contextmanager
def observing(console: Console, stopping: Flag, *, as_json: bool) -> Iterator[Observer]:
    """An observer for whoever watches: JSON lines, a terminal, or plain lines."""
    if as_json:
        from specr.render.events import event_line

        yield lambda event: console.answer(event_line(event))
    elif console.is_live:
        from specr.render.progress import live_progress

        def notice() -> str:
            return _STOPPING if stopping.is_set() else ""

        with live_progress(sys.stderr, colour=console.stderr_colour, notice=notice) as observer:
            yield observer
    else:
        from specr.render.steps import plain_progress

        yield plain_progress(console.tell)


@contextmanager
def interruptible(console: Console, *, drawn: bool) -> Iterator[Flag]:
    """A flag that the first Ctrl-C (or termination signal) sets; the second ends the process at once.

    Where progress is `drawn`, the picture itself tells of the flag: a signal may come while the
    display's locks are held, so that its handler can't print above it.
    State is safe at every moment, so ending at once loses nothing but the answer.
    """
    stopping = Flag()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            os.write(2, (_ENDED + (_SHOW_CURSOR if console.is_live else "")).encode())
            os._exit(INTERRUPTED)
        stopping.set()
        if not drawn:
            os.write(2, f"\n{_STOPPING}\n".encode())

    before: dict[signal.Signals, Any] = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, on_signal)
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

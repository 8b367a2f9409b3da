"""Progress on a terminal: finished steps scroll by, running ones stay below with their time.

The only module that imports rich; commands import it when they are about to use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final, TextIO

from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from specr.address import Address
from specr.apply.events import (
    Event,
    Observer,
    Outcome,
    OutcomeKind,
    RunStarted,
    StepFinished,
    StepProgress,
    StepStarted,
)
from specr.plan.model import Effect
from specr.render.steps import doing, duration, outcome_text, stage_text

_SHOWN: Final = 12
"""Running steps shown at the same time; more are counted."""

_FRESH_SHOWN: Final = 5
"""Finished lines shown before they have been let go."""

_SETTLE_EVERY: Final = 0.1
"""Seconds between two times that finished lines are let go."""

_MARKS: Final = {
    OutcomeKind.DONE: ("✓", "green"),
    OutcomeKind.UNCHANGED: ("=", "dim"),
    OutcomeKind.FAILED: ("✗", "red"),
    OutcomeKind.SKIPPED: ("-", "yellow"),
}


@contextmanager
def live_progress(
    stream: TextIO, *, colour: bool = True, notice: Callable[[], str] = str
) -> Iterator[Observer]:
    """An observer that keeps a picture of the run at the bottom of a terminal.

    The picture goes when the block ends; the lines of finished steps stay. `notice` is asked at each
    redraw for a line to show below them: what is written beside the picture would be drawn over.
    """
    console = Console(file=stream, highlight=False, markup=False, no_color=not colour, soft_wrap=True)
    picture = _Picture(console, notice)
    with Live(picture, console=console, refresh_per_second=8, transient=True):
        try:
            yield picture.observe
        finally:
            picture.settle()


class _Running(Struct, frozen=True):
    address: Address
    begun: float
    text: str


class _Picture:
    """What runs now. Told of events by one thread, drawn by another."""

    def __init__(self, console: Console, notice: Callable[[], str]) -> None:
        self._console = console
        self._notice = notice
        self._lock = Lock()
        self._running: dict[Address, _Running] = {}
        self._spinner = Spinner("dots", style="cyan")
        self._steps = 0
        self._ended = 0
        self._fresh: list[Text] = []
        self._settled = console.get_time()

    def observe(self, event: Event) -> None:
        with self._lock:
            self._note(event)
            due = self._console.get_time() - self._settled >= _SETTLE_EVERY
        if due:
            self.settle()

    def settle(self) -> None:
        """Let finished lines scroll by for good. Many at once, since each time costs a redraw."""
        with self._lock:
            lines, self._fresh = self._fresh, []
            self._settled = self._console.get_time()
        if lines:
            self._console.print(Text("\n").join(lines))

    def _note(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._steps = event.steps
            case StepStarted() if event.effect is not Effect.RECORD:
                begun = self._console.get_time()
                self._running[event.address] = _Running(event.address, begun, doing(event.effect))
            case StepProgress() if event.address in self._running:
                running = self._running[event.address]
                self._running[event.address] = replace(running, text=stage_text(event))
            case StepFinished():
                self._running.pop(event.outcome.address, None)
                self._ended += 1
                self._fresh.append(_finished(event.outcome))
            case _:
                pass

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with self._lock:
            running, ended, steps = list(self._running.values()), self._ended, self._steps
            fresh = self._fresh[-_FRESH_SHOWN:]
        yield from fresh
        if running:
            shown = min(_SHOWN, max(options.max_height - 4, 1))
            yield self._table(running[:shown])
            more = f", {len(running) - shown} more running" if len(running) > shown else ""
            yield Text(f"  {ended} of {steps} done{more}", style="dim")
        notice = self._notice()
        if notice:
            yield Text(notice, style="bold")

    def _table(self, running: list[_Running]) -> Table:
        """A line a step. Where they are too long, what a step is doing is cut, and nothing else."""
        now = self._console.get_time()
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, style="bold")
        table.add_column()
        table.add_column(no_wrap=True, justify="right", style="dim")
        frame = self._spinner.render(now)
        for step in running:
            # That the column may be wrapped has rich narrow it before the others; the text itself never is.
            text = Text(step.text, no_wrap=True, overflow="ellipsis")
            table.add_row(frame, str(step.address), text, duration(now - step.begun))
        return table


def _finished(outcome: Outcome) -> Text:
    mark, style = _MARKS[outcome.kind]
    return Text.assemble((mark, style), " ", (str(outcome.address), "bold"), ": ", outcome_text(outcome))

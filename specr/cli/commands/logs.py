"""`specr logs`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from specr.cli.parameters import ADDRESS
from specr.cli.session import Session, with_session

if TYPE_CHECKING:
    from specr.address import Address
    from specr.cli.console import Console
    from specr.workflow import Workspace
    from specr.workflow.logs import Log

_LOOK_EVERY: Final = 1.0
"""Seconds between two looks at a log that is followed."""


@click.command(
    "logs",
    epilog="""\b
Examples:
  specr logs deployment/fraud --tail 50
  specr logs deployment/fraud --follow
  specr logs build/fraud.mlflow --failed""",
)
@click.argument("address", type=ADDRESS)
@click.option("--tail", type=click.IntRange(0), help="Only the last so many lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines until Ctrl-C.")
@click.option("--failed", is_flag=True, help="What the last attempt that failed has printed.")
@with_session
def command(session: Session, *, address: Address, tail: int | None, follow: bool, failed: bool) -> None:
    """Show what a deployment or build printed. Secret values are masked.

    Of a deployment that serves, that is its log, also while an apply has begun
    another in its place. Where nothing is recorded yet, it is the log of what an
    apply has begun, or else of the attempt that failed last.
    """
    from specr.workflow.logs import find_log
    from specr.workflow.standing import check_standing

    if follow and failed:
        raise click.UsageError("--failed shows what has ended: there is nothing to follow.")
    console = session.console
    with session.open() as workspace, _told(address):
        log = find_log(workspace, address, tail=None if follow else tail, failed=failed)
        console.tell(_preamble(address, log))
        _answer(console, log.lines if tail is None else log.lines[max(len(log.lines) - tail, 0) :])
        if not log.of_failed:
            console.show(check_standing(workspace, address))
        if follow and not log.of_failed:
            _follow(console, workspace, address, log.lines)
        elif not log.lines and tail != 0:
            console.tell(f"{address} has printed nothing, or nothing that is still kept.\n")


def _preamble(address: Address, log: Log) -> str:
    """What to know before reading a log; empty for that of an object that runs as it was last applied."""
    if log.of_failed:
        return f"This is what the attempt at {address} printed that failed at {log.failed_at}.\n"
    told = ""
    if log.begun:
        told = f"A change of {address} was begun and is not finished: `specr plan` says how it goes on.\n"
    if log.failed_at:
        told += (
            f"The last attempt to change {address} failed at {log.failed_at}: "
            f"`specr logs {address} --failed` shows what it printed.\n"
        )
    return told


def _follow(console: Console, workspace: Workspace, address: Address, seen: Sequence[str]) -> None:
    from specr.render.following import new_lines
    from specr.workflow.logs import read_log

    while True:
        time.sleep(_LOOK_EVERY)
        lines = read_log(workspace, address)
        _answer(console, new_lines(seen, lines))
        seen = lines


def _answer(console: Console, lines: Sequence[str]) -> None:
    for line in lines:
        console.answer(f"{line}\n")


@contextmanager
def _told(address: Address) -> Iterator[None]:
    """A provider that does not answer is an error for people."""
    from specr.diagnostics import Diagnostic, DiagnosticError
    from specr.providers.protocol import TransientError

    try:
        yield
    except TransientError as error:
        detail = f"The provider of {address} could not be asked: {error}."
        remedy = "Check that the platform is up, and try again."
        raise DiagnosticError(Diagnostic("Provider does not answer", detail, remedy)) from error

"""`specr logs`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from specr.cli.parameters import ADDRESS
from specr.cli.session import Session, with_session

if TYPE_CHECKING:
    from specr.address import Address
    from specr.workflow import Workspace

_LOOK_EVERY: Final = 1.0
"""Seconds between two looks at a log that is followed."""


@click.command(
    "logs",
    epilog="""\b
Examples:
  specr logs deployment/fraud --tail 50
  specr logs deployment/fraud --follow""",
)
@click.argument("address", type=ADDRESS)
@click.option("--tail", type=click.IntRange(0), help="Only the last so many lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines until Ctrl-C.")
@with_session
def command(session: Session, *, address: Address, tail: int | None, follow: bool) -> None:
    """Show what a deployment or build printed. Secret values are masked."""
    with session.open() as workspace:
        for line in _lines(workspace, address, tail=tail, follow=follow):
            session.console.answer(f"{line}\n")


def _lines(workspace: Workspace, address: Address, *, tail: int | None, follow: bool) -> Iterator[str]:
    from specr.diagnostics import Diagnostic, DiagnosticError
    from specr.providers.protocol import TransientError
    from specr.render.following import new_lines
    from specr.workflow.upkeep import read_logs

    try:
        if not follow:
            yield from read_logs(workspace, address, tail=tail)
            return
        seen = read_logs(workspace, address)
        yield from seen if tail is None else seen[max(len(seen) - tail, 0) :]
        while True:
            time.sleep(_LOOK_EVERY)
            lines = read_logs(workspace, address)
            yield from new_lines(seen, lines)
            seen = lines
    except TransientError as error:
        detail = f"The provider of {address} could not be asked: {error}."
        remedy = "Check that the platform is up, and try again."
        raise DiagnosticError(Diagnostic("Provider does not answer", detail, remedy)) from error

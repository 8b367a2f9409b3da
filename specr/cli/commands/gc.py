"""`specr gc`."""

from __future__ import annotations

import click

from specr.cli.parameters import DURATION
from specr.cli.session import Session, with_session


@click.command("gc", epilog="Example: specr gc --dry-run")
@click.option("--dry-run", is_flag=True, help="Say what would be freed, and free nothing.")
@click.option(
    "--lock-timeout",
    "lock_seconds",
    type=DURATION,
    default="0s",
    show_default=True,
    help="How long to wait for the state's lock.",
)
@with_session
def command(session: Session, *, dry_run: bool, lock_seconds: float) -> None:
    """Free stored bytes that nothing recorded needs.

    Outputs of builds that are freed are built again when they are needed.
    """
    from specr.render.table import render_table
    from specr.render.words import counted, size_text
    from specr.workflow.upkeep import collect_garbage

    with session.open() as workspace:
        freed = collect_garbage(workspace, dry_run=dry_run, lock_seconds=lock_seconds)
    session.console.answer(render_table([[item.digest, size_text(item.size)] for item in freed]))
    total = size_text(sum(item.size for item in freed))
    verb = "Would free" if dry_run else "Freed"
    session.console.tell(f"{verb} {counted(len(freed), 'item')}, {total}.\n")

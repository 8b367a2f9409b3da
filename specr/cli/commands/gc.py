"""`specr gc`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from specr.cli.options import lock_option
from specr.cli.session import Session, with_session

if TYPE_CHECKING:
    from specr.store.protocol import Stored


@click.command("gc", epilog="Example: specr gc --dry-run")
@click.option("--dry-run", is_flag=True, help="Say what would be freed, and free nothing.")
@lock_option
@with_session
def command(session: Session, *, dry_run: bool, lock_seconds: float) -> None:
    """Free stored bytes that nothing recorded needs.

    What was used within the last hour is spared, since another process may be
    about to record it. Outputs of builds that are freed are built again when
    they are needed.
    """
    from specr.render.table import render_table
    from specr.render.words import counted, size_text
    from specr.workflow.upkeep import collect_garbage

    with session.open() as workspace:
        freed, spared = collect_garbage(workspace, dry_run=dry_run, lock_seconds=lock_seconds)
    session.console.answer(render_table([[item.digest, size_text(item.size)] for item in freed]))

    def told(items: Sequence[Stored]) -> str:
        return f"{counted(len(items), 'item')}, {size_text(sum(item.size for item in items))}"

    session.console.tell(f"{'Would free' if dry_run else 'Freed'} {told(freed)}.\n")
    if spared:
        why = "used within the last hour, or in use"
        session.console.tell(f"{'Would spare' if dry_run else 'Spared'} {told(spared)}: {why}.\n")

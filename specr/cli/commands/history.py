"""`specr history`."""

from __future__ import annotations

import click

from specr.cli.session import Session, with_session


@click.command("history", epilog="Example: specr history | head -3")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, oldest first.")
@with_session
def command(session: Session, *, as_json: bool) -> None:
    """List what was applied, when and by whom. The newest comes first."""
    with session.open() as workspace:
        runs = workspace.backend.history()
    if as_json:
        from specr.state.codec import encode_run

        session.console.answer_json([encode_run(run) for run in runs])
        return
    from specr.render.state import render_history

    session.console.answer(render_history(runs))
    if not runs:
        session.console.tell("Nothing was applied yet.\n")

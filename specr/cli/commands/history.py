"""`specr history`."""

from __future__ import annotations

import click

from specr.cli.session import Session, with_session


@click.command("history", epilog="Example: specr history | head -3")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, oldest first.")
@with_session
def command(session: Session, *, as_json: bool) -> None:
    """List what was applied, when and by whom. The newest comes first."""
    from specr.workflow.history import load_history

    with session.open() as workspace:
        runs, silent_since = load_history(workspace.backend)
    if as_json:
        from specr.state.codec import encode_run

        session.console.answer_json([encode_run(run) for run in runs])
        return
    from specr.render.state import render_history

    session.console.answer(render_history(runs))
    if not runs:
        session.console.tell("Nothing was applied yet.\n")
    elif silent_since:
        session.console.tell(
            f"Run {runs[-1].number} has given no sign of life since its lock ran out at {silent_since}. "
            "If its process is gone, `specr plan` says what it began.\n"
        )
    elif runs[-1].status == "interrupted":
        session.console.tell(
            f"Run {runs[-1].number} ended without finishing: `specr plan` says what is left to do.\n"
        )

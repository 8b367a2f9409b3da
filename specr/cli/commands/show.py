"""`specr show`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from specr.cli.options import Form, form_options
from specr.cli.parameters import PathType
from specr.cli.plans import answer_plan, load_plan
from specr.cli.session import Session, with_session


@click.command(
    "show",
    epilog="""\b
Examples:
  specr show my.plan
  specr show my.plan --format markdown > comment.md
  specr show --json""",
)
@click.argument("planfile", required=False, type=PathType(dir_okay=False, path_type=Path))
@form_options
@with_session
def command(session: Session, *, planfile: Path | None, **asked: Any) -> None:
    """Show the saved plan PLANFILE, or else what is recorded."""
    form = Form.take(asked)
    if planfile is not None:
        from specr.plan.codec import encode_plan

        answer_plan(encode_plan(load_plan(planfile)), form, session.console)
        return
    if form.name == "markdown":
        raise click.UsageError("Recorded state has no Markdown form; --json has everything.")
    from specr.render.state import render_state_show
    from specr.state.codec import state_to_text

    console = session.console
    with session.open() as workspace:
        state = workspace.backend.read()
    if form.name == "json":
        console.answer(state_to_text(state))
        return
    shown = [
        render_state_show(recorded, state.pending.get(address))
        for address, recorded in sorted(state.objects.items())
    ]
    console.answer("\n".join(shown))
    if not shown:
        console.tell("Nothing is recorded yet.\n")

"""`specr plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from specr.cli.exits import CHANGES_FOUND
from specr.cli.options import Form, Scope, ScopedCommand, form_options, replace_option, scope_options
from specr.cli.parameters import PathType
from specr.cli.plans import answer_plan, check_place, save_plan
from specr.cli.session import Session, with_session


@click.command(
    "plan",
    cls=ScopedCommand,
    epilog="""\b
Examples:
  specr plan
  specr plan --out my.plan && specr apply my.plan
  specr plan --format markdown > comment.md
  specr plan --target deployment/fraud --var version=3""",
)
@click.option("--out", type=PathType(dir_okay=False, path_type=Path), help="Save the plan to this file.")
@click.option("--destroy", is_flag=True, help="Plan to delete everything.")
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 2 if there are changes, or what runs does not answer.",
)
@form_options
@scope_options
@replace_option
@with_session
def command(
    session: Session,
    *,
    out: Path | None,
    destroy: bool,
    detailed_exitcode: bool,
    **asked: Any,
) -> int:
    """Show what apply would do.

    Compares the specs with recorded state and with what really runs. Changes
    nothing and takes no lock.
    """
    from specr.plan.codec import encode_plan

    console = session.console
    form, scope = Form.take(asked), Scope(**asked)
    if out is not None:
        check_place(out, session.root)
    with session.open(scope.variables) as workspace:
        planned = workspace.plan(scope.options(destroy=destroy))
    console.show(planned.diagnostics)
    if out is not None:
        save_plan(planned.plan, out)
    answer_plan(encode_plan(planned.plan), form, console)
    if out is not None:
        console.tell(f"\nSaved to {out}. To carry it out: {_apply_command(session, out, scope)}\n")
    return CHANGES_FOUND if detailed_exitcode and not planned.plan.is_settled else 0


def _apply_command(session: Session, planfile: Path, scope: Scope) -> str:
    """The command that carries a saved plan out, as it can be pasted into a shell."""
    folder = [] if session.root == Path() else ["-C", str(session.root)]
    values = [word for name, value in scope.variables for word in ("--var", f"{name}={value}")]
    import shlex

    return shlex.join(["specr", *folder, "apply", str(planfile), *values])

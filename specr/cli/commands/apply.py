"""`specr apply`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from specr.cli.applying import plan_and_run, run_saved
from specr.cli.options import Manner, Scope, replace_option, run_options, scope_options, target_hint
from specr.cli.parameters import PathType
from specr.cli.plans import load_plan
from specr.cli.session import Session, with_session


@click.command(
    "apply",
    epilog="""\b
Examples:
  specr apply
  specr apply my.plan
  specr apply --auto-approve --json > events.jsonl
  specr apply --replace deployment/fraud""",
)
@click.argument("planfile", required=False, type=PathType(dir_okay=False, path_type=Path))
@scope_options
@replace_option
@run_options
@with_session
def command(
    session: Session,
    *,
    planfile: Path | None,
    auto_approve: bool,
    as_json: bool,
    parallelism: int,
    lock_seconds: float,
    **scope: Any,
) -> int:
    """Make what runs match the specs.

    Shows the plan and asks before it is carried out; a saved PLANFILE is
    carried out as it is. Ctrl-C finishes what runs and stops; a second one
    ends at once. An apply that was cut short is taken up by the next.
    """
    asked = Scope(**scope)
    manner = Manner(auto_approve, parallelism, lock_seconds, as_json)
    if planfile is None:
        with session.open(asked.variables) as workspace:
            return plan_and_run(session, workspace, asked.options(), manner)
    if asked.is_narrowed:
        raise click.UsageError(
            "--target, --replace, --allow-delete and --no-refresh are settled in a saved plan; "
            "leave them out, or make a new plan with them."
        )
    hint = "" if planfile.exists() else target_hint([str(planfile)], "specr apply")
    if hint:
        raise click.UsageError(f"There is no saved plan {planfile}.{hint}")
    plan = load_plan(planfile)
    with session.open(asked.variables) as workspace:
        return run_saved(session, workspace, plan, manner)

"""`specr destroy`."""

from __future__ import annotations

from typing import Any

import click

from specr.cli.applying import plan_and_run
from specr.cli.options import Manner, Scope, ScopedCommand, run_options, scope_options
from specr.cli.session import Session, with_session


@click.command(
    "destroy",
    cls=ScopedCommand,
    epilog="""\b
Examples:
  specr destroy
  specr destroy --target deployment/fraud
  specr destroy --auto-approve --allow-delete deployment/fraud""",
)
@scope_options
@run_options
@with_session
def command(
    session: Session,
    *,
    auto_approve: bool,
    as_json: bool,
    parallelism: int,
    lock_seconds: float,
    **scope: Any,
) -> int:
    """Delete everything that was applied.

    The same as applying a plan made with `specr plan --destroy`. Specs and
    artifacts stay as they are.
    """
    asked = Scope(**scope)
    manner = Manner(auto_approve, parallelism, lock_seconds, as_json)
    with session.open(asked.variables) as workspace:
        return plan_and_run(session, workspace, asked.options(destroy=True), manner)

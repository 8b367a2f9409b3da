"""What apply and destroy share: plan, show, ask, carry out, and say where things answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from specr.cli.options import Manner
from specr.cli.running import approve, carry_out, check_approver
from specr.cli.session import Session

if TYPE_CHECKING:
    from specr.plan.model import Plan
    from specr.workflow import Options, Workspace

_QUESTIONS = {
    "apply": "Do you want to apply these changes?",
    "destroy": "Do you really want to delete all of this?",
}
_OTHERWISE = {
    "apply": "Approve beforehand with --auto-approve, or save a plan with `specr plan --out FILE` and apply "
    "that file.",
    "destroy": "Approve beforehand with --auto-approve, or save a plan with "
    "`specr plan --destroy --out FILE` and apply that file.",
}
"""What to do where nobody can be asked."""


def plan_and_run(session: Session, workspace: Workspace, options: Options, manner: Manner) -> int:
    """Make a plan, show it, ask, carry it out. Returns the exit code."""
    from specr.plan.codec import encode_plan
    from specr.render.terminal import render_plan

    console = session.console
    if manner.as_json and not manner.auto_approve:
        raise click.UsageError("--json prints events for programs: it needs --auto-approve, or a saved plan.")
    planned = workspace.plan(options)
    console.show(planned.diagnostics)
    otherwise = _OTHERWISE[planned.plan.operation]
    if not planned.plan.is_empty:
        check_approver(auto_approve=manner.auto_approve, otherwise=otherwise)
    data = encode_plan(planned.plan)
    console.tell(render_plan(data, colour=console.stderr_colour, width=console.width))
    if planned.plan.is_empty and not manner.as_json:
        _tell_outputs(session, workspace, planned.plan)
        return 0
    question = _QUESTIONS[planned.plan.operation]
    if not planned.plan.is_empty and not approve(
        console, question, auto_approve=manner.auto_approve, otherwise=otherwise
    ):
        return 1
    code = carry_out(
        console, workspace, planned.plan, manner, replan=options if manner.auto_approve else None
    )
    return _close(session, workspace, planned.plan, manner, code)


def run_saved(session: Session, workspace: Workspace, plan: Plan, manner: Manner) -> int:
    """Carry a saved plan out; whoever names it has approved it. Returns the exit code."""
    code = carry_out(session.console, workspace, plan, manner, saved=True)
    return _close(session, workspace, plan, manner, code)


def _close(session: Session, workspace: Workspace, plan: Plan, manner: Manner, code: int) -> int:
    if code == 0 and not manner.as_json:
        _tell_outputs(session, workspace, plan)
    return code


def _tell_outputs(session: Session, workspace: Workspace, plan: Plan) -> None:
    """The answer of an apply: where deployments can be reached."""
    from specr.render.outputs import encode_outputs, render_outputs

    if plan.operation == "apply":
        session.console.answer(render_outputs(encode_outputs(workspace.backend.read())))

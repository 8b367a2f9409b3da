"""`specr state list|show|rm|pull`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from specr.cli.options import lock_option
from specr.cli.parameters import ADDRESS
from specr.cli.running import approve
from specr.cli.session import Session, with_session

if TYPE_CHECKING:
    from specr.address import Address


_INSTEAD = {
    "mv": "A rename deletes the object and makes it anew under its other name.",
    "push": "State is written by apply alone; `specr state pull` prints it.",
}
"""What to do instead of commands that Terraform has."""


class _StateGroup(click.Group):
    """As click's, with a suggestion for what there is not."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            from specr.diagnostics import did_you_mean

            hint = _INSTEAD.get(args[0]) or did_you_mean(args[0], self.commands)
            told = f"There is no command 'state {args[0]}'. {hint or '`specr state --help` lists them.'}"
            raise click.UsageError(told, ctx)
        return super().resolve_command(ctx, args)


@click.group("state", cls=_StateGroup, epilog="Example: specr state show deployment/fraud")
def command() -> None:
    """Look at recorded state, or forget objects."""


@command.command("list", epilog="Example: specr state list | grep deployment/")
@with_session
def list_objects(session: Session) -> None:
    """List what is recorded: one object a line, its address first."""
    from specr.render.state import render_state_list

    with session.open() as workspace:
        listed = render_state_list(workspace.backend.read())
    session.console.answer(listed)
    if not listed:
        session.console.tell("Nothing is recorded yet.\n")


@command.command("show", epilog="Example: specr state show deployment/fraud")
@click.argument("address", type=ADDRESS)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_session
def show(session: Session, *, address: Address, as_json: bool) -> None:
    """Show all that is recorded of one object."""
    from specr.render.state import render_state_show
    from specr.state.codec import encode_recorded
    from specr.workflow.upkeep import find_recorded

    with session.open() as workspace:
        state = workspace.backend.read()
    recorded = find_recorded(state, address)
    if as_json:
        session.console.answer_json(encode_recorded(recorded))
        return
    pending = state.pending.get(address)
    session.console.answer(render_state_show(recorded, pending))


@command.command("rm", epilog="Example: specr state rm deployment/fraud")
@click.argument("addresses", type=ADDRESS, nargs=-1, required=True)
@click.option("--auto-approve", is_flag=True, help="Don't ask.")
@lock_option
@with_session
def remove(
    session: Session, *, addresses: tuple[Address, ...], auto_approve: bool, lock_seconds: float
) -> int:
    """Forget objects, and leave them as they are at their providers.

    What runs goes on running, but specr knows nothing of it any more: a spec
    that still declares it makes it anew.
    """
    from specr.render.words import listed
    from specr.workflow.upkeep import forget

    names = listed(map(str, addresses))
    question = f"Do you want specr to forget {names}?"
    with session.open() as workspace:
        otherwise = "Approve beforehand with --auto-approve."
        if not approve(session.console, question, auto_approve=auto_approve, otherwise=otherwise):
            return 1
        forget(workspace, addresses, lock_seconds=lock_seconds)
    session.console.tell(f"Forgot {names}.\n")
    return 0


@command.command("pull", epilog="Example: specr state pull | jq '.objects[].address'")
@with_session
def pull(session: Session) -> None:
    """Print all of recorded state as JSON."""
    from specr.state.codec import state_to_text

    with session.open() as workspace:
        session.console.answer(state_to_text(workspace.backend.read()))

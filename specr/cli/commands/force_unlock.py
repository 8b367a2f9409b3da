"""`specr force-unlock`."""

from __future__ import annotations

import click

from specr.cli.running import approve
from specr.cli.session import Session, with_session


@click.command("force-unlock", epilog="Example: specr force-unlock 3f9c2a71")
@click.argument("lock_id", metavar="ID")
@click.option("--auto-approve", "--force", is_flag=True, help="Don't ask.")
@with_session
def command(session: Session, *, lock_id: str, auto_approve: bool) -> int:
    """Break the lock of a process that is gone.

    The ID is part of the message that says that the state is locked. A lock
    whose holder died breaks by itself after a minute. The holder of a broken
    lock can't write any more.
    """
    from specr.diagnostics import Diagnostic, DiagnosticError

    with session.open() as workspace:
        backend = workspace.backend
        info = backend.lock_info()
        if info is None or info.id != lock_id:
            held = f"The lock that is held has the ID {info.id}." if info else "The state is not locked."
            remedy = f"specr force-unlock {info.id}" if info else "There is nothing to do."
            raise DiagnosticError(Diagnostic("No such lock", f"There is no lock {lock_id}. {held}", remedy))
        question = f"Is {info.holder} really gone, which took the lock at {info.acquired}?"
        otherwise = f"If it is: specr force-unlock {lock_id} --force"
        if not approve(session.console, question, auto_approve=auto_approve, otherwise=otherwise):
            return 1
        backend.break_lock(lock_id)
    session.console.tell(f"The lock {lock_id} is broken.\n")
    return 0

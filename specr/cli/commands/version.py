"""`specr version`."""

from __future__ import annotations

import click

from specr import __version__
from specr.cli.session import Session, with_session


@click.command("version", epilog="Example: specr version --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the formats that are understood.")
@with_session
def command(session: Session, *, as_json: bool) -> None:
    """Print the version."""
    if not as_json:
        session.console.answer(f"specr {__version__}\n")
        return
    import platform

    from specr.plan.model import PLAN_FORMAT
    from specr.state.model import FORMAT_VERSION

    session.console.answer_json(
        {
            "version": __version__,
            "planFormat": PLAN_FORMAT,
            "stateFormat": FORMAT_VERSION,
            "python": platform.python_version(),
            "platform": platform.platform(),
        }
    )

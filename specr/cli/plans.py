"""Showing plans, saving them and reading them back, for the commands that do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from specr.cli.console import Console
from specr.cli.files import write_whole
from specr.cli.options import Form

if TYPE_CHECKING:
    from specr.plan.model import Plan


def answer_plan(data: dict[str, Any], form: Form, console: Console) -> None:
    """Print a plan's JSON form as it was asked for."""
    if form.name == "json":
        console.answer_json(data)
    elif form.name == "markdown":
        from specr.render.markdown import render_markdown

        console.answer(render_markdown(data, limit=form.limit))
    else:
        from specr.render.terminal import render_plan

        console.answer(render_plan(data, colour=console.stdout_colour, width=console.width))


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan to a file, whole or not at all.

    Raises:
        DiagnosticError: the file can't be written.
    """
    from specr.diagnostics import Diagnostic, DiagnosticError
    from specr.plan.codec import plan_to_text

    try:
        write_whole(path, plan_to_text(plan).encode())
    except OSError as error:
        detail = f"{path} could not be written: {error.strerror or error}."
        remedy = "Choose a file in a folder that is there and can be written to."
        raise DiagnosticError(Diagnostic("Plan can't be saved", detail, remedy)) from error


def load_plan(path: Path) -> Plan:
    """Read a saved plan.

    Raises:
        DiagnosticError: there is no such file, or it holds no plan that can be carried out.
    """
    from specr.diagnostics import Diagnostic, DiagnosticError
    from specr.plan.codec import plan_from_text

    try:
        content = path.read_bytes()
    except OSError as error:
        detail = f"{path} can't be read: {error.strerror or error}."
        raise DiagnosticError(
            Diagnostic("Plan can't be read", detail, f"Make one: specr plan --out {path}")
        ) from error
    return plan_from_text(content, origin=str(path))

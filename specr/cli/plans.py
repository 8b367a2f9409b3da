"""Showing plans, saving them and reading them back, for the commands that do."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from specr.cli.console import Console
from specr.cli.files import write_whole
from specr.cli.options import Form

if TYPE_CHECKING:
    from specr.diagnostics import DiagnosticError
    from specr.plan.model import Plan

PLAN_START: Final = b'{\n  "changes"'
"""How every saved plan begins: keys are in alphabetical order, and indented."""


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


def check_place(path: Path, project: Path) -> None:
    """See that a plan can be saved there, before the work of making one. Writes nothing.

    Raises:
        DiagnosticError: there is no folder to write the file in, it may not be written to, or what is
            there would be lost, or the file would be read as a spec of the project.
    """
    try:
        target = path.resolve()
        special = target.exists() and not target.is_file()
    except RuntimeError as error:  # so pathlib says it
        raise _unsaved(f"{path} is a link that leads back to itself.") from error
    except OSError as error:
        raise _unsaved(f"{path} could not be written: {error.strerror or error}.") from error
    if special:
        return  # a pipe or device, which is written to as it is
    _check_folder(path, target.parent)
    if target.is_file() and not _may_be_replaced(target):
        raise _unsaved(
            f"{path} is there, and holds no saved plan: what it holds would be lost.",
            "Choose another name, or remove the file.",
        )
    inside = target.is_relative_to(project.resolve())
    if inside and target.suffix in {".yaml", ".yml"} and not target.name.startswith("."):
        raise _unsaved(
            f"{path} would be read as a spec of the project from then on.",
            "Choose a name that does not end in .yaml or .yml.",
        )


def _check_folder(path: Path, folder: Path) -> None:
    from specr.workfolder import why_unwritable

    if why := why_unwritable(folder):
        raise _unsaved(f"{why}.")
    if folder.is_dir():
        return
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        raise _unsaved(f"{there} is no folder.")
    import shlex

    raise _unsaved(
        f"There is no folder {path.parent}.", f"Make it: {shlex.join(['mkdir', '-p', str(path.parent)])}"
    )


def _may_be_replaced(file: Path) -> bool:
    """Whether a file is empty or a saved plan, or can't be looked into, which writing it will tell."""
    try:
        with file.open("rb") as stream:
            start = stream.read(64)
    except OSError:
        return True
    return not start or start.startswith(PLAN_START)


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan to a file, whole or not at all.

    Raises:
        DiagnosticError: the file can't be written.
    """
    from specr.plan.codec import plan_to_text

    try:
        write_whole(path, plan_to_text(plan).encode())
    except OSError as error:
        raise _unsaved(f"{path} could not be written: {error.strerror or error}.") from error


def _unsaved(
    detail: str, remedy: str = "Choose a file in a folder that is there and can be written to."
) -> DiagnosticError:
    from specr.diagnostics import Diagnostic, DiagnosticError

    return DiagnosticError(Diagnostic("Plan can't be saved", detail, remedy))


def load_plan(path: Path) -> Plan:
    """Read a saved plan.

    Raises:
        DiagnosticError: there is no such file, or it holds no plan that can be carried out.
    """
    from specr.diagnostics import Diagnostic, DiagnosticError
    from specr.plan.codec import plan_from_text

    try:
        with path.open("rb") as stream:
            kind = os.fstat(stream.fileno()).st_mode
            if not stat.S_ISREG(kind) and not stat.S_ISFIFO(kind):
                detail = f"{path} is a device or socket, which holds no plan."
                remedy = "Name the file of a saved plan."
                raise DiagnosticError(Diagnostic("Plan can't be read", detail, remedy))
            content = stream.read()
    except OSError as error:
        detail = f"{path} can't be read: {error.strerror or error}."
        raise DiagnosticError(
            Diagnostic("Plan can't be read", detail, f"Make one: specr plan --out {path}")
        ) from error
    return plan_from_text(content, origin=str(path))

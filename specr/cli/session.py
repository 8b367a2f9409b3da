"""What a command is given: the project's folder and the console. Opens the project when asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from specr.cli.console import Console

if TYPE_CHECKING:
    from specr.workflow import Workspace

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Session:
    """One run of the program. `root` is the project's folder, `-C` taken into account."""

    root: Path
    console: Console

    def open(self, variables: tuple[tuple[str, str], ...] = ()) -> Workspace:
        """The project, its specs loaded.

        Raises:
            DiagnosticError: the specs hold errors.
        """
        from specr.workflow import Workspace

        return Workspace.open(self.root, variables=dict(variables))


def with_session(command: Callable[..., R]) -> Callable[..., R]:
    """Hand a command its Session as first argument."""

    def run(*args: Any, **kwargs: Any) -> R:
        session = click.get_current_context().find_object(Session)
        assert session is not None
        return command(session, *args, **kwargs)

    return update_wrapper(run, command)

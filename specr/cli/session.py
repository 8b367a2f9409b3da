"""What a command is given: the project's folder and the console. Opens the project when asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import click

from specr.cli.console import Console

if TYPE_CHECKING:
    from pathlib import Path

    from specr.workflow import Workspace

R = TypeVar("R")

_VARIABLE: Final = "SPECR_VAR_"
"""How variables of the environment begin that hold values of a project's variables."""


class Session(NamedTuple):
    """One run of the program. `folder` is where the project is, `-C` taken into account."""

    folder: str
    console: Console

    @property
    def root(self) -> Path:
        """The project's folder."""
        from pathlib import Path

        return Path(self.folder)

    def open(self, variables: tuple[tuple[str, str], ...] = ()) -> Workspace:
        """The project, its specs loaded. Values of variables come over those in the environment.

        Raises:
            DiagnosticError: the specs hold errors.
        """
        from specr.workflow import Workspace

        return Workspace.open(self.root, variables=self.values(variables))

    def values(self, variables: tuple[tuple[str, str], ...]) -> dict[str, str]:
        """Values of variables by name: those given, and those of the environment for what is declared.

        Another project's variables may stand in the environment, so what is not declared is left out.
        """
        found = {
            name.removeprefix(_VARIABLE): value
            for name, value in os.environ.items()
            if name.startswith(_VARIABLE)
        }
        if found:
            declared = _declared(self.root)
            found = {name: value for name, value in found.items() if name in declared}
        return {**found, **dict(variables)}


def _declared(root: Path) -> frozenset[str]:
    """The names of the variables that the project in a folder declares, as far as it can be read."""
    from specr.spec.read import read_tree
    from specr.spec.tree import FolderTree
    from specr.spec.variables import declared_variables

    documents = [document.value for document in read_tree(FolderTree(root), {}).documents]
    projects = (value for value in documents if isinstance(value, dict) and value.get("kind") == "Project")
    return frozenset(name for project in projects for name in declared_variables(project.get("spec")))


def with_session(command: Callable[..., R]) -> Callable[..., R]:
    """Hand a command its Session as first argument."""

    def run(*args: Any, **kwargs: Any) -> R:
        session = click.get_current_context().find_object(Session)
        assert session is not None
        return command(session, *args, **kwargs)

    return update_wrapper(run, command)

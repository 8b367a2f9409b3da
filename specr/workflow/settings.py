"""What is wrong with the settings of a project, found without acting on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from specr.backends.catalog import open_backend
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.plan.ports import check_ports
from specr.resources.project import Project
from specr.workflow.places import check_places
from specr.workflow.workspace import Workspace


def check_settings(workspace: Workspace) -> tuple[Diagnostic, ...]:
    """Findings about the settings of sources, backend, store and providers, and about ports at these.

    Opens what the project names, which neither reads nor asks anything.
    """
    found = [*workspace.check_sources(), *check_places(workspace.specs.project, workspace.root)]
    for open_ in _openings(workspace):
        try:
            open_()
        except DiagnosticError as error:
            found += error.diagnostics
    try:
        found += check_ports(workspace.specs, lambda name: workspace.provider(name, "").schema)
    except DiagnosticError as error:  # a provider with wrong settings
        found += error.diagnostics
    return tuple(found)


def _openings(workspace: Workspace) -> Iterator[Callable[[], object]]:
    project, unsaid = workspace.specs.project, Project(name="defaults")
    if project.backend != unsaid.backend:
        yield partial(open_backend, project.backend, workspace.root)
    if project.store != unsaid.store:
        yield lambda: workspace.store
    for name in project.providers:
        yield partial(workspace.provider, name, "")

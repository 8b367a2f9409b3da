"""Whether recorded deployments run as they were applied, for commands that only look at them.

These answer from what is recorded; what a provider says, or that it says nothing, is a warning beside that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from specr.address import Address
from specr.diagnostics import Diagnostic, DiagnosticError, Severity
from specr.plan.changes import drifted_attributes
from specr.state.model import State

if TYPE_CHECKING:
    from specr.workflow.workspace import Workspace


def check_standing(workspace: Workspace, addresses: Iterable[Address]) -> tuple[Diagnostic, ...]:
    """Ask the providers of recorded deployments, once each, and tell what is not as it was applied."""
    state = workspace.backend.read()
    by_provider: dict[str, list[Address]] = defaultdict(list)
    for address in addresses:
        if address.kind == "deployment" and address in state.objects:
            by_provider[state.objects[address].provider].append(address)
    return tuple(found for group in by_provider.values() for found in _check(workspace, state, group))


def _check(workspace: Workspace, state: State, addresses: list[Address]) -> Iterator[Diagnostic]:
    """What one provider says of its deployments; that it says nothing keeps no other from being asked."""
    try:
        observed = workspace.observe(state, addresses)
    except DiagnosticError as error:
        for found in error.diagnostics:
            yield Diagnostic(
                "Not known whether it runs",
                f"{found.summary}: {found.detail}",
                "What is shown is what was recorded by the last apply.",
                Severity.WARNING,
            )
        return
    for address, seen in sorted(observed.items()):
        recorded = state.objects[address]
        if seen.exists and not drifted_attributes(recorded, seen):
            continue
        yield Diagnostic(
            "Deployment does not run as it was applied",
            f"{address}: {seen.message.removesuffix('.') or 'it was changed outside of specr'}.",
            "`specr plan` shows what differs, and `specr apply` puts it right.",
            Severity.WARNING,
            address=address,
        )

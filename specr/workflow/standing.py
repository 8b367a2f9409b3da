"""Whether a recorded deployment runs as it was applied, for a command that only looks at it.

What a provider says, or that it says nothing, is a warning beside the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from specr.address import Address
from specr.diagnostics import Diagnostic, DiagnosticError, Severity
from specr.plan.changes import drifted_attributes

if TYPE_CHECKING:
    from specr.workflow.workspace import Workspace


def check_standing(workspace: Workspace, address: Address) -> tuple[Diagnostic, ...]:
    """Ask the provider of a deployment, if it is recorded, and tell what is not as it was applied."""
    return tuple(_check(workspace, address))


def _check(workspace: Workspace, address: Address) -> Iterator[Diagnostic]:
    state = workspace.backend.read()
    recorded = state.objects.get(address)
    if address.kind != "deployment" or recorded is None:
        return
    try:
        seen = workspace.observe(state, [address])[address]
    except DiagnosticError as error:
        for found in error.diagnostics:
            yield Diagnostic(
                "Not known whether it runs",
                f"{found.summary}: {found.detail}",
                "What is shown is what was recorded by the last apply.",
                Severity.WARNING,
            )
        return
    if not seen.exists or drifted_attributes(recorded, seen):
        yield Diagnostic(
            "Deployment does not run as it was applied",
            f"{address}: {seen.message.removesuffix('.') or 'it was changed outside of specr'}.",
            "`specr plan` shows what differs, and `specr apply` puts it right.",
            Severity.WARNING,
            address=address,
        )
    if seen.silent:
        yield Diagnostic(
            "Deployment does not answer",
            f"{address}: {seen.silent}.",
            f"If it is not just busy, `specr apply --replace {address}` starts it anew.",
            Severity.WARNING,
            address=address,
        )

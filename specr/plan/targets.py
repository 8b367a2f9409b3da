"""Targets: which addresses a plan is limited to, when the user names some. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from specr.address import Address
from specr.diagnostics import Diagnostic, did_you_mean
from specr.graph import Graph, ancestors, descendants
from specr.plan.desired import Desired
from specr.state.model import State


def close_targets(
    targets: Iterable[Address], desired: Mapping[Address, Desired], state: State, *, destroy: bool
) -> frozenset[Address]:
    """The targets, and all that they need to be there; for a destroy, all that needs them.

    An address that is only recorded goes when it is a target; with it goes what is
    recorded as needing it and no longer declared.
    """
    wanted: Graph = {address: d.dependencies for address, d in desired.items()}
    recorded: Graph = {address: r.dependencies for address, r in state.objects.items()}
    roots = frozenset(targets)
    if destroy:
        return roots | descendants(recorded, roots)
    going = roots - wanted.keys()
    return roots | ancestors(wanted, roots) | (descendants(recorded, going) - wanted.keys())


def check_targets(
    targets: Iterable[Address], desired: Mapping[Address, Desired], state: State
) -> tuple[Diagnostic, ...]:
    """A diagnostic for each target that is neither declared nor recorded."""
    known = desired.keys() | state.objects.keys() | state.pending.keys()
    return tuple(
        Diagnostic(
            "Unknown target",
            f"{target} is neither declared by a spec nor recorded in the state.",
            did_you_mean(str(target), map(str, known)) or "List what there is with `specr state list`.",
        )
        for target in sorted(set(targets))
        if target not in known
    )

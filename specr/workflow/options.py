"""What users can ask of a plan, beside what their specs say."""

from __future__ import annotations

from dataclasses import dataclass

from specr.address import Address


@dataclass(frozen=True, slots=True)
class Options:
    """Options of plan, apply and destroy.

    `targets` limit the plan to these and what they need; none means everything.
    `replace` are made anew. `refresh` looks at what really runs. `allow_delete` are
    protected deployments that may go.
    """

    targets: tuple[Address, ...] = ()
    replace: tuple[Address, ...] = ()
    refresh: bool = True
    destroy: bool = False
    allow_delete: frozenset[Address] = frozenset()

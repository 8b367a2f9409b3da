"""What users can ask of a plan, beside what their specs say, and what they get."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Flag
from typing import TYPE_CHECKING

from msgspec import Struct, field

from specr.address import Address
from specr.diagnostics import Diagnostic

if TYPE_CHECKING:
    from specr.apply.events import Observer
    from specr.plan.model import Plan


class Options(Struct, frozen=True):
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


class Manner(Struct, frozen=True):
    """How a plan is carried out.

    `parallelism` bounds how many changes are under way at once, `lock_seconds` how long
    the lock is waited for. Once `stopping` is set, nothing new begins. `replan` makes the
    plan anew, for whoever wants whatever is planned once the lock is there; without it, a
    plan that the state has moved away from is refused. A `saved` plan is also held against
    the specs as they are now.
    """

    observer: Observer
    parallelism: int = 10
    lock_seconds: float = 0.0
    stopping: Flag = field(default_factory=Flag)
    replan: Callable[[], Plan] | None = None
    saved: bool = False


class Planned(Struct, frozen=True):
    """A plan that may be carried out, and the warnings that came with it."""

    plan: Plan
    diagnostics: tuple[Diagnostic, ...] = ()

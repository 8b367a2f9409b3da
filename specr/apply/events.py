"""What apply tells while it works. Observers watch and never steer.

Events are frozen values that nest: a run holds steps, a step holds progress.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from msgspec import Struct, field

from specr.address import Address
from specr.canonical import JsonObject
from specr.diagnostics import Diagnostic
from specr.plan.model import Action, Effect


class OutcomeKind(Enum):
    """What became of one change."""

    DONE = "done"
    UNCHANGED = "unchanged"
    """What was known only after apply turned out to be what is there already."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not begun, because of a failure below it or an interruption."""


class Outcome(Struct, frozen=True):
    """What became of the change of one address.

    `because` is the address whose failure made this one be skipped; None where the run
    was interrupted. `attributes` are those recorded, for a change that is done.
    `seconds` is how long it took.
    """

    address: Address
    action: Action
    kind: OutcomeKind
    diagnostics: tuple[Diagnostic, ...] = ()
    because: Address | None = None
    attributes: JsonObject = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def succeeded(self) -> bool:
        """Whether what depends on it may go on."""
        return self.kind in {OutcomeKind.DONE, OutcomeKind.UNCHANGED}


class RunStarted(Struct, frozen=True):
    """The first event. `steps` is how many changes will be carried out."""

    operation: str
    plan: str
    steps: int


class StepStarted(Struct, frozen=True):
    """A change is begun."""

    address: Address
    action: Action
    effect: Effect


class StepProgress(Struct, frozen=True):
    """A change goes on.

    `stage` is one of `fetch`, `build`, `create`, `ready`, `verify`, `promote`, `delete`;
    `message` says in a few words what is being waited for.
    """

    address: Address
    stage: str
    message: str = ""


class StepFinished(Struct, frozen=True):
    """A change has come to its end. Skipped ones have no StepStarted."""

    outcome: Outcome


class RunFinished(Struct, frozen=True):
    """The last event. `status` is `succeeded`, `failed` or `interrupted`; `summary` counts outcomes."""

    status: str
    summary: Mapping[str, int]
    seconds: float


Event = RunStarted | StepStarted | StepProgress | StepFinished | RunFinished

Observer = Callable[[Event], None]
"""Gets each event from the scheduling thread, in order. Must return soon and never raise."""

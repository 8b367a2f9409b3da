"""The plan: plain data that leaves apply no choices."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any, Final

from msgspec import Struct, field

from specr.address import Address
from specr.canonical import Json, JsonObject
from specr.diagnostics import Path
from specr.state.model import ObjectRef

PLAN_FORMAT: Final = 1
"""The version of saved plans that this specr writes and carries out."""


class Action(Enum):
    """What happens to one address. The value is its name in JSON."""

    NOOP = "noop"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    FORGET = "forget"

    @property
    def symbol(self) -> str:
        """How plans show it: Terraform's symbols."""
        return _SYMBOLS[self]

    @property
    def changes(self) -> bool:
        """Whether anything is done at all."""
        return self is not Action.NOOP


_SYMBOLS: Final = {
    Action.NOOP: " ",
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "-/+",
    Action.DELETE: "-",
    Action.FORGET: ".",
}


class Effect(Enum):
    """How apply carries a change out."""

    NONE = "none"
    """Nothing to do."""
    RECORD = "record"
    """Only recorded state changes."""
    FETCH = "fetch"
    """Artifact bytes are brought into the store."""
    BUILD = "build"
    """A processor runs; its output goes to the store."""
    REUSE = "reuse"
    """A build's output is in the store already, by its fingerprint."""
    ROLL_OUT = "roll-out"
    """A new object is started, verified and promoted; then older ones go."""
    IN_PLACE = "in-place"
    """The provider changes the object that is there."""
    VERIFY = "verify"
    """The object stays as it is, and is verified against what is now expected of it."""
    REMOVE = "remove"
    """The provider deletes the object."""


class Reason(Enum):
    """Why a change is planned; renderers turn it into words."""

    UNCHANGED = "unchanged"
    NOT_RECORDED = "not-recorded"
    ARGUMENTS = "arguments"
    UPSTREAM = "upstream"
    PROVIDER = "provider"
    MISSING = "missing"
    DRIFTED = "drifted"
    TAINTED = "tainted"
    REQUESTED = "requested"
    INTERRUPTED = "interrupted"
    NOT_DECLARED = "not-declared"
    NOT_NEEDED = "not-needed"
    DESTROY = "destroy"


class Cause(Struct, frozen=True):
    """Why: the reason, the argument that made it so, and the upstream address behind that."""

    reason: Reason
    path: Path = ()
    upstream: Address | None = None
    message: str = ""
    """What a provider said of an object that drifted; what was begun before, and why. For display only."""


class Difference(Struct, frozen=True):
    """One argument or attribute that differs. For display only.

    `unknown` means that the planned value is known after apply.
    """

    path: Path
    prior: Json = None
    planned: Json = None
    unknown: bool = False


class Change(Struct, frozen=True):
    """What happens to one address, and all that apply needs for it.

    `planned` are the arguments to reach (None when the object goes), `prior` those
    recorded. Values known after apply stand in `planned` as placeholders, see
    `specr.plan.unknown`. `unknown` are the paths of those and of the attributes that will
    be known after apply. `after` are the addresses whose changes come first.
    `token` marks the object to reach at the provider; `discard` are objects that must be
    gone in the end. `basis` is the digest of what was observed of the object when this was
    planned: apply refuses if it has changed. `interrupts` says that callers will notice.
    """

    address: Address
    action: Action
    effect: Effect
    cause: Cause
    prior: JsonObject | None = None
    planned: JsonObject | None = None
    differences: tuple[Difference, ...] = ()
    unknown: tuple[Path, ...] = ()
    dependencies: tuple[Address, ...] = ()
    after: tuple[Address, ...] = ()
    provider: str = ""
    token: str = ""
    discard: tuple[ObjectRef, ...] = ()
    basis: str = ""
    interrupts: bool = False

    @property
    def is_wish(self) -> bool:
        """Whether specs and state don't ask for it, but somebody who planned it with --replace."""
        taken_up = self.action is Action.REPLACE and self.cause.reason is Reason.INTERRUPTED
        return taken_up or self.cause.reason is Reason.REQUESTED


class Drift(Struct, frozen=True):
    """What was found to differ from recorded state, whether or not this plan heals it.

    `healed` says that a change of this plan does. `silent` that nothing differs, but that it does not
    answer: no plan heals that by itself, as it may only be busy.
    """

    address: Address
    message: str
    differences: tuple[Difference, ...] = ()
    healed: bool = False
    silent: bool = False


class Plan(Struct, frozen=True):
    """All changes, in an order that they may be carried out in, noops included.

    `spec_digest` covers everything that planning read but recorded state: resources,
    sources, settings. `targets` is empty for a whole plan. `operation` is `apply` or
    `destroy`. A saved plan leaves noops out and counts them in `unchanged`.
    """

    operation: str
    lineage: str
    serial: int
    spec_digest: str
    changes: tuple[Change, ...]
    drift: tuple[Drift, ...] = ()
    targets: tuple[Address, ...] = ()
    unchanged: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether carrying it out would do nothing."""
        return not any(c.action.changes for c in self.changes)

    @property
    def is_settled(self) -> bool:
        """Whether it would do nothing, and found nothing amiss with what it is about."""
        covered = {change.address for change in self.changes}
        return self.is_empty and all(d.healed or d.address not in covered for d in self.drift)

    @property
    def steps(self) -> tuple[Change, ...]:
        """The changes that do something."""
        return tuple(c for c in self.changes if c.action.changes)


class Summary(Struct, frozen=True):
    """How many addresses each action touches."""

    counts: dict[Action, int] = field(default_factory=dict)

    @classmethod
    def of(cls, changes: Iterable[Change]) -> Summary:
        """Count the changes."""
        counts = dict.fromkeys(Action, 0)
        for change in changes:
            counts[change.action] += 1
        return cls(counts)

    def to_json(self) -> dict[str, Any]:
        """Counts by the action's name, zeroes included."""
        return {action.value: self.counts.get(action, 0) for action in Action}

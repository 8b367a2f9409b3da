"""What happens to one address, decided from all that is known of it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from specr.address import Address
from specr.canonical import digest_of
from specr.plan.causes import VERIFIED, cause_of, decisive_arguments
from specr.plan.desired import Desired, effect_of
from specr.plan.diff import changed_keys, diff_arguments
from specr.plan.endpoints import costs_a_gap, endpoint_moves, known_endpoint, with_move
from specr.plan.model import Action, Cause, Change, Difference, Effect, Reason
from specr.plan.observed import Observation, ProviderSchema
from specr.plan.unknown import find_placeholders
from specr.state.model import ObjectRef, Pending, RecordedObject

_COMPUTED: Final = {"artifact": ("size",), "build": ("digest", "size"), "deployment": ("endpoint",)}
"""Attributes that objects of a kind get when they are made, for "known after apply"."""

_BEGUN: Final = "an earlier apply began a change here and did not finish"
_STILL_ASKED_FOR: Final = "--replace asked for it then"


class Situation(Struct, frozen=True):
    """All that is known of one address when its change is decided."""

    address: Address
    desired: Desired | None
    recorded: RecordedObject | None
    pending: Pending | None
    observed: Observation | None
    schema: ProviderSchema
    lineage: str
    serial: int
    destroying: bool
    replace: bool
    reusable: bool

    @property
    def is_missing(self) -> bool:
        """Whether the recorded object was looked for and is not there."""
        return self.observed is not None and not self.observed.exists


def decide(situation: Situation) -> Change:
    """The change for one address."""
    change = _decide(situation)
    if situation.pending is None or change.cause.reason is Reason.INTERRUPTED:
        return change
    # Whatever else the reason is: what was begun is taken up here, or removed.
    message = "; ".join(filter(None, (change.cause.message.removesuffix("."), _BEGUN)))
    return replace(change, cause=replace(change.cause, message=message))


def _decide(s: Situation) -> Change:
    if s.desired is None:
        return _delete(s)
    if s.recorded is None:
        reason = Reason.NOT_RECORDED if s.pending is None else Reason.INTERRUPTED
        return _make(s, s.desired, Action.CREATE, Cause(reason))
    for rule in _RULES:
        change = rule(s, s.desired, s.recorded)
        if change is not None:
            return change
    return _change(s, s.desired, s.recorded.token)


def _missing(s: Situation, desired: Desired, _recorded: RecordedObject) -> Change | None:
    if not s.is_missing:
        return None
    assert s.observed is not None
    return _make(s, desired, Action.CREATE, Cause(Reason.MISSING, message=s.observed.message))


def _asked_for(s: Situation, desired: Desired, recorded: RecordedObject) -> Change | None:
    if recorded.tainted:
        cause = Cause(Reason.TAINTED)
    elif s.replace:
        cause = Cause(Reason.REQUESTED)
    elif _is_half_replaced(s, desired, recorded):
        cause = Cause(Reason.INTERRUPTED, message=_STILL_ASKED_FOR)
    else:
        return None
    differences = diff_arguments(recorded.arguments, desired.arguments)
    anew = replace(s, reusable=False)  # what the store has of it is what was to be made anew
    return _make(anew, desired, Action.REPLACE, cause, differences)


def _is_half_replaced(s: Situation, desired: Desired, recorded: RecordedObject) -> bool:
    """Whether an apply died that made the same thing anew because --replace asked for it.

    Nothing else begins a replacement whose effect is that of what is recorded.
    """
    return (
        s.pending is not None
        and s.pending.action == Action.REPLACE.value
        and s.pending.token != recorded.token
        and _takes_up(s.pending, desired)
        and effect_of(s.address, recorded.arguments, s.schema) == desired.effect
    )


def _changed(s: Situation, desired: Desired, recorded: RecordedObject) -> Change | None:
    if recorded.fingerprint == desired.fingerprint:
        return None
    differences = diff_arguments(recorded.arguments, desired.arguments)
    effect = effect_of_change(desired, recorded, s.schema)
    cause = cause_of(desired, differences, decisive_arguments(desired, recorded, effect, s.schema))
    if effect in {Effect.ROLL_OUT, Effect.FETCH, Effect.BUILD}:
        moved = desired.provider != recorded.provider
        if moved:
            cause = Cause(Reason.PROVIDER, ("provider",))
        rolling = effect is Effect.ROLL_OUT and not moved
        return _make(s, desired, Action.UPDATE if rolling else Action.REPLACE, cause, differences)
    return _touch(s, desired, effect, cause, differences)


def _drifted(s: Situation, desired: Desired, recorded: RecordedObject) -> Change | None:
    found = drifted_attributes(recorded, s.observed) if s.observed is not None else ()
    if s.observed is None or not found:
        return None
    cause = Cause(Reason.DRIFTED, message=s.observed.message)
    if any(d.path[0] in s.schema.renewing for d in found):
        return _make(s, desired, Action.UPDATE, cause, found)
    back = tuple(Difference(d.path, d.planned, d.prior) for d in found)
    return _touch(s, desired, Effect.IN_PLACE, cause, back)


def _interrupted(s: Situation, desired: Desired, recorded: RecordedObject) -> Change | None:
    """Nothing differs, but something was begun: make sure that only the recorded object is left."""
    if s.pending is None:
        return None
    effect = Effect.ROLL_OUT if recorded.address.kind == "deployment" else Effect.RECORD
    return _touch(s, desired, effect, Cause(Reason.INTERRUPTED), ())


_Rule = Callable[[Situation, Desired, RecordedObject], Change | None]
_RULES: Final[tuple[_Rule, ...]] = (_missing, _asked_for, _changed, _drifted, _interrupted)
"""The first rule with an answer decides."""


def effect_of_change(desired: Desired, recorded: RecordedObject, schema: ProviderSchema) -> Effect:
    """How a change of arguments is carried out: with a new object, or with less."""
    address = desired.address
    if address.kind not in _COMPUTED:
        return Effect.RECORD
    if (
        desired.provider != recorded.provider
        or effect_of(address, recorded.arguments, schema) != desired.effect
    ):
        return {"artifact": Effect.FETCH, "build": Effect.BUILD, "deployment": Effect.ROLL_OUT}[address.kind]
    if address.kind != "deployment":
        return Effect.RECORD
    changed = changed_keys(desired.arguments, recorded.arguments)
    if changed & schema.in_place:
        return Effect.IN_PLACE
    return Effect.VERIFY if changed & VERIFIED else Effect.RECORD


def drifted_attributes(recorded: RecordedObject, observation: Observation) -> tuple[Difference, ...]:
    """The observed attributes that are not as recorded."""
    return tuple(
        Difference((key,), recorded.attributes.get(key), value)
        for key, value in sorted(observation.attributes.items())
        if digest_of(recorded.attributes.get(key)) != digest_of(value)
    )


def make_token(lineage: str, address: Address, effect: str, serial: int) -> str:
    """Marks what one plan makes for an address: the same plan always gives the same token."""
    text = "\n".join((lineage, str(address), effect, str(serial)))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _make(
    s: Situation, desired: Desired, action: Action, cause: Cause, differences: tuple[Difference, ...] = ()
) -> Change:
    """A change that makes something new: fetches, builds, rolls out, or only records."""
    effect = _making(s)
    token = _token_for(s, desired) if desired.provider else ""
    base = _change(s, desired, token)
    endpoint = known_endpoint(desired, s.schema)
    before = s.recorded if effect is Effect.ROLL_OUT else None
    moves = before is not None and endpoint_moves(desired, before, s.schema)
    if before is not None and moves:
        differences = with_move(differences, before, endpoint)
    made = () if effect is Effect.REUSE else _COMPUTED.get(s.address.kind, ())  # the store has what it is
    computed = tuple((key,) for key in made if key != "endpoint" or not endpoint)
    return replace(
        base,
        action=action,
        effect=effect,
        cause=cause,
        differences=differences,
        unknown=tuple(dict.fromkeys((*base.unknown, *computed))),
        interrupts=before is not None and (moves or _costs_a_gap(s, desired, before)),
    )


def _takes_up(pending: Pending, desired: Desired) -> bool:
    """Whether what was begun is what is wanted."""
    return pending.effect == desired.effect and pending.provider == desired.provider


def _costs_a_gap(s: Situation, desired: Desired, before: RecordedObject) -> bool:
    """Whether a service that there is will be interrupted."""
    return not s.is_missing and costs_a_gap(desired, before, s.schema)


def _making(s: Situation) -> Effect:
    match s.address.kind:
        case "artifact":
            return Effect.FETCH
        case "build":
            return Effect.REUSE if s.reusable else Effect.BUILD
        case "deployment":
            return Effect.ROLL_OUT
        case _:
            return Effect.RECORD


def _token_for(s: Situation, desired: Desired) -> str:
    """The token of an interrupted making of the same thing, or a new one."""
    if s.pending is not None and _takes_up(s.pending, desired):
        return s.pending.token
    return make_token(s.lineage, s.address, desired.effect, s.serial)


def _touch(
    s: Situation,
    desired: Desired,
    effect: Effect,
    cause: Cause,
    differences: tuple[Difference, ...],
) -> Change:
    """A change to the object that is there already."""
    assert s.recorded is not None
    base = _change(s, desired, s.recorded.token)
    return replace(base, action=Action.UPDATE, effect=effect, cause=cause, differences=differences)


def _change(s: Situation, desired: Desired, token: str) -> Change:
    """What every change of a desired object holds; as it stands, it does nothing."""
    return Change(
        address=s.address,
        action=Action.NOOP,
        effect=Effect.NONE,
        cause=Cause(Reason.UNCHANGED),
        prior=s.recorded.arguments if s.recorded else None,
        planned=desired.arguments,
        unknown=tuple(find_placeholders(desired.arguments)) if desired.has_unknown else (),
        dependencies=desired.dependencies,
        provider=desired.provider,
        token=token,
        discard=_others(s, token),
        basis=_basis(s),
    )


def _delete(s: Situation) -> Change:
    """Nothing is wanted here: remove the recorded object and whatever was begun."""
    refs = _others(s, "")
    if s.destroying:
        cause = Cause(Reason.DESTROY)
    elif s.recorded is None:
        cause = Cause(Reason.INTERRUPTED)
    else:
        cause = Cause(Reason.NOT_NEEDED if s.address.kind == "build" else Reason.NOT_DECLARED)
    running = s.recorded is not None and s.address.kind == "deployment" and not s.is_missing
    return Change(
        address=s.address,
        action=Action.DELETE,
        effect=Effect.REMOVE if refs else Effect.RECORD,
        cause=cause,
        prior=s.recorded.arguments if s.recorded else None,
        provider=s.recorded.provider if s.recorded else s.pending.provider if s.pending else "",
        discard=refs,
        basis=_basis(s),
        interrupts=running,
    )


def _others(s: Situation, token: str) -> tuple[ObjectRef, ...]:
    """Every object that may exist for this address, but for the one with this token."""
    refs = [s.recorded.ref] if s.recorded and s.recorded.token else []
    if s.pending is not None:
        refs += [s.pending.ref, *s.pending.leftovers]
    by_key = {(ref.provider, ref.token): ref for ref in reversed(refs)}
    return tuple(ref for _, ref in sorted(by_key.items()) if ref.token not in ("", token))


def _basis(s: Situation) -> str:
    """The digest of what was observed of the object; "" where nothing was looked at."""
    if s.observed is None:
        return ""
    return digest_of([s.observed.exists, dict(s.observed.attributes)])

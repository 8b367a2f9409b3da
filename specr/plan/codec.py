"""Plans as JSON: what is saved, what renderers read, and the way back.

The same plan always gives the same bytes: no clock, no machine, no user is part of it.
This module must not touch files, nor judge a plan beyond whether it is one.
"""

from __future__ import annotations

from typing import Any, Final

from specr import __version__
from specr.address import Address
from specr.canonical import Json, JsonObject, decode_json, digest_of, encode_pretty
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.plan.fields import Field, MisfitError
from specr.plan.model import (
    PLAN_FORMAT,
    Action,
    Cause,
    Change,
    Difference,
    Drift,
    Effect,
    Plan,
    Reason,
    Summary,
)
from specr.state.model import ObjectRef

OPERATIONS: Final = frozenset({"apply", "destroy"})
"""What a plan can be for."""

_REMEDY: Final = "Make a new one: specr plan --out FILE"


def encode_plan(plan: Plan) -> dict[str, Any]:
    """A plan's JSON form: noops left out and counted, with the digest of all the rest."""
    steps = plan.steps
    unchanged = max(plan.unchanged, len(plan.changes) - len(steps))  # noops may be listed and counted both
    data: dict[str, Any] = {
        "format": PLAN_FORMAT,
        "specrVersion": __version__,
        "operation": plan.operation,
        "lineage": plan.lineage,
        "serial": plan.serial,
        "specDigest": plan.spec_digest,
        "targets": _addresses(plan.targets),
        "changes": [_encode_change(change) for change in steps],
        "drift": [_encode_drift(drift) for drift in plan.drift],
        "unchanged": unchanged,
        "summary": _summary(steps, unchanged),
    }
    data["digest"] = digest_of(data)
    return data


def decode_plan(data: Json, *, origin: str = "the plan") -> Plan:
    """Turn a plan's JSON form back into the plan; `origin` names it in messages.

    Raises:
        DiagnosticError: it is no plan, is of a newer format, was edited or cut short, or
            does not hold together.
    """
    _check_format(data, origin)
    _check_digest(data, origin)
    try:
        plan = _decode(Field(data))
    except MisfitError as error:
        raise DiagnosticError(_damaged(origin, str(error))) from error
    return plan


def plan_to_text(plan: Plan) -> str:
    """The text of a saved plan."""
    return encode_pretty(encode_plan(plan))


def plan_from_text(text: str | bytes, *, origin: str = "the plan") -> Plan:
    """The plan that a saved plan's text holds; `origin` names the file in messages.

    Raises:
        DiagnosticError: as for `decode_plan`.
    """
    try:
        data = decode_json(text)
    except ValueError as error:
        detail = f"{origin} is not JSON: it is another kind of file, or was cut short."
        raise DiagnosticError(Diagnostic("Not a saved plan", detail, _REMEDY)) from error
    return decode_plan(data, origin=origin)


def plan_digest(plan: Plan) -> str:
    """The digest that names a plan: equal exactly when the saved plans are the same."""
    return str(encode_plan(plan)["digest"])


def _check_format(data: Json, origin: str) -> None:
    found = data.get("format") if isinstance(data, dict) and "specDigest" in data else None
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        detail = f"{origin} is JSON, but no plan that specr has saved."
        raise DiagnosticError(Diagnostic("Not a saved plan", detail, _REMEDY))
    if found > PLAN_FORMAT:
        detail = (
            f"{origin} has format {found}, written by specr {data.get('specrVersion', 'unknown')}; "
            f"this is specr {__version__}, which knows formats up to {PLAN_FORMAT}."
        )
        remedy = f"Upgrade specr. Or make a new plan with this one: {_REMEDY.partition(': ')[2]}"
        raise DiagnosticError(Diagnostic("Saved plan of a newer format", detail, remedy))


def _check_digest(data: Json, origin: str) -> None:
    rest = {key: value for key, value in data.items() if key != "digest"}
    try:
        found = digest_of(rest)
    except TypeError as error:
        raise DiagnosticError(_damaged(origin, str(error))) from error
    if data.get("digest") != found:
        why = "its digest does not fit its content, so it was edited or cut short after it was saved"
        raise DiagnosticError(_damaged(origin, why))


def _damaged(origin: str, why: str) -> Diagnostic:
    return Diagnostic("Damaged plan", f"{origin} can't be carried out: {why}.", _REMEDY)


def _decode(data: Field) -> Plan:
    data.only(
        "format", "specrVersion", "operation", "lineage", "serial", "specDigest", "targets",
        "changes", "drift", "unchanged", "summary", "digest",
    )  # fmt: skip
    data["specrVersion"].text()
    plan = Plan(
        operation=data["operation"].text(OPERATIONS),
        lineage=data["lineage"].text(),
        serial=data["serial"].count(),
        spec_digest=data["specDigest"].text(),
        changes=data["changes"].all(_decode_change),
        drift=data["drift"].all(_decode_drift),
        targets=data["targets"].all(Field.address),
        unchanged=data["unchanged"].count(),
    )
    _check_coherence(plan, data)
    return plan


def _check_coherence(plan: Plan, data: Field) -> None:
    seen = set[Address]()
    for position, change in enumerate(plan.changes):
        if change.address in seen:
            raise MisfitError(("changes", position), f"{change.address} comes twice")
        seen.add(change.address)
    if data["summary"].value != _summary(plan.changes, plan.unchanged):
        raise MisfitError(("summary",), "it does not count the changes")


def _summary(steps: tuple[Change, ...], unchanged: int) -> dict[str, int]:
    counts: dict[str, int] = Summary.of(steps).to_json()
    return counts | {Action.NOOP.value: unchanged}


def _encode_change(change: Change) -> dict[str, Any]:
    return {
        "address": str(change.address),
        "action": change.action.value,
        "effect": change.effect.value,
        "cause": _encode_cause(change.cause),
        "prior": _object(change.prior),
        "planned": _object(change.planned),
        "differences": [encode_difference(difference) for difference in change.differences],
        "unknown": [list(path) for path in change.unknown],
        "dependencies": _addresses(change.dependencies),
        "after": _addresses(change.after),
        "provider": change.provider,
        "token": change.token,
        "discard": [_encode_ref(ref) for ref in change.discard],
        "basis": change.basis,
        "interrupts": change.interrupts,
    }


def _decode_change(data: Field) -> Change:
    data.only(
        "address", "action", "effect", "cause", "prior", "planned", "differences", "unknown",
        "dependencies", "after", "provider", "token", "discard", "basis", "interrupts",
    )  # fmt: skip
    return Change(
        address=data["address"].address(),
        action=data["action"].member(Action, without=(Action.NOOP,)),
        effect=data["effect"].member(Effect),
        cause=_decode_cause(data["cause"]),
        prior=data["prior"].optional(Field.object),
        planned=data["planned"].optional(Field.object),
        differences=data["differences"].all(_decode_difference),
        unknown=data["unknown"].all(Field.trail),
        dependencies=data["dependencies"].all(Field.address),
        after=data["after"].all(Field.address),
        provider=data["provider"].text(),
        token=data["token"].text(),
        discard=data["discard"].all(_decode_ref),
        basis=data["basis"].text(),
        interrupts=data["interrupts"].flag(),
    )


def _encode_cause(cause: Cause) -> dict[str, Any]:
    return {
        "reason": cause.reason.value,
        "path": list(cause.path),
        "upstream": None if cause.upstream is None else str(cause.upstream),
        "message": cause.message,
    }


def _decode_cause(data: Field) -> Cause:
    data.only("reason", "path", "upstream", "message")
    return Cause(
        reason=data["reason"].member(Reason),
        path=data["path"].trail(),
        upstream=data["upstream"].optional(Field.address),
        message=data["message"].text(),
    )


def encode_difference(difference: Difference) -> dict[str, Any]:
    """The JSON form of a difference."""
    return {
        "path": list(difference.path),
        "prior": difference.prior,
        "planned": difference.planned,
        "unknown": difference.unknown,
    }


def _decode_difference(data: Field) -> Difference:
    data.only("path", "prior", "planned", "unknown")
    return Difference(
        path=data["path"].trail(),
        prior=data["prior"].value,
        planned=data["planned"].value,
        unknown=data["unknown"].flag(),
    )


def _encode_drift(drift: Drift) -> dict[str, Any]:
    return {
        "address": str(drift.address),
        "message": drift.message,
        "differences": [encode_difference(difference) for difference in drift.differences],
        "healed": drift.healed,
        "silent": drift.silent,
    }


def _decode_drift(data: Field) -> Drift:
    data.only("address", "message", "differences", "healed", "silent")
    return Drift(
        address=data["address"].address(),
        message=data["message"].text(),
        differences=data["differences"].all(_decode_difference),
        healed=data["healed"].flag(),
        silent=data["silent"].flag(),
    )


def _encode_ref(ref: ObjectRef) -> dict[str, Any]:
    return {
        "address": str(ref.address),
        "provider": ref.provider,
        "token": ref.token,
        "attributes": dict(ref.attributes),
    }


def _decode_ref(data: Field) -> ObjectRef:
    data.only("address", "provider", "token", "attributes")
    return ObjectRef(
        address=data["address"].address(),
        provider=data["provider"].text(),
        token=data["token"].text(),
        attributes=data["attributes"].object(),
    )


def _object(value: JsonObject | None) -> dict[str, Any] | None:
    return None if value is None else dict(value)


def _addresses(addresses: tuple[Address, ...]) -> list[str]:
    return [str(address) for address in addresses]

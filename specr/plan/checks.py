"""What must hold of every plan before it is shown or carried out. Pure."""

from __future__ import annotations

from specr.address import Address
from specr.diagnostics import Diagnostic
from specr.plan.model import Action, Change, Effect, Plan, Reason


def check_plan(plan: Plan, *, allow_delete: frozenset[Address] = frozenset()) -> tuple[Diagnostic, ...]:
    """Protected deployments that the plan would delete, and faults of the planner itself."""
    return (
        *(d for change in plan.changes for d in _check_protection(change, allow_delete)),
        *_check_order(plan),
        *(d for change in plan.changes for d in _check_shape(change)),
    )


def _check_protection(change: Change, allow_delete: frozenset[Address]) -> tuple[Diagnostic, ...]:
    goes = change.action in {Action.DELETE, Action.REPLACE, Action.FORGET}
    # What an apply began with consent, and died of, is finished with the same; nothing else would end it.
    consented = change.address in allow_delete or change.cause.reason is Reason.INTERRUPTED
    if not goes or consented or not (change.prior or {}).get("protect"):
        return ()
    deed = f"{change.action.value} it"
    if change.cause.reason is Reason.REQUESTED:
        deed += ", as --replace asks"
    return (
        Diagnostic(
            "Protected deployment would be deleted",
            f"{change.address} was applied with `protect: true`, and this plan would {deed}.",
            _remedy(change),
            address=change.address,
        ),
    )


def _remedy(change: Change) -> str:
    """Consent, after whatever else would leave a protected deployment as it is."""
    consent = f"consent by name with `--allow-delete {change.address}`."
    match change.cause.reason:
        case Reason.REQUESTED:
            return f"Leave `--replace {change.address}` out, or {consent}"
        case Reason.NOT_DECLARED:
            return f"Keep its document, or {consent}"
        case Reason.DESTROY:
            return f"Name with --target what else is to go, or {consent}"
        case Reason.PROVIDER:
            return f"Leave its provider as it is, or {consent}"
        case _:
            return f"C{consent[1:]}"


def _check_order(plan: Plan) -> tuple[Diagnostic, ...]:
    seen: set[Address] = set()
    acting = {change.address for change in plan.steps}
    for change in plan.changes:
        early = [address for address in change.after if address in acting and address not in seen]
        if early:
            return (
                _fault(f"{change.address} comes before {', '.join(map(str, early))}, which it must follow"),
            )
        seen.add(change.address)
    return ()


def _check_shape(change: Change) -> tuple[Diagnostic, ...]:
    faults = []
    if (change.planned is None) != (change.action in {Action.DELETE, Action.FORGET}):
        faults.append("has planned arguments exactly if it does not go")
    if (change.effect is Effect.NONE) != (not change.action.changes):
        faults.append("has an effect exactly if it changes")
    if change.token and any(ref.token == change.token for ref in change.discard):
        faults.append("discards the object that it is to reach")
    return tuple(
        _fault(f"the change of {change.address} breaks the rule that a change {rule}") for rule in faults
    )


def _fault(detail: str) -> Diagnostic:
    return Diagnostic(
        "Unsound plan", f"This is a bug in specr: {detail}.", "Please report it, with the plan file."
    )

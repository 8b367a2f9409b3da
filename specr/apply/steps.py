"""How one change is carried out, by its effect. Runs in a worker thread.

Each step writes its intent before it acts and its result at once after. It may be the
repeat of one that was interrupted anywhere, so every part of it can be done twice.
"""

from __future__ import annotations

from msgspec.structs import replace

from specr.apply.builds import run_build
from specr.apply.deployments import change_in_place, roll_out, verify_again
from specr.apply.events import Outcome, OutcomeKind
from specr.apply.fetching import fetch_artifact
from specr.apply.intent import delete_all, intent, recorded_as
from specr.apply.means import Task
from specr.apply.warnings import warn_of
from specr.backends.protocol import Begin, Done, Put, Remove, Settle, Write
from specr.canonical import JsonObject, digest_of
from specr.plan.changes import effect_of_change
from specr.plan.desired import Desired, effect_of
from specr.plan.model import Change, Effect, Reason
from specr.plan.observed import ProviderSchema
from specr.plan.unknown import fill_placeholders, find_placeholders
from specr.state.model import RecordedObject


def is_record_only(change: Change) -> bool:
    """Whether a change touches recorded state and nothing else, with all values known."""
    return change.effect is Effect.RECORD and not change.discard and not change.unknown


def record_writes(change: Change, recorded: RecordedObject | None) -> tuple[Write, ...]:
    """The writes of a record-only change: one transaction is all it takes."""
    if change.planned is None:
        return (Remove(change.address), Settle(change.address), Done(change.address))
    attributes = recorded.attributes if recorded else {}
    put = Put(recorded_as(change, change.planned, attributes))
    return (put, Settle(change.address), Done(change.address))


def carry_out(task: Task) -> Outcome:
    """Carry out one change.

    Raises:
        DiagnosticError: it failed; what was begun is undone as far as possible, and what is
            not is on record as pending.
        JournalClosedError: state can't be written any more.
    """
    change = task.change
    if change.planned is None:
        return _remove(task)
    if change.effect is Effect.FETCH:
        return _finish(task, fetch_artifact(task))
    arguments = fill_placeholders(change.planned, task.desk.attribute)
    if any(find_placeholders(change.planned)):
        task = _settle_effect(task, arguments)
    if task.change.effect is Effect.NONE:
        task.desk.write((Settle(change.address), Done(change.address)))
        return Outcome(change.address, change.action, OutcomeKind.UNCHANGED)
    return _finish(task, _perform(task, arguments))


def _perform(task: Task, arguments: JsonObject) -> RecordedObject:
    match task.change.effect:
        case Effect.BUILD | Effect.REUSE:
            return run_build(task, arguments)
        case Effect.ROLL_OUT:
            return roll_out(task, arguments)
        case Effect.IN_PLACE:
            return change_in_place(task, arguments)
        case Effect.VERIFY:
            return verify_again(task, arguments)
        case _:
            attributes = task.recorded.attributes if task.recorded else {}
            return recorded_as(task.change, arguments, attributes)


def _settle_effect(task: Task, arguments: JsonObject) -> Task:
    """Now that every value is known: what is really to be done?

    A value that was known only after apply may be what it was before; then less is to be
    done than planned, or nothing at all. Never more.
    """
    change, recorded = task.change, task.recorded
    if recorded is None or change.cause.reason not in {Reason.ARGUMENTS, Reason.UPSTREAM}:
        return task
    leftovers = tuple(ref for ref in change.discard if ref.token != recorded.token)
    fingerprint = digest_of(arguments)
    if fingerprint == recorded.fingerprint and not leftovers:
        return replace(task, change=replace(change, effect=Effect.NONE))
    schema = task.means.provider(change.provider).schema if change.provider else ProviderSchema()
    effect = effect_of(change.address, arguments, schema)
    desired = Desired(change.address, arguments, fingerprint, effect, change.dependencies, change.provider)
    real = effect_of_change(desired, recorded, schema)
    if real in {Effect.RECORD, Effect.VERIFY, Effect.IN_PLACE}:
        kept = replace(change, effect=real, token=recorded.token, discard=leftovers)
        return replace(task, change=kept)
    return task


def _finish(task: Task, recorded: RecordedObject) -> Outcome:
    """Record the result, then remove what it replaces, then settle the intent.

    A crash between the two finds what is left to remove on record as pending.
    """
    change = task.change
    settled = (Settle(change.address), Done(change.address))
    if change.discard:
        rest = intent(task, token=recorded.token, effect="", leftovers=change.discard)
        task.desk.write((Put(recorded), Begin(rest)))
        task.desk.tell("delete", "removing what it replaces")
        delete_all(task, change.discard)
        task.desk.write(settled)
    else:
        task.desk.write((Put(recorded), *settled))
    task.means.attempts.forget(change.address)
    warnings = warn_of(change.address, recorded.attributes.get("warnings", ()))
    return Outcome(change.address, change.action, OutcomeKind.DONE, warnings, attributes=recorded.attributes)


def _remove(task: Task) -> Outcome:
    """Delete everything that exists for an address, then forget it."""
    change = task.change
    if change.discard:
        token = change.discard[0].token
        task.desk.write((Begin(intent(task, token=token, effect="", leftovers=change.discard)),))
        task.desk.tell("delete")
        delete_all(task, change.discard)
    task.desk.write((Remove(change.address), Settle(change.address), Done(change.address)))
    task.means.attempts.forget(change.address)
    return Outcome(change.address, change.action, OutcomeKind.DONE)

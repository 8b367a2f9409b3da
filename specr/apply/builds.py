"""Builds: run a processor to its end, or take its output from the store."""

from __future__ import annotations

from msgspec.structs import replace

from specr.apply.intent import as_failure, begin, recorded_as, withdraw
from specr.apply.means import Task
from specr.apply.orders import decode_build_order
from specr.apply.patience import await_ready, insist
from specr.apply.warnings import processor_warnings
from specr.canonical import JsonObject
from specr.plan.desired import effect_of
from specr.plan.model import Effect
from specr.state.model import RecordedObject


def run_build(task: Task, arguments: JsonObject) -> RecordedObject:
    """Bring the output of a build into the store, by running it or by finding it there.

    Raises:
        ProviderError: the processor failed; its working files are gone, its last log lines
            are in the diagnostic.
    """
    change = task.change
    provider = task.means.provider(change.provider)
    effect = effect_of(change.address, arguments, provider.schema)
    store = task.means.store()
    known = store.find_build(effect) if _may_reuse(task) else None
    if known is not None:
        attributes: JsonObject = {"digest": known, "effect": effect, "reused": True}
    else:
        attributes = {**_run(task, arguments, effect), "effect": effect}
        if store.has(attributes["digest"]):
            store.remember_build(effect, attributes["digest"])
    return recorded_as(change, arguments, attributes)


def _may_reuse(task: Task) -> bool:
    """A build whose inputs were known only now may turn out to be in the store.

    One that was planned with all inputs known is run if the plan says so.
    """
    awaited = any(path[0] == "source" for path in task.change.unknown)
    return task.change.effect is Effect.REUSE or awaited


def _run(task: Task, arguments: JsonObject, effect: str) -> JsonObject:
    change = task.change
    provider = task.means.provider(change.provider)
    order = decode_build_order(change.address, arguments, change.token)
    pending = begin(task, effect)
    task.desk.tell("build", task.beginning("starting the processor"))
    ref = pending.ref
    try:
        ref = replace(ref, attributes=insist(task, "create", lambda: provider.create(order)))
        attributes = await_ready(task, provider, ref, order)
    except Exception as error:
        raise withdraw(task, ref, pending, as_failure(task, error)) from error
    warnings = processor_warnings(provider, replace(ref, attributes=attributes))
    return {**attributes, "warnings": list(warnings)} if warnings else attributes

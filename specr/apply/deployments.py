"""Deployments: start the new beside the old, verify it, let it take over; or change it in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from specr.apply.intent import as_failure, begin, recorded_as, withdraw
from specr.apply.last_words import with_log
from specr.apply.means import Task
from specr.apply.orders import decode_deployment_order
from specr.apply.patience import await_ready, insist
from specr.apply.questions import Questions
from specr.canonical import JsonObject
from specr.diagnostics import Diagnostic
from specr.plan.desired import effect_of, fixed_port
from specr.plan.model import Change
from specr.plan.observed import ProviderSchema
from specr.providers.environment import resolve_environment
from specr.providers.masking import Mask
from specr.providers.protocol import (
    DeploymentOrder,
    Provider,
    ProviderError,
    Reachable,
    ScorerRequest,
    ScorerResponse,
)
from specr.resources.compute import SecretValue
from specr.state.model import ObjectRef, RecordedObject
from specr.verify.scorer import Verification

PASSPHRASE: Final = "SPECR_PASSPHRASE"  # noqa: S105 - the name of a variable, not its value
"""The variable by which a runtime learns the passphrase that callers must give."""


def roll_out(task: Task, arguments: JsonObject) -> RecordedObject:
    """Start a new object beside the old, and let it take over once it has proved itself.

    Raises:
        ProviderError: it did not; it is gone again, and the old one serves as before.
    """
    change = task.change
    provider = task.means.provider(change.provider)
    order = decode_deployment_order(change.address, arguments, change.token)
    pending = begin(task, effect_of(change.address, arguments, provider.schema))
    task.desk.tell("create", task.beginning("starting the runtime"))
    ref = pending.ref
    try:
        ref = replace(ref, attributes=insist(task, "create", lambda: provider.create(order)))
        ref = replace(ref, attributes=await_ready(task, provider, ref, order))
        _verify(task, provider, ref, order)
        previous = tuple(old for old in change.discard if old.provider == change.provider)
        task.desk.tell("promote", _taking_over(change, provider.schema, previous))
        promoted = insist(task, "promote", lambda: provider.promote(ref, order, previous))
    except Exception as error:
        raise withdraw(task, ref, pending, as_failure(task, error)) from error
    return recorded_as(change, arguments, {**ref.attributes, **promoted})


def _taking_over(change: Change, schema: ProviderSchema, previous: Sequence[ObjectRef]) -> str:
    """How callers come to the new object, with the reason for a gap where there is one."""
    port = fixed_port(change.planned or {})
    stays = port is not None and port == fixed_port(change.prior or {})
    if not (stays and previous and change.interrupts and schema.gap_on_fixed_port):
        return "taking over"
    why = "where only one can listen: the old runtime stops, then the new one starts there"
    return f"taking over port {port}, {why}"


def change_in_place(task: Task, arguments: JsonObject) -> RecordedObject:
    """Let the provider change the object that is there, and verify it again.

    Raises:
        ProviderError: it could not; the change stays on record as pending.
    """
    change = task.change
    provider = task.means.provider(change.provider)
    assert task.recorded is not None
    order = decode_deployment_order(change.address, arguments, change.token)
    begin(task, effect_of(change.address, arguments, provider.schema))
    task.desk.tell("create", "changing it in place")
    ref = replace(task.recorded.ref, token=change.token)
    try:
        updated = insist(task, "update", lambda: provider.update(ref, order))
        ref = replace(ref, attributes={**ref.attributes, **updated})
        ref = replace(ref, attributes=await_ready(task, provider, ref, order))
        _verify(task, provider, ref, order)
    except ProviderError as error:
        raise ProviderError(*with_log(error, provider, ref)) from error
    return recorded_as(change, arguments, ref.attributes)


def verify_again(task: Task, arguments: JsonObject) -> RecordedObject:
    """Hold the running object to what is now expected of it; nothing is started or changed.

    Raises:
        ProviderError: it does not keep up to it; what is recorded stays as it is.
    """
    change = task.change
    provider = task.means.provider(change.provider)
    assert task.recorded is not None
    order = decode_deployment_order(change.address, arguments, change.token)
    try:
        if order.replicas:
            Questions(task, provider, task.recorded.ref, order).listen()
        _verify(task, provider, task.recorded.ref, order)
    except ProviderError as error:
        raise ProviderError(*with_log(error, provider, task.recorded.ref)) from error
    return recorded_as(change, arguments, task.recorded.attributes)


def _credentials(task: Task, order: DeploymentOrder) -> Mapping[str, str]:
    """The header for a deployment that asks its callers for a passphrase."""
    asked = {name: value for name, value in order.env.items() if name == PASSPHRASE}
    if not asked:
        return {}
    values = resolve_environment(asked, address=order.address, base=task.means.base).values
    return {"Authorization": f"Bearer {values[PASSPHRASE]}"}


def _mask(task: Task, order: DeploymentOrder) -> Mask:
    """Masks the secrets that the runtime was given, as far as this process can know them."""
    values = []
    for name, value in order.env.items():
        if isinstance(value, SecretValue):
            try:
                resolved = resolve_environment({name: value}, address=order.address, base=task.means.base)
            except ProviderError:  # it lies in a cluster, and never comes here
                continue
            values.append(resolved.values[name])
    return Mask(values)


def _masked(problem: Diagnostic, mask: Mask) -> Diagnostic:
    """A finding whose texts may hold what the runtime answered."""
    return replace(
        problem,
        detail=mask.in_text(problem.detail),
        remedy=mask.in_text(problem.remedy),
        notes=tuple(map(mask.in_text, problem.notes)),
    )


def _verify(task: Task, provider: Provider, ref: ObjectRef, order: DeploymentOrder) -> None:
    """Ask the object for its schema, its sample and the golden rows.

    Raises:
        ProviderError: the answers are not as declared.
    """
    if order.replicas == 0 or not isinstance(provider, Reachable) or order.schema is None:
        return
    task.desk.tell("verify", "asking for its schema, its sample and golden rows")

    questions = Questions(task, provider, ref, order)

    def ask(request: ScorerRequest) -> ScorerResponse:
        return questions.ask(provider, request)

    verification = Verification(order.address, ask, order.schema, _credentials(task, order))
    problems = verification.run(order.golden)
    if problems:
        mask = _mask(task, order)
        raise ProviderError(*(_masked(problem, mask) for problem in problems))

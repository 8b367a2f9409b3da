"""The planner: desired, recorded and observed in; a plan out. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from specr.address import Address
from specr.plan.changes import Situation, decide, drifted_attributes
from specr.plan.desired import Desired
from specr.plan.model import Change, Drift, Plan
from specr.plan.observed import Observation, ProviderSchema
from specr.plan.order import ordered
from specr.state.model import RecordedObject, State


class Request(Struct, frozen=True):
    """What the user asked for, beside what the specs say.

    `targets` are already closed over what they need. `replace` are addresses to make anew.
    """

    destroy: bool = False
    targets: frozenset[Address] | None = None
    named_targets: tuple[Address, ...] = ()
    replace: frozenset[Address] = frozenset()


class World(Struct, frozen=True):
    """What is: recorded state, observations of what it names, and facts about providers.

    `reusable` are builds whose output is in the store, by their effect.
    """

    state: State
    observed: Mapping[Address, Observation] = field(default_factory=dict)
    schemas: Mapping[str, ProviderSchema] = field(default_factory=dict)
    reusable: frozenset[str] = frozenset()


def plan(desired: Mapping[Address, Desired], world: World, request: Request, *, spec_digest: str) -> Plan:
    """Decide what happens to every address that is desired, recorded or pending.

    The same inputs give the same plan, byte for byte. Nothing is read or changed.
    """
    wanted: Mapping[Address, Desired] = {} if request.destroy else desired
    state = world.state
    addresses = wanted.keys() | state.objects.keys() | state.pending.keys()
    if request.targets is not None:
        addresses &= request.targets
    changes = {
        address: decide(_situation(address, desired, wanted, world, request)) for address in sorted(addresses)
    }
    changes = _attribute_upstream(changes)
    return Plan(
        operation="destroy" if request.destroy else "apply",
        lineage=state.lineage,
        serial=state.serial,
        spec_digest=spec_digest,
        changes=ordered(changes, state),
        drift=tuple(_drift(changes, world)),
        targets=request.named_targets,
        unchanged=sum(not change.action.changes for change in changes.values()),
    )


def _situation(
    address: Address,
    desired: Mapping[Address, Desired],
    wanted: Mapping[Address, Desired],
    world: World,
    request: Request,
) -> Situation:
    recorded = world.state.objects.get(address)
    goal = wanted.get(address)
    provider = goal.provider if goal else recorded.provider if recorded else ""
    return Situation(
        address=address,
        desired=goal,
        recorded=recorded,
        pending=world.state.pending.get(address),
        observed=world.observed.get(address),
        schema=world.schemas.get(provider, ProviderSchema()),
        lineage=world.state.lineage,
        serial=world.state.serial,
        destroying=request.destroy and address in desired,
        replace=address in request.replace,
        reusable=goal is not None and goal.effect in world.reusable and address not in request.replace,
    )


def _attribute_upstream(changes: Mapping[Address, Change]) -> dict[Address, Change]:
    """Follow each upstream cause to the change that it began with.

    A deployment that changes because its build does, because the artifact did, names the artifact.
    """

    def origin(address: Address) -> Address:
        seen = {address}
        while True:
            change = changes.get(address)
            further = change.cause.upstream if change and change.action.changes else None
            if further is None or further in seen or not _acts(changes, further):
                return address
            seen.add(further)
            address = further

    return {
        address: replace(change, cause=replace(change.cause, upstream=origin(change.cause.upstream)))
        if change.cause.upstream is not None
        else change
        for address, change in changes.items()
    }


def _acts(changes: Mapping[Address, Change], address: Address) -> bool:
    change = changes.get(address)
    return change is not None and change.action.changes


def _goes(changes: Mapping[Address, Change], recorded: RecordedObject) -> bool:
    """Whether the very object that is recorded will be gone."""
    change = changes.get(recorded.address)
    return change is not None and recorded.token in {ref.token for ref in change.discard}


def _drift(changes: Mapping[Address, Change], world: World) -> Iterator[Drift]:
    """What was observed to differ from what is recorded, or does not answer, in the order of addresses."""
    for address, observation in sorted(world.observed.items()):
        recorded = world.state.objects.get(address)
        if recorded is None:
            continue
        differences = drifted_attributes(recorded, observation)
        if differences or not observation.exists:
            yield Drift(address, observation.message, differences, healed=_acts(changes, address))
        if observation.silent:
            yield Drift(address, observation.silent, healed=_goes(changes, recorded), silent=True)

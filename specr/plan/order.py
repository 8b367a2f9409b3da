"""The order of a plan: which changes come before which. Pure.

What is made comes after what it needs; what goes, goes after what still uses it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from msgspec.structs import replace

from specr.address import Address
from specr.graph import order
from specr.plan.desired import fixed_port
from specr.plan.model import Action, Change
from specr.state.model import State


def ordered(changes: Mapping[Address, Change], state: State) -> tuple[Change, ...]:
    """The changes with `after` filled in, in one valid order; ties go by address."""
    users = _users(changes, state)
    after = {address: _predecessors(change, changes, users) for address, change in changes.items()}
    for earlier, later in _port_handovers(changes, state):
        if not after[earlier]:  # a delete that waits for nothing can't be part of a cycle
            after[later] = (*after[later], earlier)
    return tuple(
        replace(changes[address], after=after[address]) if after[address] else changes[address]
        for address in order(after)
    )


def _users(changes: Mapping[Address, Change], state: State) -> Mapping[Address, list[Address]]:
    """For each address that goes: the changes of those whose recorded object uses it."""
    users: dict[Address, list[Address]] = defaultdict(list)
    going = {address for address, change in changes.items() if change.action is Action.DELETE}
    if going:
        for address, recorded in sorted(state.objects.items()):
            if address in changes and changes[address].action.changes:
                for dependency in recorded.dependencies:
                    if dependency in going:
                        users[dependency].append(address)
    return users


def _predecessors(
    change: Change, changes: Mapping[Address, Change], users: Mapping[Address, list[Address]]
) -> tuple[Address, ...]:
    if not change.action.changes:
        return ()
    if change.action is Action.DELETE:
        return tuple(users.get(change.address, ()))
    return tuple(
        dependency
        for dependency in change.dependencies
        if dependency in changes and changes[dependency].action.changes
    )


def _port_handovers(changes: Mapping[Address, Change], state: State) -> list[tuple[Address, Address]]:
    """A deployment that goes frees its fixed port before another takes it up: a rename, say."""
    freed = {}
    for address, change in changes.items():
        if change.action is Action.DELETE and address in state.objects:
            port = fixed_port(state.objects[address].arguments)
            if port is not None:
                freed[change.provider, port] = address
    if not freed:
        return []
    return [
        (freed[change.provider, port], address)
        for address, change in changes.items()
        if change.action in {Action.CREATE, Action.UPDATE, Action.REPLACE}
        and change.planned is not None
        and (port := fixed_port(change.planned)) is not None
        and (change.provider, port) in freed
    ]

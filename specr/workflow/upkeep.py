"""Upkeep: what users do to recorded state and to the store beside plan and apply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from specr.address import Address
from specr.backends.protocol import FinishRun, Remove, Settle, StartRun
from specr.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from specr.state.model import RecordedObject, State
from specr.store.protocol import Stored
from specr.workflow.lease import actor_name, hold_lock

if TYPE_CHECKING:
    from specr.workflow.workspace import Workspace


def find_recorded(state: State, address: Address) -> RecordedObject:
    """One recorded object.

    Raises:
        DiagnosticError: nothing is recorded at this address.
    """
    recorded = state.objects.get(address)
    if recorded is None:
        raise DiagnosticError(_unrecorded(state, address))
    return recorded


def _unrecorded(state: State, address: Address) -> Diagnostic:
    if address in state.pending:
        return Diagnostic(
            "Begun and not finished",
            f"An apply began to make {address}; nothing of it is recorded yet.",
            "`specr plan` says what becomes of it, and `specr apply` carries that out.",
        )
    return Diagnostic(
        "Not in the state",
        f"{address} is not recorded.",
        did_you_mean(str(address), map(str, (*state.objects, *state.pending)))
        or "List what there is with `specr state list`.",
    )


def forget(workspace: Workspace, addresses: Sequence[Address], *, lock_seconds: float = 0.0) -> None:
    """Remove objects from the state, and leave them as they are at their providers.

    Raises:
        DiagnosticError: one is not recorded, is needed by another that stays, or the lock is held.
    """
    backend = workspace.backend
    going = frozenset(addresses)
    with hold_lock(backend, "state rm", wait_seconds=lock_seconds) as lease:
        state = backend.read()
        for address in addresses:
            if address not in state.pending:
                find_recorded(state, address)
        _check_not_needed(state, going)
        serial = backend.write(lease, state.serial, [StartRun("state rm", "", actor_name())])
        writes = [write for a in sorted(going) for write in (Remove(a), Settle(a))]
        serial = backend.write(lease, serial, writes)
        backend.write(lease, serial, [FinishRun("succeeded", {"forget": len(going)})])


def _check_not_needed(state: State, going: frozenset[Address]) -> None:
    for address, recorded in sorted(state.objects.items()):
        needed = [d for d in recorded.dependencies if d in going]
        if needed and address not in going:
            raise DiagnosticError(
                Diagnostic(
                    "Still needed",
                    f"{address}, which stays in the state, needs {needed[0]}.",
                    f"Name it too: `specr state rm {' '.join(map(str, sorted(going)))} {address}`.",
                ),
            )


class Swept(NamedTuple):
    """What became of stored content that nothing recorded refers to."""

    freed: tuple[Stored, ...]
    spared: tuple[Stored, ...]
    """Left, since it was used a moment ago or is in use."""


def collect_garbage(workspace: Workspace, *, dry_run: bool = False, lock_seconds: float = 0.0) -> Swept:
    """Free what nothing recorded refers to; return what was freed, and what was not yet.

    Holds the lock meanwhile, so that no apply is about to record what is freed.

    Raises:
        DiagnosticError: the lock is held, or the disk refuses.
    """
    backend = workspace.backend
    backend.ensure()
    with hold_lock(backend, "gc", wait_seconds=lock_seconds):
        keep = referenced_digests(backend.read())
        unneeded = tuple(item for item in workspace.store.digests() if item.digest not in keep)
        freed = workspace.store.gc(keep, dry_run=dry_run)
    gone = {item.digest for item in freed}
    return Swept(freed, tuple(item for item in unneeded if item.digest not in gone))


def referenced_digests(state: State) -> frozenset[str]:
    """Every digest that a recorded object refers to: artifacts, build outputs, models that run."""
    found = set()
    for recorded in state.objects.values():
        for value in (recorded.attributes.get("digest"), recorded.arguments.get("modelDigest")):
            if isinstance(value, str):
                found.add(value)
    return frozenset(found)

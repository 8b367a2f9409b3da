"""Whether a state holds together: what decoding one field at a time can't see.

Run on every loaded state. A finding means damage, a hand at work, or a mistake in specr.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from specr.address import Address
from specr.canonical import digest_of
from specr.diagnostics import Diagnostic, sorted_diagnostics
from specr.graph import find_cycles
from specr.state.model import Pending, RecordedObject, Run, State

RUN_STATUSES: Final = frozenset({"running", "succeeded", "failed", "interrupted"})
"""What may become of a run."""

_ENDED: Final = frozenset({"succeeded", "failed"})  # nobody may have seen the end of an interrupted run

PROVIDED_KINDS: Final = frozenset({"build", "deployment"})
"""The kinds whose objects exist at providers; all others are records, which live in state only."""


def check_state(state: State) -> tuple[Diagnostic, ...]:
    """Find what can't be in a state that specr wrote; nothing in a sound one."""
    return sorted_diagnostics(
        [
            *_check_addresses(state),
            *_check_objects(state.objects.values()),
            *_check_pending(state.pending.values()),
            *_check_tokens(state),
            *_check_dependencies(state),
            *_check_head(state),
            *([] if state.run is None else _check_run(state.run, state.serial)),
        ],
    )


def _finding(summary: str, detail: str, address: Address | None = None) -> Diagnostic:
    remedy = (
        f"Look at it with: specr state show {address}"
        if address
        else "See what led to it with: specr history"
    )
    return Diagnostic(summary, detail, remedy, address=address)


def _check_addresses(state: State) -> Iterator[Diagnostic]:
    for mapping in (state.objects, state.pending):
        for address, entry in mapping.items():
            if entry.address != address:
                detail = f"What is recorded under {address} says that it is {entry.address}."
                yield _finding("State entry under another address", detail, address)


def _check_objects(objects: Iterable[RecordedObject]) -> Iterator[Diagnostic]:
    for recorded in objects:
        address = recorded.address
        if recorded.fingerprint != digest_of(dict(recorded.arguments)):
            detail = f"The fingerprint of {address} is not the digest of its arguments."
            yield _finding("Fingerprint does not fit", detail, address)
        if bool(recorded.provider) != bool(recorded.token):
            has, lacks = ("provider", "token") if recorded.provider else ("token", "provider")
            detail = f"{address} has a {has} but no {lacks}, so its object can't be found."
            yield _finding("Object that can't be found", detail, address)
        if recorded.provider and address.kind not in PROVIDED_KINDS:
            detail = f"{address} lives in state only, yet is recorded at provider {recorded.provider}."
            yield _finding("Record with a provider", detail, address)


def _check_pending(pending: Iterable[Pending]) -> Iterator[Diagnostic]:
    for intent in pending:
        for ref in (intent.ref, *intent.leftovers):
            if not ref.provider or not ref.token:
                lacks = "token" if ref.provider else "provider"
                detail = f"The pending record of {intent.address} names an object without a {lacks}."
                yield _finding("Pending record without its object", detail, intent.address)
        for ref in intent.leftovers:
            if ref.address != intent.address:
                detail = f"The pending record of {intent.address} has a leftover of {ref.address}."
                yield _finding("Leftover of another address", detail, intent.address)


def _check_tokens(state: State) -> Iterator[Diagnostic]:
    """One token leads to one object, so two addresses never share one."""
    owners: dict[str, Address] = {}
    for token, address in _tokens(state):
        owner = owners.setdefault(token, address)
        if token and owner != address:
            detail = f"{owner} and {address} have the same token, {token}."
            yield _finding("Token of two objects", detail, address)


def _tokens(state: State) -> Iterator[tuple[str, Address]]:
    for recorded in state.objects.values():
        yield recorded.token, recorded.address
    for intent in state.pending.values():
        yield intent.token, intent.address
        for ref in intent.leftovers:
            yield ref.token, intent.address


def _check_dependencies(state: State) -> Iterator[Diagnostic]:
    objects, pending = state.objects, state.pending
    for address, recorded in objects.items():
        for need in recorded.dependencies:
            if need not in objects and need not in pending:
                detail = f"{address} depends on {need}, which is neither recorded nor pending."
                yield _finding("Dependency that is not recorded", detail, address)
    for cycle in find_cycles({address: recorded.dependencies for address, recorded in objects.items()}):
        path = " -> ".join(map(str, (*cycle, cycle[0])))
        yield _finding("Recorded objects depend on each other", f"No order serves {path}.", cycle[0])


def _check_head(state: State) -> Iterator[Diagnostic]:
    if state.serial < 0:
        yield _finding("Serial below zero", f"The state is at serial {state.serial}.")
    if state.serial > 0 and not state.lineage:
        yield _finding("State without lineage", f"The state is at serial {state.serial} and has no lineage.")
    if state.serial == 0 and (state.objects or state.pending or state.run):
        yield _finding("Content that nobody wrote", "The state is at serial 0, yet it is not empty.")


def _check_run(run: Run, serial: int) -> Iterator[Diagnostic]:
    if run.number < 1:
        yield _finding("Run without a number", f"The newest run has number {run.number}; the first is 1.")
    if not 0 <= run.first <= run.last <= serial:
        detail = f"Run {run.number} goes from serial {run.first} to {run.last}; the state is at {serial}."
        yield _finding("Run outside the history", detail)
    if run.status not in RUN_STATUSES:
        known = ", ".join(sorted(RUN_STATUSES))
        detail = f"Run {run.number} is {run.status!r}; it can be {known}."
        yield _finding("Unknown status of a run", detail)
    elif (run.status == "running" and run.finished) or (run.status in _ENDED and not run.finished):
        detail = f"Run {run.number} is {run.status}, and its end is {run.finished or 'not recorded'}."
        yield _finding("Run neither open nor closed", detail)
    if run.status == "running" and run.last != serial:
        detail = f"Run {run.number} is running at serial {run.last}; the state is at {serial}."
        yield _finding("Run that fell behind", detail)

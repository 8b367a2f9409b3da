"""Logs: of what is recorded or was begun, at its provider, and of the attempt that failed last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from specr.address import Address
from specr.apply.attempts import FailedAttempt, FailedAttempts
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.providers.protocol import LogKeeper
from specr.workflow.upkeep import find_recorded

if TYPE_CHECKING:
    from specr.workflow.workspace import Workspace


class Log(NamedTuple):
    """What was printed at an address, and when its last attempt failed (UTC, ISO 8601), if it did.

    `of_failed` says whether the lines are that attempt's, and not those of an object that is at its
    provider; `begun`, that a change of the address was begun and its result is not recorded. Where
    nothing else is recorded, the lines are then those of what was begun.
    """

    lines: Sequence[str]
    failed_at: str = ""
    of_failed: bool = False
    begun: bool = False


def find_log(workspace: Workspace, address: Address, *, tail: int | None = None, failed: bool = False) -> Log:
    """The log of what is recorded or was begun; else, or if asked for, of the last failed attempt.

    Raises:
        DiagnosticError: there is none of them, or its provider keeps no logs.
    """
    state = workspace.backend.read()
    attempt = FailedAttempts(workspace.root, state.lineage).find(address)
    when = _moment(attempt) if attempt else ""
    begun = address in state.pending
    if failed and attempt is None:
        raise DiagnosticError(_no_failed_attempt(address))
    if (
        attempt is None
        and not begun
        and address not in state.objects
        and address in workspace.specs.resources
    ):
        raise DiagnosticError(_not_applied(address))
    lines: Sequence[str] = ()
    if not failed and (address in state.objects or begun or attempt is None):
        lines = read_log(workspace, address, tail=tail)
    # What an attempt that failed left on record as begun may be gone, and its log with it.
    if attempt and (failed or (address not in state.objects and not lines)):
        kept = attempt.lines
        return Log(kept if tail is None else kept[max(len(kept) - tail, 0) :], when, of_failed=True)
    return Log(lines, when, begun=begun)


def read_log(workspace: Workspace, address: Address, *, tail: int | None = None) -> Sequence[str]:
    """What a build or deployment has printed that is recorded, or else was begun; oldest first.

    Raises:
        DiagnosticError: it is neither, or its provider keeps no logs.
    """
    state = workspace.backend.read()
    pending = state.pending.get(address)
    known = state.objects.get(address) or pending or find_recorded(state, address)
    if known.provider:
        provider = workspace.provider(known.provider, state.lineage)
        if isinstance(provider, LogKeeper):
            return provider.logs(known.ref, tail=tail)
    raise DiagnosticError(
        Diagnostic(
            "No log",
            f"{address} prints nothing that is kept.",
            "Builds and deployments have logs, at providers that keep them.",
        ),
    )


def _moment(attempt: FailedAttempt) -> str:
    return datetime.fromtimestamp(attempt.when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _not_applied(address: Address) -> Diagnostic:
    return Diagnostic(
        "Not applied yet",
        f"{address} is declared, and no apply has made it yet; nor has one that failed left a log here.",
        "`specr apply` makes it, and tells why where it can't.",
    )


def _no_failed_attempt(address: Address) -> Diagnostic:
    return Diagnostic(
        "No failed attempt",
        f"No log of a failed attempt at {address} is kept on this machine.",
        f"One is kept from a failure to the next success; `specr logs {address}` shows what is recorded now.",
    )

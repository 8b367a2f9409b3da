"""Logs: of what is recorded, at its provider, and of the attempt that failed last, beside the project."""

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

    `of_failed` says whether the lines are that attempt's, and not those of the recorded object.
    """

    lines: Sequence[str]
    failed_at: str = ""
    of_failed: bool = False


def find_log(workspace: Workspace, address: Address, *, tail: int | None = None, failed: bool = False) -> Log:
    """The log of the recorded object; of the last failed attempt where asked for or where there is no other.

    Raises:
        DiagnosticError: there is neither, or its provider keeps no logs.
    """
    state = workspace.backend.read()
    attempt = FailedAttempts(workspace.root, state.lineage).find(address)
    when = _moment(attempt) if attempt else ""
    if attempt and (failed or address not in state.objects):
        lines = attempt.lines
        return Log(lines if tail is None else lines[max(len(lines) - tail, 0) :], when, of_failed=True)
    if failed:
        raise DiagnosticError(_no_failed_attempt(address))
    return Log(read_log(workspace, address, tail=tail), when)


def read_log(workspace: Workspace, address: Address, *, tail: int | None = None) -> Sequence[str]:
    """What a recorded build or deployment has printed, oldest first.

    Raises:
        DiagnosticError: it is not recorded, or its provider keeps no logs.
    """
    state = workspace.backend.read()
    recorded = find_recorded(state, address)
    if recorded.provider:
        provider = workspace.provider(recorded.provider, state.lineage)
        if isinstance(provider, LogKeeper):
            return provider.logs(recorded.ref, tail=tail)
    raise DiagnosticError(
        Diagnostic(
            "No log",
            f"{address} prints nothing that is kept.",
            "Builds and deployments have logs, at providers that keep them.",
        ),
    )


def _moment(attempt: FailedAttempt) -> str:
    return datetime.fromtimestamp(attempt.when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _no_failed_attempt(address: Address) -> Diagnostic:
    return Diagnostic(
        "No failed attempt",
        f"No log of a failed attempt at {address} is kept on this machine.",
        f"One is kept from a failure to the next success; `specr logs {address}` shows what is recorded now.",
    )

"""Intents and results: what is written before an effect, after it, and when it is taken back."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from specr.address import Address
from specr.apply.last_words import with_kept_log, with_log
from specr.apply.means import JournalClosedError, Task
from specr.apply.patience import insist
from specr.backends.protocol import Begin, Settle
from specr.canonical import JsonObject, digest_of
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.plan.model import Change
from specr.providers.protocol import ProviderError
from specr.state.model import ObjectRef, Pending, RecordedObject

_log = logging.getLogger(__name__)


def intent(task: Task, *, token: str, effect: str, leftovers: Sequence[ObjectRef]) -> Pending:
    """What is about to be done, as it goes on record."""
    change = task.change
    return Pending(
        change.address, change.action.value, change.provider, token, effect, task.plan, tuple(leftovers)
    )


def begin(task: Task, effect: str) -> Pending:
    """Write the intent to make an object, with whatever an earlier attempt may have left.

    The recorded object is not among the leftovers: it stays if the making fails.
    """
    change = task.change
    kept = task.recorded.token if task.recorded else ""
    left = [ref for ref in change.discard if ref.token != kept]
    pending = intent(task, token=change.token, effect=effect, leftovers=left)
    task.desk.write((Begin(pending),))
    return pending


def withdraw(task: Task, ref: ObjectRef, pending: Pending, error: ProviderError) -> ProviderError:
    """Remove an object that failed, and what earlier attempts left; never the recorded one.

    Returns the error to raise: the one given, with the last lines of the object's log, and
    with what stood against removing it. In that case the intent stays on record. The log
    outlives the object.
    """
    if task.recorded is not None and ref.token == task.recorded.token:
        return ProviderError(*with_log(error, task.means.provider(ref.provider), ref))
    told = with_kept_log(error, task, ref)
    try:
        delete_all(task, (ref, *pending.leftovers))
    except ProviderError as further:
        return ProviderError(*told, *further.diagnostics)
    task.desk.write((Settle(task.change.address),))
    return ProviderError(*told)


def unexpected(address: Address, error: Exception) -> Diagnostic:
    """What to say of an error that nobody foresaw."""
    return Diagnostic(
        "Unexpected error",
        f"This is a bug in specr: the change of {address} ended with {type(error).__name__}: {error}.",
        "Run again with SPECR_LOG=debug and report it with the log.",
        address=address,
    )


def as_failure(task: Task, error: Exception) -> ProviderError:
    """The error of a step that failed, foreseen or not: either way what it began must be withdrawn.

    Raises:
        JournalClosedError: it is no failure of the step; the run has ended without it.
    """
    if isinstance(error, JournalClosedError):
        raise error
    if isinstance(error, DiagnosticError):
        return ProviderError(*error.diagnostics)
    _log.debug("unexpected error in the change of %s", task.change.address, exc_info=error)
    return ProviderError(unexpected(task.change.address, error))


def delete_all(task: Task, refs: Sequence[ObjectRef]) -> None:
    """Delete objects at their providers, one after the other.

    Raises:
        ProviderError: one of them could not be deleted.
    """
    for ref in refs:
        provider = task.means.provider(ref.provider)
        insist(task, "delete", lambda provider=provider, ref=ref: provider.delete(ref))  # type: ignore[misc]  # bound now


def recorded_as(change: Change, arguments: JsonObject, attributes: JsonObject) -> RecordedObject:
    """The object as it goes on record once its change is done."""
    return RecordedObject(
        address=change.address,
        arguments=arguments,
        attributes=attributes,
        fingerprint=digest_of(arguments),
        dependencies=change.dependencies,
        provider=change.provider,
        token=change.token,
    )

"""What a failed object has printed: its last lines go into the error, all of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from specr.apply.attempts import LONGEST
from specr.apply.means import Task
from specr.diagnostics import Diagnostic
from specr.providers.protocol import LogKeeper, Provider, ProviderError, TransientError
from specr.state.model import ObjectRef

_TOLD: Final = 20
"""Lines of a log that an error has."""


def with_log(error: ProviderError, provider: Provider, ref: ObjectRef) -> tuple[Diagnostic, ...]:
    """The error's diagnostics, the first of them with the last lines that the object printed."""
    return _noted(error, _printed(provider, ref, _TOLD))


def with_kept_log(error: ProviderError, task: Task, ref: ObjectRef) -> tuple[Diagnostic, ...]:
    """The same for an object that is about to be removed, whose log is kept beside the project."""
    printed = _printed(task.means.provider(ref.provider), ref, LONGEST)
    attempts = task.means.attempts
    try:
        if isinstance(printed, tuple) and printed:
            attempts.keep(ref.address, printed)
        else:
            attempts.forget(ref.address)
    except OSError as refused:
        return _noted(error, printed, f"(the log could not be kept: {refused})")
    if isinstance(printed, tuple) and len(printed) > _TOLD:
        return _noted(error, printed, f"`specr logs {ref.address} --failed` shows all of it")
    return _noted(error, printed)


def _printed(provider: Provider, ref: ObjectRef, tail: int) -> tuple[str, ...] | str:
    """The last lines of an object's log, or why it can't be read."""
    if not isinstance(provider, LogKeeper):
        return ()
    try:
        return tuple(provider.logs(ref, tail=tail))
    except (ProviderError, TransientError) as unread:
        return f"(its log can't be read: {unread})"


def _noted(error: ProviderError, printed: Sequence[str] | str, more: str = "") -> tuple[Diagnostic, ...]:
    first, *rest = error.diagnostics
    lines = (printed,) if isinstance(printed, str) else printed[-_TOLD:]
    if not lines:
        return error.diagnostics
    notes = ("last lines of its log:", *(f"  {line}" for line in lines), *filter(None, (more,)))
    return (replace(first, notes=(*first.notes, *notes)), *rest)

"""Processes that were started here for another state than this one, and that no plan knows of.

A state that is lost takes along all knowledge of what it has started; the folders are still there. Only
those are looked at, and nobody is ended: they may belong to somebody.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

from specr.diagnostics import Diagnostic, Severity
from specr.providers.local.layout import Layout
from specr.providers.local.runs import status_of

_TOLD: Final = 5
"""Processes that are told by their ids, up to this many; the command that ends them names all."""


def check_strays(layout: Layout) -> Iterator[Diagnostic]:
    """Warn of what runs here for other states, one finding a state."""
    for other in layout.others():
        pids = sorted(_running(other))
        if pids:
            yield _stray(other, pids)


def _running(layout: Layout) -> Iterator[int]:
    # Another user's folder is not ours to look into, nor what runs there ours to end.
    with contextlib.suppress(PermissionError):
        for folder in layout.objects():
            for run in folder.current().values():
                status = status_of(run)
                if status.is_alive and status.pid is not None:
                    yield status.pid


def _stray(layout: Layout, pids: Sequence[int]) -> Diagnostic:
    count = "1 process" if len(pids) == 1 else f"{len(pids)} processes"
    more = f" and {len(pids) - _TOLD} more" if len(pids) > _TOLD else ""
    told = f"{', '.join(map(str, pids[:_TOLD]))}{more}"
    return Diagnostic(
        "Processes of another state run here",
        f"No plan knows of {count} ({told}) that specr has started in {layout.place} for another state.",
        "If that state was lost or moved, put it back in its place; or end what it has started with the "
        "command below. If another project works in the same folder, give the provider of one of them a "
        "`folder` of its own.",
        Severity.WARNING,
        notes=(f"kill {' '.join(map(str, pids))}",),
    )

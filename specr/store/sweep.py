"""Frees what nobody needs: unused content, and what killed processes left in a store.

Whoever calls these holds the store's lock exclusively.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from specr.canonical import decode_json
from specr.store.copying import unseal_top
from specr.store.layout import Layout, listed
from specr.store.locks import is_held
from specr.store.protocol import Stored


def unneeded(
    layout: Layout, found: Iterable[Stored], keep: frozenset[str], since: float
) -> tuple[Stored, ...]:
    """What may be freed: not to be kept, and not used since a time (seconds since 1970)."""
    return tuple(s for s in found if s.digest not in keep and _last_used(layout, s.digest) < since)


def in_use(layout: Layout, *, own: Path | None) -> frozenset[str]:
    """The digests that live processes use, by their leases, but for our own lease."""
    leases = (layout.leases / name for name in listed(layout.leases))
    live = [lease for lease in leases if lease != own and is_held(lease)]
    return frozenset(digest for lease in live for digest in _leased(lease))


def _leased(lease: Path) -> list[str]:
    """The digests in a lease; none if its process has ended since it was looked at."""
    try:
        return lease.read_text(errors="replace").split()
    except FileNotFoundError:
        return []


def withdraw(layout: Layout, doomed: Iterable[Stored], trash: Path) -> None:
    """Take content away from its place, in one step each, into a folder on the same disk."""
    for stored in doomed:
        place = layout.place(stored.digest)
        if place is not None and os.path.lexists(place):
            unseal_top(place)
            place.rename(trash / layout.marker(stored.digest).name)


def abandoned(layout: Layout) -> Iterator[Path]:
    """What dead processes left in staging, and their leases.

    Nobody takes such a thing up again, so it may be removed after the lock was let go of.
    """
    for name in listed(layout.staging):
        if not is_held(layout.staging / name / "lock"):
            yield layout.staging / name
    for name in listed(layout.leases):
        if not is_held(layout.leases / name):
            yield layout.leases / name


def tidy(layout: Layout) -> None:
    """Remove markers of content that is gone, and notes of builds that led to it."""
    there = frozenset(digest for digest, _ in layout.contents())
    for name in listed(layout.recent):
        if f"sha256:{name}" not in there:
            (layout.recent / name).unlink(missing_ok=True)
    for _, note in layout.notes():
        if read_note(note).get("digest") not in there:
            note.unlink(missing_ok=True)


def read_note(note: Path) -> dict[str, object]:
    """What is noted of a build; empty where there is no note, or none that can be made out.

    Raises:
        OSError: it can't be read.
    """
    try:
        noted = decode_json(note.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def size_on_disk(content: Path) -> int:
    """The bytes of all files of content, damaged or not. What vanishes meanwhile counts nothing."""
    size, waiting = 0, [content]
    while waiting:
        path = waiting.pop()
        try:
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode):
                waiting += [path / name for name in listed(path)]
            elif stat.S_ISREG(status.st_mode):
                size += status.st_size
        except FileNotFoundError:
            continue
    return size


def _last_used(layout: Layout, digest: str) -> float:
    try:
        return layout.marker(digest).stat().st_mtime
    except FileNotFoundError:
        return 0.0

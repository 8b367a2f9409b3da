"""Tells other processes which content this one is using, for as long as it lives.

A lease is a file of digests, locked by its process. It ends with the process, whatever ends that.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock

from specr.store.layout import Layout, listed
from specr.store.locks import hold, leads_to, remove_unheld


class Lease:
    """One process's use of one store. Safe for several threads; a forked child begins its own."""

    def __init__(self, layout: Layout) -> None:
        self.path: Path | None = None
        self._layout = layout
        self._covered: set[str] = set()
        self._descriptor = -1
        self._process = os.getpid()
        self._lock = Lock()

    def covers(self, digest: str) -> bool:
        """Whether others know that we use this content."""
        return digest in self._covered and self._process == os.getpid()

    def cover(self, digest: str) -> None:
        """Let others know that we use this content. The caller holds the store's lock, at least shared.

        Raises:
            OSError: the store can't be written to.
        """
        with self._lock:
            if self.path is None or self._process != os.getpid():
                self._begin()
            if digest not in self._covered:
                os.write(self._descriptor, f"{digest}\n".encode())
                self._covered.add(digest)

    def forget(self, digests: Iterable[str]) -> None:
        """Note that content is gone, so that it is covered anew if it comes back."""
        with self._lock:
            self._covered.difference_update(digests)

    def _begin(self) -> None:
        for name in listed(self._layout.leases):  # those of killed processes would gather until a `gc`
            remove_unheld(self._layout.leases / name)
        path, self._descriptor = self._new()
        self.path, self._process, self._covered = path, os.getpid(), set()
        weakref.finalize(self, _end, path, self._descriptor, self._process)

    def _new(self) -> tuple[Path, int]:
        """A file of our own, locked: until it is, another process may take it for a dead one's."""
        while True:
            path = self._layout.leases / f"{os.getpid()}-{os.urandom(8).hex()}"
            descriptor = hold(path)
            if leads_to(path, descriptor):
                return path, descriptor
            os.close(descriptor)


def _end(path: Path, descriptor: int, process: int) -> None:
    if process == os.getpid():  # a forked child must not end its parent's lease
        with suppress(OSError):  # what stays behind is freed by the next `gc`
            path.unlink()
    os.close(descriptor)

"""What every backend must pass.

Its author subclasses a suite and runs pytest:

    class TestMine(BackendConformance):
        def opener(self, place: Path) -> OpenAt:
            return partial(MyBackend, place / "state")

Nothing here is about one backend. Importing this needs no pytest; the tests ask it for the
fixture `tmp_path` only.
"""

from __future__ import annotations

from specr.testing.backend_history import HistoryPromises
from specr.testing.backend_locks import LockPromises
from specr.testing.backend_processes import ProcessPromises
from specr.testing.backend_site import OpenAt, SettableClock, Site
from specr.testing.backend_writes import WritePromises

__all__ = ["BackendConformance", "SharedBackendConformance", "OpenAt", "Site", "SettableClock"]


class BackendConformance(WritePromises, LockPromises, HistoryPromises):
    """The promises that one process can see, whatever the backend."""


class SharedBackendConformance(BackendConformance, ProcessPromises):
    """All promises, for backends whose state several processes share.

    What `opener` returns is sent to other processes, so it has to be picklable.
    """

"""What is remembered between two looks at an object, by this process's own clock, not the cluster's."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from specr.canonical import JsonObject


class Patience:
    """How long pods have waited for a node. Safe for several threads."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._since: dict[str, float] = {}
        self._lock = Lock()

    def is_over(self, token: str, pod: JsonObject) -> bool:
        """Whether an object's pod has waited for a node for too long."""
        waits = any(
            condition.get("type") == "PodScheduled" and condition.get("status") == "False"
            for condition in pod.get("status", {}).get("conditions") or ()
        )
        with self._lock:
            if not waits:
                self._since.pop(token, None)
                return False
            return self._clock() - self._since.setdefault(token, self._clock()) > self._seconds

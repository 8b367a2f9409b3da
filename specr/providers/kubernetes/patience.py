"""What is remembered between two looks at an object, by this process's own clock, not the cluster's."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Final

from specr.canonical import JsonObject

_AFRESH: Final = 2.0
"""Seconds after which events are asked for again."""


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


class Sparingly:
    """Answers that are asked for now and then only, since they help people and nobody else."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told: dict[str, tuple[float, str]] = {}
        self._lock = Lock()

    def ask(self, key: str, act: Callable[[], str]) -> str:
        """The answer for this key: a recent one, or a new one."""
        with self._lock:
            since, answer = self._told.get(key, (float("-inf"), ""))
        if self._clock() - since > _AFRESH:
            answer = act()
            with self._lock:
                self._told[key] = (self._clock(), answer)
        return answer

"""Clients that send requests without a break, and remember every answer."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import ExitStack
from threading import Event, Thread
from types import TracebackType
from typing import Self

import httpx

from tests.engines.kubernetes.space import wait_until


class Load:
    """Two clients of one URL: one opens a connection for each request, one keeps its own.

    They start when the URL answers: of a Service that was just made, a node's proxy knows only after a while.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = Event()
        self._threads = [Thread(target=self._send, args=(keep,)) for keep in (False, True)]
        self.answers: Counter[str] = Counter()
        """How many answers came from each edition of the runtime."""
        self.failures: list[str] = []
        """When each failure was, counted from the start, and what it was."""
        self._started = 0.0

    def __enter__(self) -> Self:
        wait_until(self._is_answered)
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _is_answered(self) -> bool:
        try:
            return httpx.get(self._url, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def _send(self, keep: bool) -> None:
        with ExitStack() as open_clients:
            client = open_clients.enter_context(httpx.Client(trust_env=False)) if keep else None
            while not self._stop.wait(0.02):
                try:
                    answer = client.get(self._url) if client else httpx.get(self._url, trust_env=False)
                    answer.raise_for_status()
                    self.answers[json.loads(answer.content)["EDITION"]] += 1
                except (httpx.HTTPError, ValueError, KeyError) as error:
                    after = time.monotonic() - self._started
                    self.failures.append(f"{after:.2f} s, {'kept' if keep else 'new'} connection: {error!r}")

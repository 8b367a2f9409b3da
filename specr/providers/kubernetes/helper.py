"""The helper pod: short-lived, shared by all who need the volume at the same time.

It comes with the first and goes with the last of them. Its name is always the same, so one that
a killed process has left is found, and removed, by the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Final

from specr.providers.kubernetes import names
from specr.providers.kubernetes.channel import run_in_pod
from specr.providers.kubernetes.diagnosis import pod_trouble, waiting_for
from specr.providers.kubernetes.objects import Objects, pauses_between_looks
from specr.providers.kubernetes.pods import Site, helper_pod
from specr.providers.kubernetes.trouble import RefusedError, helper_failed, volume_failed
from specr.providers.protocol import TransientError

_LIFE: Final = 3600
"""Seconds after which a helper that nobody removes ends by itself."""

_PATIENCE: Final = 120.0
"""Seconds that it gets to start; pulling its image is part of that."""


class Helper:
    """Runs the volume's script in a pod."""

    def __init__(self, objects: Objects, site: Site) -> None:
        self._objects = objects
        self._site = site
        self._lock = Lock()
        self._users = 0
        self._swept = False
        self.name = names.bytes_name(site.lineage, site.provider)

    @cached_property
    def script(self) -> str:
        """What runs on the volume, here and at the end of builds."""
        return Path(__file__).with_name("volume.sh").read_text(encoding="utf-8")

    def sweep(self) -> None:
        """Remove a helper that a process before this one has left."""
        with self._lock:
            if not self._swept and not self._users:
                if self._objects.own("pods", self.name, "Pod", None) is not None:
                    self._remove()
                self._swept = True

    @contextmanager
    def opened(self) -> Iterator[Helper]:
        """Have a helper that is ready, for as long as this lasts."""
        with self._lock:
            if not self._users:
                self._start()
            self._users += 1
        try:
            yield self
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._remove()

    def run(
        self, purpose: str, verb: str, *arguments: str, pieces: Iterable[bytes] | None = None
    ) -> Sequence[str]:
        """Run a verb of the script; returns what it printed, line by line.

        Raises:
            ProviderError: it failed; `purpose` says what could not be done.
        """
        command = ("sh", "-c", 'eval "$SPECR_SCRIPT"', "specr", verb, *arguments)
        ended = run_in_pod(self._objects.cluster, self.name, command, pieces)
        if ended.status:
            raise volume_failed(purpose, " ".join((ended.errors or ended.output).split()))
        return ended.output.splitlines()

    def _start(self) -> None:
        objects, cluster = self._objects, self._objects.cluster
        if objects.own("pods", self.name, "Pod", None) is not None:
            self._remove()
        manifest = helper_pod(self._site, self.name, self.script, _LIFE)
        try:
            cluster.call("POST", cluster.path("pods"), manifest)
        except RefusedError as error:
            if error.reason == "AlreadyExists":
                raise TransientError(f"the pod {self.name} is just being removed") from error
            raise
        self._swept = True
        try:
            self._await_running()
        except BaseException:
            self._remove()
            raise

    def _await_running(self) -> None:
        objects = self._objects
        began, pauses = objects.clock(), pauses_between_looks()
        while True:
            pod = objects.cluster.get("pods", self.name)
            if pod is None:
                raise TransientError(f"the pod {self.name} was removed by somebody else")
            statuses = pod.get("status", {}).get("containerStatuses") or ()
            if any("running" in (status.get("state") or {}) for status in statuses):
                return
            waited = objects.clock() - began
            trouble = pod_trouble(pod, waited > self._site.settings.scheduling_seconds)
            if trouble:
                raise helper_failed(self.name, trouble)
            if waited > _PATIENCE:
                raise helper_failed(self.name, waiting_for(pod))
            objects.sleep(next(pauses))

    def _remove(self) -> None:
        # At once: it has nothing to say goodbye to, and what follows may need its name.
        self._objects.delete("pods", self.name, grace=0)

"""Builds on this machine: a processor is a process, and what it wrote goes to the store.

The process is watched by a supervisor of its own, so a build goes on when specr dies, and a
later run with the same token takes it up, running or finished.
"""

from __future__ import annotations

import shutil
from typing import Final

from specr.canonical import JsonObject
from specr.diagnostics import DiagnosticError
from specr.plan.observed import Observation
from specr.providers.content import ByteStore
from specr.providers.local.layout import Layout, ObjectFolder, remove_tree
from specr.providers.local.marks import end_marked
from specr.providers.local.problems import changed_input, find_bytes
from specr.providers.local.process import Host
from specr.providers.local.runs import NO_RUN, Phase, RunStatus, Sleep, status_of, stop
from specr.providers.protocol import BuildOrder, ProviderError, Readiness
from specr.state.model import ObjectRef

_SLOT: Final = 0


class LocalBuilds:
    """Starts processors and collects what they write."""

    def __init__(self, layout: Layout, host: Host, store: ByteStore, sleep: Sleep) -> None:
        self._layout = layout
        self._host = host
        self._store = store
        self._sleep = sleep

    def create(self, order: BuildOrder) -> JsonObject:
        """Start the processor, or take up the build with this token."""
        folder = self._layout.object(order.token)
        is_under_way = self._status(folder).phase in {Phase.ALIVE, Phase.ENDED}
        if folder.output() is None and (folder.checking.exists() or not is_under_way):
            self._start(folder, order)
        return folder.output() or {}

    def readiness(self, ref: ObjectRef, order: BuildOrder) -> Readiness:
        """How far it is; when the processor has ended, its output goes to the store here."""
        folder = self._layout.object(ref.token)
        output = folder.output()
        if output is not None:
            return Readiness(done=True, succeeded=True, attributes=output)
        status = self._status(folder)
        if status.is_alive:
            return Readiness(done=False, message=f"process {status.pid} is at work")
        if folder.checking.exists():
            self._start(folder, order)
            return Readiness(done=False, message="runs again: its input was changed, or not seen to be whole")
        self._check_input(folder, order)
        if not status.succeeded:
            return Readiness(done=True, message=status.ended)
        if folder.target.exists() or folder.target.is_symlink():
            return Readiness(done=True, succeeded=True, attributes=self._collect(folder))
        if folder.collecting.exists():
            self._start(folder, order)
            return Readiness(done=False, message="runs again: its output was lost on its way to the store")
        return Readiness(done=True, message=f"{status.ended}, but wrote nothing at TARGET_PATH")

    def observe(self, ref: ObjectRef) -> Observation:
        """Whether the output is there."""
        folder = self._layout.object(ref.token)
        output = folder.output() or {}
        digest = ref.attributes.get("digest") or output.get("digest")
        if digest is None:
            return Observation(exists=folder.exists(), message="" if folder.exists() else "it never ran")
        if not self._store.has(digest):
            return Observation(exists=False, message="its output is no longer in the store")
        return Observation(exists=True, attributes={"digest": digest})

    def _status(self, folder: ObjectFolder) -> RunStatus:
        run = folder.current().get(_SLOT)
        return status_of(run) if run else NO_RUN

    def _start(self, folder: ObjectFolder, order: BuildOrder) -> None:
        source = find_bytes(self._store, order.address, "artifact", order.source)
        folder.keep_order(order)
        # What an earlier attempt has left must neither run on nor get into this one's output.
        stop(folder.runs(), self._host.grace, self._sleep)
        end_marked(self._host.marks(order.token, folder.path), 0.0)
        for left in (folder.target.parent, folder.work):
            remove_tree(left)
        for mark in (folder.collecting, folder.checking):
            mark.unlink(missing_ok=True)
        folder.target.parent.mkdir()
        self._host.start(folder, order, {"SOURCE_PATH": str(source), "TARGET_PATH": str(folder.target)})

    def _check_input(self, folder: ObjectFolder, order: BuildOrder) -> None:
        """See that the input is what it was; else what came out has nothing to do with its digest.

        The mark outlives a failure, so that no later process takes the output for good.
        """
        folder.checking.touch()
        try:
            self._store.path(order.source)
        except (LookupError, DiagnosticError) as error:
            why = error.diagnostics[0].detail if isinstance(error, DiagnosticError) else f"{error.args[0]}."
            raise changed_input(order.address, order.command, why) from error
        folder.checking.unlink()

    def _collect(self, folder: ObjectFolder) -> JsonObject:
        folder.collecting.touch()
        if folder.target.is_dir() and not folder.target.is_symlink():
            folder.target.chmod(0o700)  # a folder that can't be written to can't be moved
        try:
            with self._store.staging() as staging:
                moved = staging / folder.target.name
                shutil.move(folder.target, moved)
                stored = self._store.add(moved, move=True)
        except DiagnosticError as error:
            raise ProviderError(*error.diagnostics) from error
        output = {"digest": stored.digest, "size": stored.size}
        folder.keep_output(output)
        folder.collecting.unlink()
        for used in (folder.target.parent, folder.work):
            remove_tree(used)
        return output

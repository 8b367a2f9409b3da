"""Two actors, a clock that jumps, and any writes: memory, SQLite and a plain model agree.

The model knows only what the protocol says: dicts, a number and who holds the lock.
"""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from specr.address import Address
from specr.backends.memory import MemoryBackend, MemoryState
from specr.backends.protocol import (
    Backend,
    Begin,
    Done,
    FinishRun,
    Lease,
    LeaseLostError,
    LockHeldError,
    Put,
    Remove,
    SerialConflictError,
    Settle,
    StartRun,
    Write,
)
from specr.backends.sqlite import SqliteBackend
from specr.state.checks import check_state
from specr.state.codec import encode_pending, encode_recorded
from specr.state.model import Run
from specr.testing.backend_site import SettableClock, make_object, make_pending

ACTORS = ("ann", "bob")
NAMES = ("a", "b", "c")
places = st.sampled_from([Address("runtime", name) for name in NAMES])
writes = st.one_of(
    st.builds(lambda name, n: Put(make_object(name, number=n)), st.sampled_from(NAMES), st.integers(0, 9)),
    st.builds(Remove, places),
    st.builds(lambda name: Begin(make_pending(name)), st.sampled_from(NAMES)),
    st.builds(lambda name: Settle(Address("deployment", name)), st.sampled_from(NAMES)),
    st.builds(StartRun, st.sampled_from(["apply", "destroy"]), st.just("sha256:p"), st.sampled_from(ACTORS)),
    st.builds(Done, places),
    st.builds(FinishRun, st.sampled_from(["succeeded", "failed"]), st.just({"create": 1})),
)  # fmt: skip


@dataclass
class Model:
    """What a state holds, told as plainly as can be."""

    objects: dict[str, Any] = field(default_factory=dict)
    pending: dict[str, Any] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    revisions: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    holder: int | None = None  # which of all leases ever given
    expires: float = 0.0

    @property
    def serial(self) -> int:
        return len(self.revisions) - 1

    @property
    def running(self) -> dict[str, Any] | None:
        return self.runs[-1] if self.runs and self.runs[-1]["status"] == "running" else None

    def history(self) -> list[dict[str, Any]]:
        return [run | {"last": self.serial if run["last"] is None else run["last"]} for run in self.runs]

    def after(self, batch: Sequence[Write]) -> Model | None:
        """The next state, or None where the batch is against the rules."""
        new = copy.deepcopy(self)
        for write in batch:
            if isinstance(write, Done | FinishRun) and new.running is None:
                return None
            new.change_entries(write)
            new.change_runs(write)
        new.revisions.append(copy.deepcopy(new.objects))
        return new

    def change_entries(self, write: Write) -> None:
        match write:
            case Put(recorded):
                self.objects[str(recorded.address)] = encode_recorded(recorded)
            case Remove(address):
                self.objects.pop(str(address), None)
            case Begin(pending):
                self.pending[str(pending.address)] = encode_pending(pending)
            case Settle(address):
                self.pending.pop(str(address), None)

    def change_runs(self, write: Write) -> None:
        run = self.running or {}
        match write:
            case StartRun():
                run.update(status="interrupted", last=self.serial)
                begun = {"actor": write.actor, "first": self.serial, "last": None}
                self.runs.append({**begun, "status": "running", "done": set()})
            case Done(address):
                run["done"].add(str(address))
            case FinishRun():
                run.update(status=write.status, last=self.serial + 1)


def told(run: Run) -> dict[str, Any]:
    return {
        "actor": run.actor,
        "first": run.first,
        "last": run.last,
        "status": run.status,
        "done": set(map(str, run.done)),
    }


class Backends(RuleBasedStateMachine):
    """Whatever is asked of one backend is asked of both, and each has to answer as the model does."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="specr-test-"))
        self.clock = SettableClock()
        self.memory = MemoryState()
        self.model = Model()
        self.leases: list[tuple[Lease, Lease]] = []
        self.actors: dict[str, tuple[Backend, Backend]] = {}

    def open(self) -> tuple[Backend, Backend]:
        return (
            MemoryBackend(self.memory, self.clock),
            SqliteBackend(self.folder / "state.db", self.clock),
        )

    def teardown(self) -> None:
        for pair in self.actors.values():
            for backend in pair:
                backend.close()
        shutil.rmtree(self.folder)

    @initialize()
    def begin(self) -> None:
        self.actors = {actor: self.open() for actor in ACTORS}
        for backend in self.actors["ann"]:
            backend.ensure()

    def ask(
        self, actor: str, do: Callable[[Backend, int], Any], refusal: type[Exception] | None
    ) -> list[Any]:
        """Ask both backends, which answer, or refuse in the way that is expected."""
        answers = []
        for number, backend in enumerate(self.actors[actor]):
            if refusal is None:
                answers.append(do(backend, number))
            else:
                with pytest.raises(refusal) as caught:
                    do(backend, number)
                assert caught.type is refusal
        return answers

    def may_write(self, lease: int) -> bool:
        return self.model.holder == lease and self.clock.now < self.model.expires

    @rule(seconds=st.sampled_from([0.25, 1, 5, 9, 10, 11, -1, -9, -30, 100_000, -100_000]))
    def time_passes_or_jumps(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(actor=st.sampled_from(ACTORS), seconds=st.sampled_from([0, 1, 10]))
    def take(self, actor: str, seconds: float) -> None:
        model = self.model
        is_held = model.holder is not None and self.clock.now < model.expires
        given = self.ask(
            actor,
            lambda backend, _: backend.lock(holder=actor, operation="apply", seconds=seconds),
            LockHeldError if is_held else None,
        )
        if given:
            in_memory, in_sqlite = given
            assert in_memory.fence == in_sqlite.fence
            assert all(in_memory.fence > earlier.fence for earlier, _ in self.leases)
            self.leases.append((in_memory, in_sqlite))
            model.holder, model.expires = len(self.leases) - 1, self.clock.now + seconds

    @precondition(lambda self: self.leases)
    @rule(actor=st.sampled_from(ACTORS), data=st.data(), seconds=st.sampled_from([1, 10]))
    def renew(self, actor: str, data: st.DataObject, seconds: float) -> None:
        lease = self.some_lease(data)
        is_ours = self.model.holder == lease
        self.ask(
            actor,
            lambda backend, n: backend.renew(self.leases[lease][n], seconds=seconds),
            None if is_ours else LeaseLostError,
        )
        if is_ours:
            self.model.expires = self.clock.now + seconds

    @precondition(lambda self: self.leases)
    @rule(actor=st.sampled_from(ACTORS), data=st.data())
    def release(self, actor: str, data: st.DataObject) -> None:
        lease = self.some_lease(data)
        self.ask(actor, lambda backend, n: backend.release(self.leases[lease][n]), None)
        if self.model.holder == lease:
            self.model.holder = None

    @precondition(lambda self: self.leases)
    @rule(actor=st.sampled_from(ACTORS), data=st.data())
    def break_lock(self, actor: str, data: st.DataObject) -> None:
        lease = self.some_lease(data)
        is_held = self.model.holder == lease
        answers = self.ask(actor, lambda backend, n: backend.break_lock(self.leases[lease][n].info.id), None)
        assert answers == [is_held, is_held]
        if is_held:
            self.model.holder = None

    @precondition(lambda self: self.leases)
    @rule(
        actor=st.sampled_from(ACTORS),
        data=st.data(),
        off=st.sampled_from([0, 0, 0, 0, -1, 1]),
        batch=st.lists(writes, max_size=5),
        durable=st.sampled_from([False, False, False, True]),
    )
    def write(self, actor: str, data: st.DataObject, off: int, batch: list[Write], *, durable: bool) -> None:
        lease = self.some_lease(data)
        expected = self.model.serial + off
        new = self.model.after(batch)
        refusal: type[Exception] | None = None
        if not self.may_write(lease):
            refusal = LeaseLostError
        elif off:
            refusal = SerialConflictError
        elif new is None:
            refusal = ValueError
        answers = self.ask(
            actor, lambda b, n: b.write(self.leases[lease][n], expected, batch, durable=durable), refusal
        )
        if refusal is None:
            assert new is not None
            assert answers == [new.serial, new.serial]
            self.model = new

    @rule(actor=st.sampled_from(ACTORS))
    def come_again(self, actor: str) -> None:
        for backend in self.actors[actor]:
            backend.close()
        self.actors[actor] = self.open()

    @rule(actor=st.sampled_from(ACTORS), data=st.data())
    def look_back(self, actor: str, data: st.DataObject) -> None:
        serial = data.draw(st.integers(0, self.model.serial))
        for then in self.ask(actor, lambda backend, _: backend.at(serial), None):
            found = {str(address): encode_recorded(entry) for address, entry in then.objects.items()}
            assert found == self.model.revisions[serial]
            assert (then.serial, then.pending, then.run) == (serial, {}, None)

    @invariant()
    def all_agree(self) -> None:
        for pair in self.actors.values():
            in_memory, in_sqlite = (backend.read() for backend in pair)
            assert replace(in_memory, lineage="") == replace(in_sqlite, lineage="")
            assert not check_state(in_sqlite)
            model = self.model
            assert in_sqlite.serial == model.serial
            objects = {str(address): encode_recorded(entry) for address, entry in in_sqlite.objects.items()}
            pending = {str(address): encode_pending(entry) for address, entry in in_sqlite.pending.items()}
            assert (objects, pending) == (model.objects, model.pending)
            histories = [list(backend.history()) for backend in pair]
            assert histories[0] == histories[1]
            assert [told(run) for run in histories[0]] == model.history()
            assert in_sqlite.run == (histories[0][-1] if histories[0] else None)
            self.lock_agrees(pair)

    def lock_agrees(self, pair: tuple[Backend, Backend]) -> None:
        for number, backend in enumerate(pair):
            info = backend.lock_info()
            holder = self.model.holder
            assert (info.id if info else None) == (
                None if holder is None else self.leases[holder][number].info.id
            )

    def some_lease(self, data: st.DataObject) -> int:
        """Mostly the newest: the older ones are all worth nothing."""
        newest = len(self.leases) - 1
        return data.draw(st.sampled_from([newest] * 4 + list(range(len(self.leases)))[-4:]))


TestBackends = Backends.TestCase
TestBackends.settings = settings(
    stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

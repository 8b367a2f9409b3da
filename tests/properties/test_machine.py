"""Any sequence of edits, applies, crashes, faults and drift keeps the promises, and heals."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from specr.address import Address
from specr.backends.memory import MemoryBackend, MemoryState
from specr.backends.protocol import Backend
from specr.backends.sqlite import SqliteBackend
from specr.canonical import encode_json
from specr.diagnostics import DiagnosticError
from specr.plan.codec import encode_plan, plan_from_text, plan_to_text
from specr.plan.model import Plan
from specr.providers.memory import MemoryProvider
from specr.providers.memory_world import MemoryWorld
from specr.resources.deployment import Deployment
from specr.state.checks import check_state
from specr.state.codec import encode_state
from tests.properties.fuses import Fuse, FusedBackend, FusedProvider, refusal
from tests.properties.scene import Crash, Scene, deployable

NAMES = st.sampled_from(["a", "b", "c"])
MOMENTS = st.sampled_from(["before", "after"])
PICKS = st.integers(0, 999)
PARALLELISM = st.sampled_from([1, 4])


class Machine(RuleBasedStateMachine):
    """One project, edited, applied, broken and healed."""

    backend_kind = "memory"

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = MemoryWorld()
        self.fuse = Fuse()
        self.scene = Scene(Path(self.folder.name), self._open_backend, self._open_provider)
        self.state = MemoryState()
        self.saved: Plan | None = None
        self.serial = 0

    def teardown(self) -> None:
        try:
            self._heal()
        finally:
            self.folder.cleanup()

    def _open_backend(self) -> Backend:
        if self.backend_kind == "memory":
            return FusedBackend(MemoryBackend(self.state), self.fuse)
        return FusedBackend(SqliteBackend(Path(self.folder.name) / "state.db"), self.fuse)

    def _open_provider(self, name: str, lineage: str) -> FusedProvider:
        return FusedProvider(MemoryProvider(self.world, lineage=lineage), self.fuse)

    @initialize(announces=st.booleans())
    def begin(self, announces: bool) -> None:
        self.scene.bytes.announces_digest = announces
        self.scene.declare(*deployable("a"))

    # What users do.

    @rule(
        name=NAMES, level=st.sampled_from(["1", "2"]), replicas=st.integers(0, 2), team=st.sampled_from("xy")
    )
    def declare(self, name: str, level: str, replicas: int, team: str) -> None:
        self.scene.declare(*deployable(name, env={"LEVEL": level}, replicas=replicas, labels={"team": team}))

    @rule(name=NAMES)
    def withdraw(self, name: str) -> None:
        self.scene.withdraw(*deployable(name))

    @rule(name=NAMES)
    def withdraw_deployment(self, name: str) -> None:
        self.scene.withdraw(deployable(name)[-1])

    @rule(old=NAMES, new=NAMES)
    def refer_to_another_model(self, old: str, new: str) -> None:
        if any(a.kind == "model" and a.name == new for a in self.scene.resources):
            self.scene.declare(Deployment(name=f"extra-{old}", model=new, version=1))

    @rule(name=NAMES)
    def drop_extra(self, name: str) -> None:
        self.scene.withdraw(Deployment(name=f"extra-{name}", model=name, version=1))

    @rule(name=NAMES, version=st.integers(1, 3))
    def train(self, name: str, version: int) -> None:
        self.scene.bytes.versions[f"{name}.bin"] = version

    # What happens.

    @rule(parallelism=PARALLELISM)
    def apply(self, parallelism: int) -> None:
        plan = self._plan()
        if plan is not None:
            result = self.scene.carry_out(plan, parallelism=parallelism)
            assert result.succeeded, result
            self._assert_converged()

    @rule(crash_at=st.integers(1, 30), moment=MOMENTS, parallelism=PARALLELISM)
    def crash(self, crash_at: int, moment: str, parallelism: int) -> None:
        """The process dies at some call; nothing after it happens."""
        plan = self._plan()
        if plan is None:
            return
        self.saved = plan
        self._with_fuse({crash_at: (moment, Crash)}, plan, parallelism)

    @rule(name=NAMES, crash_at=st.integers(1, 20), moment=MOMENTS)
    def crash_while_replacing(self, name: str, crash_at: int, moment: str) -> None:
        """The process dies while it makes things anew that nothing but --replace asks for."""
        wished = (Address("deployment", name), Address("build", f"{name}.plain"))
        if self._plan() is not None and wished[0] in self.scene.resources:
            self._with_fuse({crash_at: (moment, Crash)}, self.scene.plan(replace=wished), 1)

    @rule(at=st.lists(st.integers(1, 30), max_size=3), moment=MOMENTS, parallelism=PARALLELISM)
    def fail(self, at: list[int], moment: str, parallelism: int) -> None:
        """The provider refuses some calls, with or without having had its effect."""
        plan = self._plan()
        if plan is not None:
            self._with_fuse(dict.fromkeys(at, (moment, refusal)), plan, parallelism)

    @rule(parallelism=PARALLELISM)
    def resume(self, parallelism: int) -> None:
        """Apply the plan of the last crash again: it takes up the rest, or refuses without effect."""
        plan, self.saved = self.saved, None
        if plan is None:
            return
        before = self._everything()
        calls = self.fuse.calls
        refused = ""
        try:
            self.scene.carry_out(plan_from_text(plan_to_text(plan)), parallelism=parallelism)
        except DiagnosticError as error:
            refused = error.diagnostics[0].summary
        if refused:
            assert refused == "Plan is stale"
            assert self._everything() == before
            assert self.fuse.calls == calls

    # A number, not a source of them: with workers side by side it hangs on time what there is to choose from.

    @rule(pick=PICKS)
    def lose_an_object(self, pick: int) -> None:
        lineage = self._lineage()
        tokens = sorted(self.world.attributes(lineage))
        if tokens:
            self.world.remove(lineage, tokens[pick % len(tokens)])

    @rule(pick=PICKS)
    def lose_bytes(self, pick: int) -> None:
        kept = sorted(self.scene.bytes.kept)
        if kept:
            self.scene.bytes.kept.discard(kept[pick % len(kept)])

    @rule()
    def destroy(self) -> None:
        if self._plan() is None:
            return
        plan = self.scene.plan(destroy=True)
        assert self.scene.carry_out(plan).succeeded
        assert not self.scene.state().objects
        assert not self.scene.state().pending
        assert not self.world.attributes(self._lineage())

    # What always holds.

    @invariant()
    def state_is_sound(self) -> None:
        state = self.scene.state()
        assert not check_state(state)
        assert state.serial >= self.serial
        self.serial = state.serial

    @invariant()
    def nothing_is_orphaned(self) -> None:
        """Every object in the world is recorded or pending."""
        state = self.scene.state()
        known = {r.token for r in state.objects.values()}
        for pending in state.pending.values():
            known |= {pending.token, *(ref.token for ref in pending.leftovers)}
        assert set(self.world.attributes(state.lineage)) <= known

    @invariant()
    def planning_is_pure_and_deterministic(self) -> None:
        before = self._everything()
        first, second = self._plan(), self._plan()
        assert self._everything() == before
        if first is not None and second is not None:
            assert plan_to_text(first) == plan_to_text(second)
            assert encode_plan(plan_from_text(plan_to_text(first))) == encode_plan(first)
            if self.scene.state().pending:
                assert not first.is_empty

    # How.

    def _plan(self) -> Plan | None:
        """The plan, or None where the specs have no sound one."""
        declared = set(self.scene.resources)
        for resource in list(self.scene.resources.values()):
            if any(r.target not in declared for r in resource.references()):
                return None  # loading would have refused it
        return self.scene.plan()

    def _with_fuse(
        self, burns: dict[int, tuple[str, Callable[[], BaseException]]], plan: Plan, parallelism: int
    ) -> None:
        self.fuse.burns = {self.fuse.calls + n: burn for n, burn in burns.items()}
        try:
            self.scene.carry_out(plan, parallelism=parallelism)
        except (Crash, DiagnosticError, ExceptionGroup):
            pass
        finally:
            self.fuse.burns = {}

    def _everything(self) -> bytes:
        state = self.scene.state()
        return encode_json(
            [encode_state(state), {k: dict(v) for k, v in self.world.attributes(state.lineage).items()}]
        )

    def _lineage(self) -> str:
        return self.scene.state().lineage

    def _heal(self) -> None:
        """Whatever happened: one apply that succeeds brings everything to what is declared."""
        plan = self._plan()
        if plan is None:
            return
        result = self.scene.carry_out(plan)
        assert result.succeeded, [o for o in result.outcomes if not o.succeeded]
        self._assert_converged()

    def _assert_converged(self) -> None:
        assert self.scene.plan().is_empty
        state = self.scene.state()
        assert not state.pending
        living = Counter(self.world.attributes(state.lineage).keys())
        wanted = {r.token for r in state.objects.values() if r.provider}
        assert set(living) == wanted
        declared = {a for a in self.scene.resources if a.kind == "deployment"}
        assert {a for a in state.objects if a.kind == "deployment"} == declared


class SqliteMachine(Machine):
    """The same over SQLite."""

    backend_kind = "sqlite"


QUICK = settings(
    max_examples=60,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestMemory = Machine.TestCase
TestMemory.settings = QUICK
TestSqlite = SqliteMachine.TestCase
TestSqlite.settings = settings(QUICK, max_examples=25)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", range(1, 28))
def test_every_crash_point_of_a_roll_out_heals(step: int, moment: str) -> None:
    """A first apply, new bytes, then death at each single call of the update."""
    machine = Machine()
    try:
        machine.begin(announces=True)
        machine.apply(parallelism=1)
        machine.train("a", 2)
        machine.declare("a", "2", 1, "x")
        machine.crash(step, moment, 1)
        machine.state_is_sound()
        machine.nothing_is_orphaned()
        machine.planning_is_pure_and_deterministic()
    finally:
        machine.teardown()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", range(1, 20))
def test_a_replacement_that_was_begun_is_carried_out_by_the_next_apply(step: int, moment: str) -> None:
    """Nothing but --replace asks for it, so only the intent can tell that somebody did."""
    machine = Machine()
    try:
        machine.begin(announces=True)
        machine.apply(parallelism=1)
        before = machine.scene.state()
        wished = tuple(a for a in before.objects if a.kind in {"build", "deployment"})
        plan = machine.scene.plan(replace=wished)
        machine._with_fuse({step: (moment, Crash)}, plan, 1)
        begun = {a for a, pending in machine.scene.state().pending.items() if pending.action == "replace"}
        machine.apply(parallelism=1)
        after = machine.scene.state()
        made_anew = {a for a in wished if before.objects[a].token != after.objects[a].token}
        assert begun <= made_anew
    finally:
        machine.teardown()

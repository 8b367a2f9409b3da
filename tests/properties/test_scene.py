"""The main road, by hand, before properties leave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from specr.address import Address, parse_address
from specr.apply.events import OutcomeKind, StepFinished, StepProgress
from specr.backends.memory import MemoryBackend, MemoryState
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.plan.codec import encode_plan
from specr.plan.model import Action, Difference, Drift, Effect, Reason
from specr.plan.observed import ProviderSchema
from specr.providers.memory import MemoryProvider
from specr.providers.memory_world import MemoryWorld
from specr.providers.protocol import Order, Readiness
from specr.render.blocks import change_lines
from specr.resources.artifact import Artifact
from specr.resources.convert import convert
from specr.resources.deployment import Deployment
from specr.resources.model import Model
from specr.sources.protocol import Resolved
from specr.state.checks import check_state
from specr.state.model import ObjectRef
from tests.properties.scene import Scene, deployable

API = parse_address("deployment/api")
BUILD = parse_address("build/api.plain")


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


@pytest.fixture
def scene(tmp_path: Path, world: MemoryWorld) -> Scene:
    state = MemoryState()
    return Scene(
        tmp_path,
        lambda: MemoryBackend(state),
        lambda name, lineage: MemoryProvider(world, lineage=lineage),
    )


def tokens(scene: Scene, world: MemoryWorld) -> set[str]:
    return set(world.attributes(scene.state().lineage))


def actions(scene: Scene, **options: object) -> dict[str, Action]:
    return {str(c.address): c.action for c in scene.plan(**options).steps}


def test_create_then_nothing_then_destroy(scene: Scene, world: MemoryWorld) -> None:
    scene.declare(*deployable("api"))
    plan = scene.plan()
    assert {c.action for c in plan.steps} == {Action.CREATE}
    assert scene.carry_out(plan).succeeded
    assert not check_state(scene.state())
    assert scene.plan().is_empty
    assert scene.state().objects[API].attributes["endpoint"]
    assert len(tokens(scene, world)) == 2
    assert scene.apply(destroy=True).succeeded
    assert not scene.state().objects
    assert not tokens(scene, world)


def test_a_second_apply_has_no_effects(scene: Scene) -> None:
    scene.declare(*deployable("api"))
    scene.apply()
    before = scene.state()
    scene.apply()
    assert scene.state().objects == before.objects
    assert not [e for e in scene.events if isinstance(e, StepFinished)]


def test_new_bytes_replace_artifact_and_build_and_roll_out(scene: Scene, world: MemoryWorld) -> None:
    scene.declare(*deployable("api"))
    scene.apply()
    scene.bytes.versions["api.bin"] = 2
    plan = scene.plan()
    change = {str(c.address): c for c in plan.steps}
    assert change["artifact/api"].action is Action.REPLACE
    assert change["build/api.plain"].action is Action.REPLACE
    assert change["deployment/api"].action is Action.UPDATE
    assert change["deployment/api"].effect is Effect.ROLL_OUT
    assert change["deployment/api"].cause.upstream == parse_address("artifact/api")
    assert not change["deployment/api"].interrupts
    before = tokens(scene, world)
    assert scene.carry_out(plan).succeeded
    assert scene.plan().is_empty
    assert len(tokens(scene, world)) == 2
    assert not tokens(scene, world) & before


def test_bytes_known_only_after_the_fetch(scene: Scene) -> None:
    scene.bytes.announces_digest = False
    scene.declare(*deployable("api"))
    plan = scene.plan()
    change = {c.address: c for c in plan.steps}
    assert ("digest",) in change[parse_address("artifact/api")].unknown
    assert scene.carry_out(plan).succeeded
    assert scene.plan().is_empty
    scene.bytes.versions["api.bin"] = 2
    assert scene.apply().succeeded
    assert scene.plan().is_empty


def test_a_source_that_only_looks_new_leaves_the_deployment_alone(scene: Scene, world: MemoryWorld) -> None:
    scene.bytes.announces_digest = False
    scene.declare(*deployable("api"))
    scene.apply()
    before = tokens(scene, world)
    content = scene.bytes.content
    scene.bytes.content = lambda reference: content(reference).replace(b"v2", b"v1")  # type: ignore[method-assign]
    scene.bytes.versions["api.bin"] = 2
    plan = scene.plan()
    assert API in {c.address for c in plan.steps}
    result = scene.carry_out(plan)
    kinds = {o.address: o.kind for o in result.outcomes}
    assert kinds[API] is OutcomeKind.UNCHANGED
    assert tokens(scene, world) == before
    assert scene.plan().is_empty


@pytest.mark.parametrize(
    ("changed", "effect"),
    [
        ({"env": {"A": "1"}}, Effect.ROLL_OUT),
        ({"replicas": 3}, Effect.IN_PLACE),
        ({"verify": [{"row": {"x": 1}, "expect": {"prediction": 1}, "tolerance": 10}]}, Effect.IN_PLACE),
        ({"labels": {"team": "risk"}}, Effect.RECORD),
        ({"protect": True}, Effect.RECORD),
    ],
)
def test_each_argument_has_its_effect(scene: Scene, changed: dict[str, object], effect: Effect) -> None:
    scene.declare(*deployable("api"))
    scene.apply()
    scene.declare(*deployable("api", **changed))
    (change,) = scene.plan().steps
    assert (change.action, change.effect) == (Action.UPDATE, effect)
    assert change.cause.reason is Reason.ARGUMENTS
    assert change.differences
    assert scene.carry_out(scene.plan()).succeeded
    assert scene.plan().is_empty


def test_what_dies_is_drift_and_is_healed(scene: Scene, world: MemoryWorld) -> None:
    scene.declare(*deployable("api"))
    scene.apply()
    recorded = scene.state().objects[API]
    world.remove(scene.state().lineage, recorded.token)
    plan = scene.plan()
    assert [d.address for d in plan.drift] == [API]
    assert plan.drift[0].healed
    assert {str(c.address): c.cause.reason for c in plan.steps} == {"deployment/api": Reason.MISSING}
    scene.carry_out(plan)
    assert scene.plan().is_empty


class ProbedProvider(MemoryProvider):
    """Runtimes that may fall silent; `asked` counts the times that they were asked."""

    schema = ProviderSchema(in_place=frozenset({"replicas"}))
    silent: ClassVar[dict[str, str]] = {}
    asked: ClassVar[list[str]] = []

    def probe(self, asked: Sequence[tuple[ObjectRef, str]], seconds: float) -> Mapping[Address, str]:
        assert seconds > 0
        self.asked.extend(path for _, path in asked)
        return {ref.address: self.silent[ref.token] for ref, _ in asked if ref.token in self.silent}


@pytest.fixture
def probed(tmp_path: Path, world: MemoryWorld, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A scene with a deployment that has fallen silent."""
    monkeypatch.setattr(ProbedProvider, "silent", {})
    monkeypatch.setattr(ProbedProvider, "asked", [])
    state = MemoryState()
    quiet = Scene(
        tmp_path, lambda: MemoryBackend(state), lambda _, lineage: ProbedProvider(world, lineage=lineage)
    )
    quiet.declare(*deployable("api"))
    quiet.apply()
    assert quiet.plan().is_settled
    ProbedProvider.silent[quiet.state().objects[API].token] = "process 12 gave no answer"
    return quiet


def test_what_falls_silent_is_told_and_left_alone(probed: Scene) -> None:
    plan = probed.plan()
    assert plan.drift == (Drift(API, "process 12 gave no answer", silent=True),)
    assert plan.is_empty
    assert not plan.is_settled
    assert probed.carry_out(plan).succeeded
    assert probed.plan().drift == plan.drift


def test_what_is_silent_is_replaced_when_asked_for(probed: Scene) -> None:
    plan = probed.plan(replace=(API,))
    assert plan.drift[0].healed
    assert probed.carry_out(plan).succeeded
    assert probed.plan().is_settled


def test_a_change_that_keeps_what_is_silent_does_not_heal_it(probed: Scene) -> None:
    probed.declare(*deployable("api", replicas=2))
    plan = probed.plan()
    assert [change.address for change in plan.steps] == [API]
    assert [drift.healed for drift in plan.drift] == [False]
    probed.withdraw(*deployable("api"))
    assert [drift.healed for drift in probed.plan().drift] == [True]


def test_what_is_silent_is_not_verified(probed: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime is named, not the platform, and what is recorded stays."""
    monkeypatch.setattr("specr.apply.questions.LISTENING", 0.0)
    monkeypatch.setattr(MemoryProvider, "request", lambda *_: pytest.fail("it was asked"))
    before = probed.state().objects
    probed.declare(*deployable("api", verify=[{"row": {"x": 1}, "expect": {"prediction": 1}}]))
    (change,) = probed.plan().steps
    assert change.effect is Effect.VERIFY
    (outcome,) = probed.carry_out(probed.plan()).outcomes
    (told,) = outcome.diagnostics
    assert told.summary == "Runtime does not answer"
    assert "process 12 gave no answer" in told.detail
    assert "last lines of its log:" in told.notes
    assert probed.state().objects == before


def test_what_is_silent_outside_of_a_target_does_not_unsettle_it(probed: Scene) -> None:
    plan = probed.plan(targets=(parse_address("model/api"),))
    assert plan.drift
    assert plan.is_settled


def test_nobody_is_asked_without_refreshing(probed: Scene, world: MemoryWorld) -> None:
    ProbedProvider.asked.clear()
    assert probed.plan(refresh=False).is_settled
    assert ProbedProvider.asked == []
    assert not probed.plan().is_settled
    assert ProbedProvider.asked == ["/readyz"]
    world.remove(probed.state().lineage, probed.state().objects[API].token)
    assert [drift.silent for drift in probed.plan().drift] == [False]
    assert ProbedProvider.asked == ["/readyz"], "what is gone was asked"


def test_protected_deployments_stay(scene: Scene) -> None:
    resources = deployable("api", protect=True)
    scene.declare(*resources)
    scene.apply()
    scene.withdraw(*resources)
    with pytest.raises(DiagnosticError, match="Protected deployment"):
        scene.plan()
    with pytest.raises(DiagnosticError, match="Protected deployment"):
        scene.plan(destroy=True)
    assert scene.apply(allow_delete=frozenset({API})).succeeded
    assert API not in scene.state().objects


def test_a_stale_plan_is_refused_without_effects(scene: Scene, world: MemoryWorld) -> None:
    scene.declare(*deployable("api"))
    plan = scene.plan()
    scene.declare(*deployable("other"))
    scene.apply()
    before = scene.state(), tokens(scene, world)
    with pytest.raises(DiagnosticError, match="Plan is stale"):
        scene.carry_out(plan)
    assert (scene.state(), tokens(scene, world)) == before


def test_drift_after_planning_makes_the_plan_stale(scene: Scene, world: MemoryWorld) -> None:
    scene.declare(*deployable("api"))
    scene.apply()
    scene.declare(*deployable("api", env={"A": "1"}))
    plan = scene.plan()
    world.remove(scene.state().lineage, scene.state().objects[API].token)
    before = scene.state()
    with pytest.raises(DiagnosticError, match="Changed outside of specr"):
        scene.carry_out(plan)
    assert scene.state() == before


def test_targets_take_what_they_need_and_nothing_else(scene: Scene) -> None:
    scene.declare(*deployable("api"), *deployable("other"))
    assert scene.apply(targets=(API,)).succeeded
    names = {a.name for a in scene.state().objects}
    assert "other" not in names
    assert actions(scene)["deployment/other"] is Action.CREATE
    scene.apply()
    assert scene.plan().is_empty


def test_an_unknown_target_is_an_error(scene: Scene) -> None:
    scene.declare(*deployable("api"))
    with pytest.raises(DiagnosticError, match="Unknown target"):
        scene.plan(targets=(Address("deployment", "ap"),))


def test_a_renamed_deployment_hands_its_port_over(scene: Scene) -> None:
    old = deployable("api", endpoint={"port": 4000})
    scene.declare(*old)
    scene.apply()
    scene.withdraw(old[-1])
    new = convert({"name": "web", "model": "api", "version": 1, "endpoint": {"port": 4000}}, Deployment)
    scene.declare(new)
    order = [str(c.address) for c in scene.plan().steps]
    assert order.index("deployment/api") < order.index("deployment/web")
    scene.apply()
    assert scene.plan().is_empty


def test_replace_makes_a_new_object(scene: Scene, world: MemoryWorld) -> None:
    scene.declare(*deployable("api"))
    scene.apply()
    before = scene.state().objects[API].token
    assert scene.apply(replace=(API,)).succeeded
    assert scene.state().objects[API].token != before
    assert len(tokens(scene, world)) == 2


def test_a_replacement_that_fails_is_told_as_one_that_nothing_else_asks_for(
    scene: Scene, world: MemoryWorld
) -> None:
    scene.declare(*deployable("api"), *deployable("other"))
    scene.apply()
    broken = {"deployment/api": Readiness(done=True, message="it broke")}

    class Broken(MemoryProvider):
        def readiness(self, ref: ObjectRef, order: Order) -> Readiness:
            return broken.get(str(ref.address)) or super().readiness(ref, order)

    scene._provider = lambda name, lineage: Broken(world, lineage=lineage)
    scene.declare(*deployable("other", env={"A": "1"}))
    result = scene.apply(replace=(API,))
    assert (result.status, result.unmet) == ("failed", (API,))
    broken["deployment/other"] = broken.pop("deployment/api")
    scene.declare(*deployable("other", env={"A": "2"}))
    result = scene.apply(replace=(API,))
    assert (result.status, result.unmet) == ("failed", ())


def test_undeclared_resources_go_in_reverse_order(scene: Scene) -> None:
    resources = deployable("api")
    scene.declare(*resources)
    scene.apply()
    scene.withdraw(*resources)
    order = [str(c.address) for c in scene.plan().steps]
    assert order.index("deployment/api") < order.index("build/api.plain") < order.index("artifact/api")
    assert order.index("model/api") < order.index("experiment/api")
    scene.apply()
    assert scene.plan().is_empty


def moving(scene: Scene, world: MemoryWorld, schema: ProviderSchema) -> None:
    scene._provider = lambda name, lineage: MemoryProvider(world, lineage=lineage, schema=schema)


def test_a_roll_out_that_moves_the_address_says_so(scene: Scene, world: MemoryWorld) -> None:
    moving(scene, world, ProviderSchema(gap_on_fixed_port=True, moves_endpoint=True))
    scene.declare(*deployable("api"))
    scene.apply()
    scene.declare(*deployable("api", env={"A": "1"}))
    (change,) = scene.plan().steps
    assert change.interrupts
    assert Difference(("endpoint",), "memory://deployment/api", unknown=True) in change.differences


@pytest.mark.parametrize(("port", "moves"), [(None, True), (4000, False)])
def test_healing_says_where_it_moves_the_address(
    scene: Scene, world: MemoryWorld, port: int | None, moves: bool
) -> None:
    moving(scene, world, ProviderSchema(gap_on_fixed_port=True, moves_endpoint=True))
    scene.declare(*deployable("api", **({"endpoint": {"port": port}} if port else {})))
    scene.apply()
    world.remove(scene.state().lineage, scene.state().objects[API].token)
    (change,) = scene.plan().steps
    assert change.cause.reason is Reason.MISSING
    assert change.interrupts is moves  # a gap is there already
    assert any(d.path == ("endpoint",) for d in change.differences) is moves


@pytest.mark.parametrize(
    ("before", "after", "interrupts", "moves"),
    [(None, 4000, True, True), (4000, 4000, True, False), (4000, 5000, True, True)],
)
def test_a_fixed_port_costs_a_gap_only_where_it_was_served_before(
    scene: Scene, world: MemoryWorld, before: int | None, after: int, interrupts: bool, moves: bool
) -> None:
    moving(scene, world, ProviderSchema(gap_on_fixed_port=True, moves_endpoint=True))
    scene.declare(*deployable("api", **({"endpoint": {"port": before}} if before else {})))
    scene.apply()
    scene.declare(*deployable("api", env={"A": "1"}, endpoint={"port": after}))
    (change,) = scene.plan().steps
    assert change.interrupts is interrupts
    assert any(d.path == ("endpoint",) for d in change.differences) is moves
    scene.apply()
    (told,) = (e.message for e in scene.events if isinstance(e, StepProgress) and e.stage == "promote")
    assert told == (
        "taking over"
        if moves
        else "taking over port 4000, where only one can listen: "
        "the old runtime stops, then the new one starts there"
    )


@pytest.mark.parametrize(
    ("port", "replicas", "told"), [(5000, 1, "http://here:5000"), (None, 1, None), (5000, 0, None)]
)
def test_where_a_fixed_port_leads_to_is_known_at_plan(
    scene: Scene, world: MemoryWorld, port: int | None, replicas: int, told: str | None
) -> None:
    moving(scene, world, ProviderSchema(moves_endpoint=True, fixed_endpoint="http://here:{port}"))
    scene.declare(*deployable("api", endpoint={"port": 4000}))
    scene.apply()
    scene.declare(*deployable("api", replicas=replicas, endpoint={"port": port} if port else {}))
    (change,) = scene.plan().steps
    (found,) = (d for d in change.differences if d.path == ("endpoint",) and isinstance(d.prior, str))
    assert (found.planned, found.unknown) == (told, told is None)
    assert (("endpoint",) in change.unknown) is (told is None)


@pytest.mark.parametrize(("before", "after"), [(None, 4000), (4000, None), (4000, 5000)])
def test_a_port_and_the_address_that_follows_from_it_are_told_apart(
    scene: Scene, world: MemoryWorld, before: int | None, after: int | None
) -> None:
    moving(scene, world, ProviderSchema(moves_endpoint=True, fixed_endpoint="http://here:{port}"))
    scene.declare(*deployable("api", **({"endpoint": {"port": before}} if before else {})))
    scene.apply()
    scene.declare(*deployable("api", **({"endpoint": {"port": after}} if after else {})))
    plan = scene.plan()
    told = {d.path: (d.prior, d.planned) for d in plan.steps[0].differences}
    assert told[("endpoint", "port")] == (before, after)
    assert told[("endpoint",)][1] == (f"http://here:{after}" if after else None)
    lines = [line.text.split(" = ")[0].strip() for line in change_lines(encode_plan(plan)["changes"][0], 100)]
    assert (lines.count("endpoint"), lines.count("endpoint.port")) == (1, 1)


@pytest.mark.parametrize("renewing", [True, False])
def test_drift_that_can_not_be_undone_in_place_takes_a_new_object(
    scene: Scene, world: MemoryWorld, renewing: bool
) -> None:
    moving(scene, world, ProviderSchema(renewing=frozenset({"replicas"} if renewing else {})))
    scene.declare(*deployable("api"))
    scene.apply()
    before = scene.state().objects[API]
    found = world.attributes_of(scene.state().lineage, before.token)
    assert found is not None
    world.set_attributes(scene.state().lineage, before.token, {**found, "replicas": 7})
    (change,) = scene.plan().steps
    assert change.cause.reason is Reason.DRIFTED
    assert change.effect is (Effect.ROLL_OUT if renewing else Effect.IN_PLACE)
    (shown,) = (d for d in change.differences if d.path == ("replicas",))
    assert (shown.prior, shown.planned) == ((1, 7) if renewing else (7, 1))
    scene.apply()
    after = scene.state().objects[API]
    assert (after.token != before.token) is renewing
    assert list(world.attributes(scene.state().lineage)).count(before.token) == (0 if renewing else 1)
    assert scene.plan().is_empty


def test_an_alias_that_moves_is_the_cause(scene: Scene) -> None:
    one = deployable("one")
    two = deployable("two")
    alias = convert({"name": "api", "model": "m", "alias": "best"}, Deployment)
    scene.declare(*one[:2], *two[:2], Model(name="m", versions={1: "one"}, aliases={"best": 1}), alias)
    scene.apply()
    scene.declare(Model(name="m", versions={1: "one", 2: "two"}, aliases={"best": 2}))
    change = next(c for c in scene.plan().steps if c.address == API)
    assert change.cause.upstream == parse_address("model/m")
    assert change.cause.path == ("version",)


class Unreachable:
    """A host that does not answer."""

    def resolve(self, reference: str, base: Path) -> Resolved:
        raise DiagnosticError(Diagnostic("No answer", reference))


def test_a_host_that_does_not_answer_stops_only_what_needs_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = deployable("api")
    artifact = Artifact(name="api", experiment="api", type="plain", source="http://host/api.bin")
    scene.declare(*remote, artifact, *deployable("other"))
    assert scene.apply().succeeded
    source_for = scene.bytes.source_for
    monkeypatch.setattr(scene.bytes, "source_for", lambda r: Unreachable() if "host" in r else source_for(r))
    with pytest.raises(DiagnosticError, match="No answer"):
        scene.plan()
    assert scene.plan(targets=(parse_address("deployment/other"),)).is_empty
    assert scene.plan(refresh=False).is_empty

"""Promises that single runs keep: fidelity, order, containment, resumption, secrecy, determinism."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specr.address import Address, parse_address
from specr.apply.events import OutcomeKind, RunFinished, StepFinished, StepStarted
from specr.backends.memory import MemoryBackend, MemoryState
from specr.backends.sqlite import SqliteBackend
from specr.canonical import decode_json, encode_json
from specr.diagnostics import DiagnosticError
from specr.plan.codec import plan_to_text
from specr.plan.model import Action, Effect, Plan
from specr.providers.memory import MemoryProvider
from specr.providers.memory_world import MemoryWorld
from specr.providers.protocol import ScorerRequest, ScorerResponse
from specr.render.events import check_stream, decode_event, encode_event, event_line
from specr.state.codec import encode_state
from specr.state.model import ObjectRef
from specr.workflow import Manner
from tests.properties.fuses import Fuse, FusedBackend, FusedProvider, refusal
from tests.properties.scene import Crash, Scene, deployable

NAMES = ("a", "b", "c", "d")
API = parse_address("deployment/a")


class Stage:
    """A scene with its world and fuse."""

    def __init__(self, folder: Path) -> None:
        self.world = MemoryWorld()
        self.fuse = Fuse()
        self.backend = MemoryState()
        self.scene = Scene(
            folder,
            lambda: FusedBackend(MemoryBackend(self.backend), self.fuse),
            lambda name, lineage: FusedProvider(MemoryProvider(self.world, lineage=lineage), self.fuse),
        )

    def burn(self, at: int, moment: str, error: Callable[[], BaseException]) -> None:
        self.fuse.burns = {self.fuse.calls + at: (moment, error)}

    def effects(self) -> list[str]:
        """The calls to the provider that change something, since the last look."""
        calls = [c for c in self.fuse.log if not c.startswith(("write", "readiness"))]
        self.fuse.log.clear()
        return calls


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def planned_effects(plan: Plan) -> list[str]:
    """The provider calls that a plan stands for."""
    calls = []
    for change in plan.steps:
        if change.effect in {Effect.BUILD, Effect.ROLL_OUT}:
            calls.append(f"create {change.address}")
        if change.effect is Effect.ROLL_OUT:
            calls.append(f"promote {change.address}")
        if change.effect is Effect.IN_PLACE:
            calls.append(f"update {change.address}")
        calls += [f"delete {ref.address}" for ref in change.discard]
    return calls


@given(
    edits=st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(["env", "bytes", "scale", "drop"])), max_size=4
    )
)
@settings(max_examples=40)
def test_effects_are_exactly_those_planned(edits: list[tuple[str, str]], tmp_path_factory: Any) -> None:
    stage = Stage(tmp_path_factory.mktemp("scene"))
    for name in NAMES:
        stage.scene.declare(*deployable(name))
    plan = stage.scene.plan()
    stage.scene.carry_out(plan)
    assert sorted(stage.effects()) == sorted(planned_effects(plan))
    for name, edit in edits:
        match edit:
            case "env":
                stage.scene.declare(*deployable(name, env={"A": "1"}))
            case "scale":
                stage.scene.declare(*deployable(name, replicas=2))
            case "bytes":
                stage.scene.bytes.versions[f"{name}.bin"] = 2
            case _:
                stage.scene.withdraw(*deployable(name))
    plan = stage.scene.plan()
    known = {c.address: c.planned for c in plan.steps if c.planned is not None and not c.unknown}
    stage.scene.carry_out(plan)
    assert sorted(stage.effects()) == sorted(planned_effects(plan))
    recorded = stage.scene.state().objects
    for address, arguments in known.items():
        assert encode_json(recorded[address].arguments) == encode_json(arguments)


@given(parallelism=st.integers(1, 8), names=st.sets(st.sampled_from(NAMES), min_size=1))
@settings(max_examples=30)
def test_steps_end_before_those_that_follow_begin(
    parallelism: int, names: set[str], tmp_path_factory: Any
) -> None:
    stage = Stage(tmp_path_factory.mktemp("scene"))
    for name in names:
        stage.scene.declare(*deployable(name))
    for destroy in (False, True):
        plan = stage.scene.plan(destroy=destroy)
        stage.scene.carry_out(plan, parallelism=parallelism)
        begun = {e.address: n for n, e in enumerate(stage.scene.events) if isinstance(e, StepStarted)}
        ended = {
            e.outcome.address: n for n, e in enumerate(stage.scene.events) if isinstance(e, StepFinished)
        }
        for change in plan.steps:
            for earlier in change.after:
                assert ended[earlier] < begun[change.address]


def test_never_zero_live_while_the_new_replaces_the_old(stage: Stage) -> None:
    """In a roll-out the delete comes after the promotion."""
    stage.scene.declare(*deployable("a"))
    stage.scene.apply()
    stage.effects()
    stage.scene.declare(*deployable("a", env={"A": "1"}))
    stage.scene.apply()
    assert stage.effects() == ["create deployment/a", "promote deployment/a", "delete deployment/a"]


@given(at=st.integers(1, 40), moment=st.sampled_from(["before", "after"]))
@settings(max_examples=60)
def test_what_hangs_on_a_failure_does_not_run_and_all_else_does(
    at: int, moment: str, tmp_path_factory: Any
) -> None:
    stage = Stage(tmp_path_factory.mktemp("scene"))
    for name in NAMES:
        stage.scene.declare(*deployable(name))
    stage.fuse.burns = {at: (moment, refusal)}
    try:
        result = stage.scene.apply()
    except DiagnosticError:
        return  # the fuse hit a write: the run ends as a whole
    plan_after = {c.address: c.after for c in stage.scene.plan(replace=()).steps}
    outcomes = {o.address: o for o in result.outcomes}
    failed = {a for a, o in outcomes.items() if o.kind is OutcomeKind.FAILED}
    for address, outcome in outcomes.items():
        if outcome.kind is OutcomeKind.SKIPPED:
            assert outcome.because in failed
            assert address.name.split(".")[0] == outcome.because.name.split(".")[0]
        elif outcome.kind is OutcomeKind.DONE:
            assert address in stage.scene.state().objects
    assert failed <= set(plan_after) | set(stage.scene.state().pending)
    stage.fuse.burns = {}
    assert stage.scene.apply().succeeded
    assert stage.scene.plan().is_empty


@given(at=st.integers(1, 60), moment=st.sampled_from(["before", "after"]))
@settings(max_examples=60)
def test_resuming_does_exactly_what_remains(at: int, moment: str, tmp_path_factory: Any) -> None:
    stage = Stage(tmp_path_factory.mktemp("scene"))
    for name in NAMES:
        stage.scene.declare(*deployable(name))
    plan = stage.scene.plan()
    stage.burn(at, moment, Crash)
    try:
        stage.scene.carry_out(plan, parallelism=1)
    except Crash:
        pass
    else:
        return  # it was over before the crash
    before = stage.scene.state()
    assert not check_stream(map(event_line, stage.scene.events)).problems
    done = before.run.done if before.run is not None and before.run.plan else frozenset()
    stage.fuse.burns = {}
    if before.run is not None and before.run.status == "succeeded":
        with pytest.raises(DiagnosticError, match="carried out already"):
            stage.scene.carry_out(plan)
        return
    stage.scene.carry_out(plan, parallelism=1)
    again = {e.address for e in stage.scene.events if isinstance(e, StepStarted)}
    assert again == {c.address for c in plan.steps} - done
    assert stage.scene.plan().is_empty
    assert len(stage.world.attributes(stage.scene.state().lineage)) == 2 * len(NAMES)


def final_state(folder: Path, parallelism: int) -> Any:
    stage = Stage(folder)
    for name in NAMES:
        stage.scene.declare(*deployable(name, replicas=2))
    stage.scene.apply(parallelism=parallelism)
    stage.scene.bytes.versions["b.bin"] = 2
    stage.scene.withdraw(*deployable("c"))
    stage.scene.apply(parallelism=parallelism)
    data = encode_state(stage.scene.state())
    return {
        str(r.address): [
            r.arguments,
            {k: v for k, v in r.attributes.items() if k != "endpoint"},
            r.fingerprint,
        ]
        for r in stage.scene.state().objects.values()
    }, data["serial"]


def test_parallelism_makes_no_difference(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "8").mkdir()
    assert final_state(tmp_path / "1", 1) == final_state(tmp_path / "8", 8)


def test_an_event_stream_tells_and_counts_every_step(stage: Stage) -> None:
    for name in NAMES:
        stage.scene.declare(*deployable(name))
    plan = stage.scene.plan()
    stage.scene.carry_out(plan)
    lines = [event_line(e) for e in stage.scene.events]
    report = check_stream(lines)
    assert report.complete
    assert not report.problems
    assert [decode_event(decode_json(line)) for line in lines] == stage.scene.events
    finished = stage.scene.events[-1]
    assert isinstance(finished, RunFinished)
    assert sum(finished.summary.values()) == len(plan.steps)


def test_drift_shows_until_it_is_healed_and_then_no_more(stage: Stage) -> None:
    stage.scene.declare(*deployable("a"))
    stage.scene.apply()
    stage.world.remove(stage.scene.state().lineage, stage.scene.state().objects[API].token)
    before = dict(stage.world.attributes(stage.scene.state().lineage))
    assert [d.address for d in stage.scene.plan().drift] == [API]
    assert [d.address for d in stage.scene.plan().drift] == [API]
    assert stage.world.attributes(stage.scene.state().lineage) == before
    assert not stage.scene.plan(refresh=False).drift
    stage.scene.apply()
    assert not stage.scene.plan().drift


def test_a_build_taken_from_the_store_is_the_one_that_a_rerun_would_give(stage: Stage) -> None:
    stage.scene.declare(*deployable("a"))
    stage.scene.apply()
    build = parse_address("build/a.plain")
    digest = stage.scene.state().objects[build].attributes["digest"]
    stage.scene.bytes.kept.add(digest)  # what a provider with real outputs does
    stage.scene.bytes.remember_build(stage.scene.state().objects[build].attributes["effect"], digest)
    stage.scene.apply(destroy=True)
    plan = stage.scene.plan()
    change = next(c for c in plan.steps if c.address == build)
    assert (change.action, change.effect, change.unknown) == (Action.CREATE, Effect.REUSE, ())
    stage.scene.carry_out(plan)
    assert "create build/a.plain" not in stage.effects()[2:]
    assert stage.scene.state().objects[build].attributes["digest"] == digest
    rerun = Stage(stage.scene.folder)
    rerun.scene.declare(*deployable("a"))
    rerun.scene.apply()
    assert rerun.scene.state().objects[build].attributes["digest"] == digest


SECRET = "swordfish-4711"


def test_a_secret_is_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the plan, the state, the events, or any file."""
    monkeypatch.setenv("THE_SECRET", SECRET)
    world = MemoryWorld()
    scene = Scene(
        tmp_path,
        lambda: SqliteBackend(tmp_path / "state.db"),
        lambda name, lineage: MemoryProvider(world, lineage=lineage),
    )
    scene.declare(*deployable("a", env={"KEY": {"valueFrom": {"env": "THE_SECRET"}}}))
    plan = scene.plan()
    assert SECRET not in plan_to_text(plan)
    assert "THE_SECRET" in plan_to_text(plan)
    scene.carry_out(plan)
    assert SECRET not in encode_json([encode_event(e) for e in scene.events]).decode()
    assert SECRET not in encode_json(encode_state(scene.state())).decode()
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()


PROJECT = "apiVersion: specr/v1\nkind: Project\nmetadata: {name: p}\nspec: {}\n"
DOCUMENTS = [
    *(
        f"apiVersion: specr/v1\nkind: Experiment\nmetadata: {{name: e{n}}}\n"
        f"spec: {{parameters: {{b: 1, a: {n}}}}}\n"
        for n in range(6)
    ),
    *(
        f"apiVersion: specr/v1\nkind: Model\nmetadata: {{name: m{n}}}\nspec: {{versions: {{1: e{n}}}}}\n"
        for n in range(6)
    ),
]


def plan_file(folder: Path, files: dict[str, str], **environment: str) -> bytes:
    """The bytes of the plan of a project that is spread over these files."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    out = folder / "plan.json"
    subprocess.run(
        [str(Path(sys.executable).parent / "specr"), "-C", str(folder), "plan", "--out", str(out)],
        check=True,
        capture_output=True,
        env={**os.environ, **environment},
    )
    return out.read_bytes()


def test_the_plan_is_the_same_byte_for_byte_however_the_specs_are_spread(tmp_path: Path) -> None:
    """File order, key order, hash seed and locale make no difference; nor does an unrelated document."""
    whole = plan_file(tmp_path / "1", {"all.yaml": "---\n".join([PROJECT, *DOCUMENTS])}, PYTHONHASHSEED="1")
    shuffled = [PROJECT, *DOCUMENTS]
    random.Random(7).shuffle(shuffled)
    spread = {f"{n:02}.yaml": text for n, text in enumerate(shuffled)}
    assert plan_file(tmp_path / "2", spread, PYTHONHASHSEED="2", LC_ALL="C") == whole
    turned = [
        text.replace("{b: 1, a: ", "{a: ").replace("}}", ", b: 1}}") if "b: 1" in text else text
        for text in DOCUMENTS
    ]
    assert plan_file(tmp_path / "3", {"z.yml": "---\n".join([*turned, PROJECT])}, LC_ALL="C.UTF-8") == whole

    extra = "---\napiVersion: specr/v1\nkind: ModelType\nmetadata: {name: unrelated}\nspec: {}\n"
    more = plan_file(tmp_path / "4", {"all.yaml": "---\n".join([PROJECT, *DOCUMENTS]), "x.yaml": extra})
    steps = {c["address"]: c for c in decode_json(whole)["changes"]}
    with_extra = {c["address"]: c for c in decode_json(more)["changes"]}
    assert with_extra.pop("modeltype/unrelated")
    assert with_extra == steps


def test_a_plan_made_before_the_specs_changed_is_refused(tmp_path: Path) -> None:
    specr = [str(Path(sys.executable).parent / "specr"), "-C", str(tmp_path / "p")]
    plan_file(tmp_path / "p", {"all.yaml": "---\n".join([PROJECT, *DOCUMENTS])})
    (tmp_path / "p" / "all.yaml").write_text("---\n".join([PROJECT, *DOCUMENTS[:6]]))
    refused = subprocess.run(
        [*specr, "apply", str(tmp_path / "p" / "plan.json")], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "Plan is stale" in refused.stderr
    listed = subprocess.run([*specr, "state", "list"], capture_output=True, text=True, check=True)
    assert listed.stdout == ""


def test_a_saved_plan_of_a_target_touches_nothing_else(stage: Stage) -> None:
    for name in NAMES:
        stage.scene.declare(*deployable(name))
    stage.scene.apply(targets=(API,))
    touched = {
        e.outcome.address.name.split(".")[0] for e in stage.scene.events if isinstance(e, StepFinished)
    }
    assert touched == {"a", "plain"}
    stage.scene.apply()
    whole = Stage(stage.scene.folder)
    for name in NAMES:
        whole.scene.declare(*deployable(name))
    whole.scene.apply()
    strip: Callable[[Stage], dict[Address, str]] = lambda s: {  # noqa: E731 - used twice, here only
        a: r.fingerprint for a, r in s.scene.state().objects.items()
    }
    assert strip(stage) == strip(whole)


@pytest.mark.parametrize("told", range(0, 40, 3))
def test_an_observer_that_fails_ends_the_run_in_order(stage: Stage, told: int) -> None:
    """Its terminal is gone, say: what runs is finished, the rest left out, the run closed."""
    for name in NAMES:
        stage.scene.declare(*deployable(name))
    seen: list[object] = []

    class Gone(list[object]):
        def append(self, event: object) -> None:
            seen.append(event)
            if len(seen) > told:
                raise BrokenPipeError

    plan = stage.scene.plan()
    with stage.scene.workspace() as workspace, pytest.raises(BrokenPipeError):
        workspace.carry_out(plan, Manner(Gone().append, 3))
    state = stage.scene.state()
    assert len(seen) == told + 1
    assert not state.pending
    assert state.run is not None
    assert state.run.status in {"interrupted", "succeeded"}
    assert stage.scene.apply().succeeded
    assert stage.scene.plan().is_empty


def test_an_answer_that_nobody_foresaw_leaves_nothing_running(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.scene.declare(*deployable("a"))
    stage.scene.apply()
    before = set(stage.world.attributes(stage.scene.state().lineage))
    stage.scene.declare(*deployable("a", env={"A": "1"}))
    monkeypatch.setattr("specr.verify.scorer.Verification.run", lambda self, rows: 1 // 0)
    result = stage.scene.apply()
    assert result.status == "failed"
    (failed,) = [o for o in result.outcomes if o.kind is OutcomeKind.FAILED]
    assert failed.diagnostics[0].summary == "Unexpected error"
    assert set(stage.world.attributes(stage.scene.state().lineage)) == before
    assert not stage.scene.state().pending


def test_a_secret_that_the_runtime_repeats_is_masked(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_SECRET", SECRET)
    stage.scene.declare(*deployable("a", env={"KEY": {"valueFrom": {"env": "THE_SECRET"}}}))
    answer = ScorerResponse(500, encode_json({"detail": f"bad token {SECRET}"}))
    monkeypatch.setattr("specr.providers.memory.MemoryProvider.request", lambda self, ref, request: answer)
    result = stage.scene.apply()
    told = encode_json([encode_event(e) for e in stage.scene.events]).decode()
    assert result.status == "failed"
    assert "bad token ***" in told
    assert SECRET not in told


def test_a_secret_that_the_runtime_serves_as_a_column_is_not_proposed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THE_SECRET", SECRET)
    misspelt = SECRET[:-1]
    row = {"row": {"x": 1}, "expect": {misspelt: 1}}
    secret = {"KEY": {"valueFrom": {"env": "THE_SECRET"}}}
    stage.scene.declare(*deployable("a", env=secret, verify=[row]))
    asked = MemoryProvider.request

    def ask(provider: MemoryProvider, ref: ObjectRef, request: ScorerRequest) -> ScorerResponse:
        answer = asked(provider, ref, request)
        return ScorerResponse(answer.status, answer.body.replace(misspelt.encode(), SECRET.encode()))

    monkeypatch.setattr(MemoryProvider, "request", ask)
    result = stage.scene.apply()
    assert result.status == "failed"
    told = encode_json([encode_event(e) for e in stage.scene.events]).decode()
    assert "Did you mean ***?" in told
    assert SECRET not in told

"""The memory provider: entries of a dict or of a file, that answer for runtimes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from specr.address import Address
from specr.providers.memory import MemoryProvider
from specr.providers.memory_world import FileWorld, MemoryObject, MemoryWorld, World
from specr.providers.orders import decode_order, encode_order
from specr.providers.protocol import (
    BuildOrder,
    DeploymentOrder,
    ProviderError,
    Readiness,
    ScorerRequest,
    TransientError,
)
from specr.resources.compute import Amounts, Compute, SecretValue, ValueSource
from specr.resources.deployment import GoldenRow
from specr.state.model import ObjectRef
from specr.verify.scorer import Verification
from tests.unit.backends.files import open_folder, unprivileged

DEPLOYMENT = DeploymentOrder(
    address=Address("deployment", "fraud"),
    token="t1",
    model="sha256:" + "a" * 64,
    model_id="fraud-v1",
    image="fraud:1",
    command=("python", "serve.py"),
    env={"MODE": "fast", "KEY": SecretValue(value_from=ValueSource(env="KEY"))},
    resources=Compute(limits=Amounts(cpu="500m")),
    replicas=2,
    port=None,
    readiness_path="/readyz",
    labels={"team": "risk"},
    schema={
        "input": [{"name": "amount", "type": "Float64"}, {"name": "vip", "type": "Boolean"}],
        "output": [{"name": "score", "type": "Float64"}, {"name": "why", "type": "String"}],
    },
    golden=(GoldenRow(row={"amount": 1, "vip": True}, expect={"score": 0.25}),),
)
BUILD = BuildOrder(
    address=Address("build", "fraud.mlflow"),
    token="b1",
    source="sha256:" + "b" * 64,
    image=None,
    command=("python", "process.py"),
    env={},
    resources=Compute(),
    timeout=60,
)


def ref_of(order: BuildOrder | DeploymentOrder) -> ObjectRef:
    return ObjectRef(order.address, "memory", order.token)


@pytest.fixture(params=["dict", "file"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "dict":
        yield MemoryWorld()
        return
    with closing(FileWorld(tmp_path / ".specr" / "memory.db")) as world:
        yield world


@pytest.fixture
def provider(world: World) -> MemoryProvider:
    return MemoryProvider(world, lineage="one")


def ask(provider: MemoryProvider, method: str, path: str, body: object = None) -> tuple[int, object]:
    data = json.dumps(body).encode() if body is not None else b""
    answer = provider.request(ref_of(DEPLOYMENT), ScorerRequest(method, path, data))
    return answer.status, json.loads(answer.body) if answer.body[:1] in b"{[" else answer.body.decode()


@pytest.mark.parametrize("order", [DEPLOYMENT, BUILD, replace(DEPLOYMENT, schema=None, golden=(), port=80)])
def test_orders_survive_a_round_trip_through_json(order: BuildOrder | DeploymentOrder) -> None:
    assert decode_order(json.loads(json.dumps(encode_order(order)))) == order


def test_a_build_gives_the_same_output_for_the_same_inputs_only(provider: MemoryProvider) -> None:
    first = provider.create(BUILD)
    assert provider.create(replace(BUILD, token="b2", timeout=1)) == first
    assert provider.create(replace(BUILD, token="b3", source="sha256:" + "c" * 64)) != first


def test_a_deployment_has_an_endpoint_once_it_is_promoted(provider: MemoryProvider) -> None:
    assert provider.create(DEPLOYMENT)["endpoint"] is None
    old = ref_of(DEPLOYMENT)
    assert provider.promote(old, DEPLOYMENT, [])["endpoint"] == "memory://deployment/fraud"
    new = replace(DEPLOYMENT, token="t2", model_id="fraud-v2")
    provider.create(new)
    provider.promote(ref_of(new), new, [old])
    assert provider.read([old])[old.address].attributes["endpoint"] is None


def test_an_adopted_deployment_answers_as_is_asked_now(provider: MemoryProvider) -> None:
    provider.create(replace(DEPLOYMENT, golden=()))
    provider.create(DEPLOYMENT)
    golden = {"fields": ["vip", "amount"], "rows": [["true", "1.0"]]}
    _, answer = ask(provider, "POST", "/model/score", golden)
    assert isinstance(answer, dict)
    assert answer["score"] == [["0.25", "a"]]


def test_it_serves_what_the_schema_and_the_golden_rows_ask_for(provider: MemoryProvider) -> None:
    provider.create(DEPLOYMENT)
    assert ask(provider, "GET", "/model/id") == (200, "fraud-v1")
    assert ask(provider, "GET", "/fraud-v1/model/id") == (200, "fraud-v1")
    assert ask(provider, "GET", "/readyz") == (200, "Ready")
    assert ask(provider, "GET", "/model/schema") == (
        200,
        {
            "id": "fraud-v1",
            "schema": {
                "inputFields": [
                    {"name": "amount", "dataType": "Float64"},
                    {"name": "vip", "dataType": "Bool"},
                ],
                "outputFields": [
                    {"name": "score", "dataType": "Float64"},
                    {"name": "why", "dataType": "Str"},
                ],
            },
        },
    )
    status, sample = ask(provider, "GET", "/model/sample_request")
    assert status == 200
    assert ask(provider, "POST", "/model/score", sample)[0] == 200
    golden = {"fields": ["vip", "amount"], "rows": [["true", "1.0"], ["false", "1.0"]]}
    assert ask(provider, "POST", "/model/score", golden) == (
        200,
        {"id": "fraud-v1", "fields": ["score", "why"], "score": [["0.25", "a"], ["0.5", "a"]]},
    )


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"fields": ["amount", "vip"]},
        {"fields": ["amount"], "rows": []},
        {"fields": ["amount", "vip"], "rows": [[1]]},
    ],
)
def test_bad_score_requests_are_answered_with_400(provider: MemoryProvider, body: object) -> None:
    provider.create(DEPLOYMENT)
    status, answer = ask(provider, "POST", "/model/score", body)
    assert status == 400
    assert isinstance(answer, dict)
    assert answer["detail"]


def test_unknown_paths_are_answered_with_404(provider: MemoryProvider) -> None:
    provider.create(DEPLOYMENT)
    assert ask(provider, "GET", "/nothing")[0] == 404


def test_nothing_answers_where_nothing_runs(provider: MemoryProvider) -> None:
    with pytest.raises(TransientError):
        ask(provider, "GET", "/model/id")
    provider.create(replace(DEPLOYMENT, replicas=0))
    with pytest.raises(TransientError):
        ask(provider, "GET", "/model/id")


def test_an_outsider_is_noticed_and_undone(provider: MemoryProvider, world: World) -> None:
    provider.create(DEPLOYMENT)
    ref = ref_of(DEPLOYMENT)
    promoted = provider.promote(ref, DEPLOYMENT, [])
    world.set_attributes("one", "t1", {**promoted, "replicas": 7})
    assert provider.read([ref])[ref.address].attributes["replicas"] == 7
    assert provider.update(replace(ref, attributes=promoted), DEPLOYMENT) == promoted
    assert provider.read([ref])[ref.address].attributes == promoted
    world.remove("one", "t1")
    assert not provider.read([ref])[ref.address].exists
    with pytest.raises(ProviderError):
        provider.update(ref, DEPLOYMENT)


def test_troubles_are_told_instead_of_success(world: World) -> None:
    troubles: dict[str, Readiness] = {}
    provider = MemoryProvider(world, lineage="one", troubles=troubles)
    provider.create(BUILD)
    troubles["b1"] = Readiness(done=True, message="exit status 1")
    assert provider.readiness(ref_of(BUILD), BUILD).message == "exit status 1"
    troubles.clear()
    assert provider.readiness(ref_of(BUILD), BUILD).succeeded


def test_reading_creates_no_file(tmp_path: Path) -> None:
    path = tmp_path / ".specr" / "memory.db"
    provider = MemoryProvider(FileWorld(path), lineage="one")
    other = replace(ref_of(DEPLOYMENT), address=Address("deployment", "other"), token="t9")
    assert not any(o.exists for o in provider.read([ref_of(DEPLOYMENT), other]).values())
    provider.delete(other)
    assert not path.parent.exists()


def test_a_file_world_is_there_for_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    first = FileWorld(path)
    thing = MemoryObject("one", DEPLOYMENT, {"replicas": 2, "endpoint": None}, ("a line",))
    first.put(thing)
    second = FileWorld(path)
    assert second.get("one", "t1") == thing
    assert second.attributes("one") == {"t1": thing.attributes}
    assert second.attributes("two") == {}
    first.close()
    second.close()


def test_a_damaged_file_is_told_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(ProviderError, match=r"memory\.db") as caught:
        FileWorld(path).get("one", "t1")
    assert "remove it" in caught.value.diagnostics[0].remedy


def test_a_folder_that_may_only_be_read_is_read_and_else_told() -> None:
    with open_folder() as folder:
        path = folder / "memory.db"
        thing = MemoryObject("one", DEPLOYMENT, {"replicas": 2}, ())
        with closing(FileWorld(path)) as world:
            world.put(thing)
        path.chmod(0o444)
        folder.chmod(0o555)
        with unprivileged(), closing(FileWorld(path)) as world:
            assert world.get("one", "t1") == thing
            with pytest.raises(ProviderError, match="you may not write to") as caught:
                world.put(thing)
        assert caught.value.diagnostics[0].remedy == "Make it writable, then run the command again."
        folder.chmod(0o755)


cells = {
    "Boolean": st.booleans(),
    "Time64": st.dates(min_value=date(1900, 1, 1)).map(str),
    "Float64": st.floats(allow_nan=False),
    "Int64": st.integers(-(2**63), 2**63 - 1),
    "String": st.text(min_size=1, max_size=5),
}
columns = st.lists(
    st.tuples(st.text("abc", min_size=1, max_size=3), st.sampled_from(sorted(cells))),
    min_size=1,
    max_size=4,
    unique_by=lambda column: column[0],
)


@st.composite
def rehearsals(draw: st.DrawFn) -> DeploymentOrder:
    inputs, outputs = draw(columns), draw(columns)
    rows = st.fixed_dictionaries({name: cells[kind] for name, kind in inputs})
    expected = st.fixed_dictionaries({name: cells[kind] for name, kind in outputs})
    schema = {
        side: [{"name": name, "type": kind} for name, kind in named]
        for side, named in (("input", inputs), ("output", outputs[:1]))
    }
    # One at most: of two rows that mean the same, only the first would be answered.
    golden = tuple(GoldenRow(row=row, expect=draw(expected)) for row in draw(st.lists(rows, max_size=1)))
    return replace(DEPLOYMENT, schema=schema, golden=golden)


@given(rehearsals())
def test_whatever_is_declared_verification_finds_nothing(order: DeploymentOrder) -> None:
    provider = MemoryProvider(MemoryWorld(), lineage="one")
    provider.create(order)
    verification = Verification(
        order.address, lambda request: provider.request(ref_of(order), request), order.schema or {}
    )
    assert verification.run(order.golden) == ()

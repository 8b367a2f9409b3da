"""What pods get, may do and print, asked of real ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from specr.providers.protocol import DeploymentOrder, ScorerRequest, TransientError
from specr.resources.compute import SecretKey, SecretValue, ValueSource
from specr.state.model import ObjectRef
from specr.testing.provider_site import Site, ref_to
from tests.engines.kubernetes.platform import Namespace
from tests.engines.kubernetes.space import KINDS, Space, kubectl

pytestmark = pytest.mark.engines

WORD = "hunter2-and-more"


@pytest.fixture(scope="class")
def held(space: Space, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    """A place whose artifact is on the volume already."""
    site = Namespace(space, tmp_path_factory.mktemp("pods") / "site")
    space.kubectl("create", "secret", "generic", "theirs", f"--from-literal=word={WORD}")
    try:
        with site.pinned("mine"):
            yield site
        left = site.left()
    finally:
        site.clear()
    assert not left


def ask(site: Namespace, ref: ObjectRef, path: str) -> bytes:
    answer = site.provider().request(ref, ScorerRequest("GET", path))
    assert answer.status == 200, answer.body
    return answer.body


class TestPods:
    def test_a_runtime_has_what_it_needs_and_no_more(self, held: Namespace) -> None:
        order = replace(held.deployment("a", "t1"), env={"MONEY": "$5 $(PORT) $$"}, labels={"team": "risk"})
        ref = Site(held).roll_out(held.provider(), order)
        env = json.loads(ask(held, ref, "/env"))
        assert env["MODEL_ID"] == "a-v1"
        assert env["PORT"] == "8080"
        assert env["MONEY"] == "$5 $(PORT) $$"
        assert env["UID"] == "65532"
        assert ask(held, ref, "/model") == b"an artifact"
        assert json.loads(ask(held, ref, "/writable")) == []
        (live,) = held.space.get("deployments", "-l", "team=risk", "--show-managed-fields")
        assert live["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "specr"
        managers = {entry["manager"] for entry in live["metadata"]["managedFields"]}
        assert "specr" in managers
        held.provider().delete(ref)

    def test_a_runtimes_own_errors_are_answers(self, held: Namespace) -> None:
        ref = Site(held).roll_out(held.provider(), held.deployment("a", "t1"))
        answer = held.provider().request(ref, ScorerRequest("GET", "/unavailable"))
        assert (answer.status, answer.body) == (503, b'{"detail": "the model is busy"}')
        body = b'{"fields": ["x"], "rows": [["1"], ["2"]]}'
        headers = {"Content-Type": "application/json"}
        answer = held.provider().request(ref, ScorerRequest("POST", "/model/score", body, headers))
        assert json.loads(answer.body)["score"] == [["2.0"], ["4.0"]]
        held.space.kubectl("delete", "pods", "--all", "--grace-period=1")
        held.provider().delete(ref)
        with pytest.raises(TransientError):
            held.provider().request(ref, ScorerRequest("GET", "/model/id"))

    def test_a_passphrase_reaches_the_runtime(self, held: Namespace) -> None:
        """The API server's proxy would take the header for itself."""
        value = SecretValue(value_from=ValueSource(secret=SecretKey(name="theirs", key="word")))
        order = replace(held.deployment("a", "t1"), env={"SPECR_PASSPHRASE": value})
        ref = Site(held).roll_out(held.provider(), order)
        provider = held.provider()
        assert provider.request(ref, ScorerRequest("GET", "/model/id")).status == 401
        request = ScorerRequest("GET", "/model/id", headers={"Authorization": f"Bearer {WORD}"})
        for _ in range(2):
            answer = provider.request(ref, request)
            assert (answer.status, answer.body) == (200, b"a-v1")
        wrong = ScorerRequest("GET", "/model/id", headers={"authorization": "Bearer no"})
        assert provider.request(ref, wrong).status == 401
        provider.delete(ref)

    def test_secrets_are_in_secrets_and_nowhere_else(self, held: Namespace, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text(WORD)
        env = {
            "READ": SecretValue(value_from=ValueSource(file=str(tmp_path / "secret"))),
            "KEPT": SecretValue(value_from=ValueSource(secret=SecretKey(name="theirs", key="word"))),
        }
        for order in self._orders(held, env):
            ref = Site(held).make(held.provider(), order)
            kinds = ",".join(kind for kind in KINDS.split(",") if kind != "secrets")
            everything = held.space.kubectl("get", kinds, "-o", "json")
            assert WORD not in everything
            lines = list(held.provider().logs(ref))
            assert lines[:2] == ["said", "***"]
            held.provider().delete(ref)
        assert [s["metadata"]["name"] for s in held.space.get("secrets", "-l", "specr.dev/lineage")] == []

    def _orders(self, held: Namespace, env: dict[str, SecretValue]) -> Iterator[DeploymentOrder]:
        for told in ("READ", "KEPT"):
            yield replace(held.deployment("a", f"t-{told.lower()}"), env={**env, "TELL": told, "SAY": "said"})

    def test_logs_of_several_replicas_say_whose_they_are(self, held: Namespace) -> None:
        order = replace(held.deployment("a", "t1"), replicas=2, env={"SAY": "hello"})
        ref = Site(held).roll_out(held.provider(), order)
        pods = {pod["metadata"]["name"] for pod in held.space.get("pods", "-l", "specr.dev/token=t1")}
        assert set(held.provider().logs(ref)) == {f"{pod}: hello" for pod in pods}
        assert len(held.provider().logs(ref, tail=1)) == 1
        (budget,) = held.space.get("poddisruptionbudgets")
        assert budget["spec"]["maxUnavailable"] == 1
        held.provider().delete(ref)
        assert not held.space.get("poddisruptionbudgets")

    def test_the_last_words_of_a_crashed_runtime_are_kept(self, held: Namespace) -> None:
        order = held.deployment("a", "t1", "fails")
        site = Site(held)
        held.provider().create(order)
        assert not site.finish(held.provider(), order).succeeded
        assert "this runtime does not work" in held.provider().logs(ref_to(order))
        held.provider().delete(ref_to(order))

    def test_callers_reach_it_at_its_port(self, held: Namespace) -> None:
        order = replace(held.deployment("a", "t1"), port=9000)
        ref = Site(held).roll_out(held.provider(), order)
        (service,) = held.space.get("services", "-l", "specr.dev/token=t1")
        name = service["metadata"]["name"]
        assert ref.attributes["endpoint"] == f"http://{name}.{held.space.name}.svc:9000"
        path = f"/api/v1/namespaces/{held.space.name}/services/{name}:9000/proxy/model/id"
        assert kubectl("get", "--raw", path) == "a-v1"
        moved = held.provider().update(ref, replace(order, port=9001))
        assert moved["endpoint"] == f"http://{name}.{held.space.name}.svc:9001"
        held.provider().delete(ref)

    def test_a_revision_that_goes_leads_callers_back(self, held: Namespace) -> None:
        """Should a promotion be withdrawn, the one before serves again."""
        site, provider = Site(held), held.provider()
        old = site.roll_out(provider, held.deployment("a", "t1"))
        order = replace(held.deployment("a", "t2"), model_id="a-v2")
        new = site.roll_out(provider, order, [old])
        assert provider.read([old])[old.address].attributes["endpoint"] is None
        provider.delete(new)
        seen = provider.read([old])[old.address]
        assert seen.attributes == old.attributes
        provider.delete(old)

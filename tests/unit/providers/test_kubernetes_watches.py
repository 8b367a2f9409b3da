"""Waiting for objects in a cluster: what watches tell, what becomes of them, and who has the last word."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from specr.address import Address
from specr.providers.kubernetes import names
from specr.providers.kubernetes.client import Cluster
from specr.providers.kubernetes.lookout import Lookout
from specr.providers.kubernetes.objects import Objects
from specr.providers.kubernetes.provider import KubernetesProvider
from specr.providers.kubernetes.settings import KubernetesSettings
from specr.providers.kubernetes.watching import Watch
from specr.providers.protocol import DeploymentOrder, TransientError, Watcher
from specr.providers.settings import ProviderContext
from specr.resources.compute import Compute
from specr.state.model import ObjectRef
from specr.store.folder import FolderStore
from tests.unit.providers.apiserver import BREAK, END, ApiServer, serving
from tests.unit.providers.machine import wait_until

GONE = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}


@pytest.fixture
def server() -> ApiServer:
    return ApiServer()


@pytest.fixture
def cluster(server: ApiServer, tmp_path: Path) -> Iterator[Cluster]:
    with serving(server, tmp_path) as cluster:
        yield cluster


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def watch(cluster: Cluster, heard: list[str]) -> Iterator[Watch]:
    watch = Watch(cluster, "pods", {}, lambda about: heard.append(about["metadata"]["name"]))
    yield watch
    watch.close()


def thing(name: str, version: int = 1, **more: Any) -> dict[str, Any]:
    labels = {**names.lineage_labels("mine"), names.TOKEN: "t1"}
    about = {"name": name, "uid": name, "resourceVersion": str(version), "labels": labels}
    return {"metadata": about, **more}


def seen(watch: Watch) -> list[str]:
    objects = watch.objects()
    return ["unknown"] if objects is None else sorted(str(one["metadata"]["name"]) for one in objects)


class TestWatch:
    def test_it_begins_with_what_is_there_and_follows_what_happens(
        self, watch: Watch, server: ApiServer, heard: list[str]
    ) -> None:
        server.objects["pods"] = [thing("a")]
        assert seen(watch) == ["unknown"]
        wait_until(lambda: seen(watch) == ["a"])
        server.happen("ADDED", "pods", thing("b", 2))
        wait_until(lambda: seen(watch) == ["a", "b"])
        server.happen("DELETED", "pods", thing("a", 3))
        wait_until(lambda: seen(watch) == ["b"])
        assert heard == ["a", "b", "a"]

    def test_one_serves_all_who_ask(self, watch: Watch, server: ApiServer) -> None:
        server.objects["pods"] = [thing("a")]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda _: watch.objects(), range(500)))
        wait_until(lambda: seen(watch) == ["a"])
        wait_until(lambda: server.count("watch pods") == 1)
        assert server.count("get pods") == 1

    def test_one_that_has_run_its_time_is_taken_up_where_it_was(
        self, watch: Watch, server: ApiServer
    ) -> None:
        wait_until(lambda: seen(watch) == [])
        server.happen("ADDED", "pods", thing("a", 7))
        server.events["pods"].put({"type": "BOOKMARK", "object": thing("", 9)})
        server.events["pods"].put(END)
        wait_until(lambda: server.count("watch pods") == 2)
        assert seen(watch) == ["a"]
        assert server.count("get pods") == 1
        versions = [query["resourceVersion"] for asked, query in server.asked if asked == "watch pods"]
        assert versions == ["0", "9"]

    @pytest.mark.parametrize("late", ["told", "refused"])
    def test_one_that_is_too_late_begins_anew(self, watch: Watch, server: ApiServer, late: str) -> None:
        """The server tells so in the watch, or instead of one."""
        seen(watch)
        wait_until(lambda: server.count("watch pods") == 1)
        server.objects["pods"] = [thing("a", 50)]
        if late == "told":
            server.events["pods"].put({"type": "ERROR", "object": GONE})
        else:
            server.watching = lambda _, query: (410, GONE) if query["resourceVersion"] == "0" else None
            server.events["pods"].put(END)
        wait_until(lambda: seen(watch) == ["a"])
        assert server.count("get pods") == 2

    def test_what_a_broken_one_told_is_not_believed_until_it_is_back(
        self, watch: Watch, server: ApiServer
    ) -> None:
        server.objects["pods"] = [thing("a")]
        seen(watch)
        wait_until(lambda: server.count("watch pods") == 1)
        server.watching = lambda *_: (503, {"message": "going down"})
        server.events["pods"].put(BREAK)
        wait_until(lambda: server.count("watch pods") == 3)
        wait_until(lambda: seen(watch) == ["unknown"])
        server.objects["pods"] = [thing("b")]
        server.watching = lambda *_: None
        wait_until(lambda: server.count("watch pods") > 3 and seen(watch) == ["b"])

    def test_words_that_make_no_sense_end_it_too(self, watch: Watch, server: ApiServer) -> None:
        seen(watch)
        wait_until(lambda: server.count("watch pods") == 1)
        server.events["pods"].put({"what": "is this"})
        wait_until(lambda: server.count("watch pods") == 2)
        wait_until(lambda: seen(watch) == [])

    def test_one_that_is_not_permitted_is_not_asked_for_again(self, watch: Watch, server: ApiServer) -> None:
        server.watching = lambda *_: (403, {"reason": "Forbidden", "message": "pods is forbidden"})
        seen(watch)
        wait_until(lambda: server.count("watch pods") == 1)
        wait_until(lambda: not [t for t in _threads() if t.name == "watch pods"])
        assert seen(watch) == ["unknown"]
        assert server.count("watch pods") == 1
        assert not [t for t in _threads() if t.name == "watch pods"]

    def test_it_ends_at_once_though_nothing_happens(self, watch: Watch, server: ApiServer) -> None:
        seen(watch)
        wait_until(lambda: server.count("watch pods") == 1)
        (thread,) = [t for t in _threads() if t.name == "watch pods"]
        watch.close()
        assert not thread.is_alive()
        assert seen(watch) == ["unknown"]

    def test_one_that_nobody_asks_any_more_ends_and_may_begin_again(
        self, cluster: Cluster, server: ApiServer
    ) -> None:
        now = 0.0
        watch = Watch(cluster, "pods", {}, lambda _: None, clock=lambda: now)
        wait_until(lambda: seen(watch) == [])
        wait_until(lambda: server.count("watch pods") == 1)
        now = 1000.0
        server.events["pods"].put(END)
        wait_until(lambda: not [t for t in _threads() if t.name == "watch pods"])
        server.objects["pods"] = [thing("a")]
        assert seen(watch) == ["unknown"]
        wait_until(lambda: seen(watch) == ["a"])
        watch.close()


class TestLookout:
    @pytest.fixture
    def lookout(self, cluster: Cluster) -> Iterator[Lookout]:
        labels = names.lineage_labels("mine")
        lookout = Lookout(Objects(cluster, labels), labels)
        yield lookout
        lookout.close()

    @staticmethod
    def _phase(lookout: Lookout) -> str:
        """The phase of a pod; `done` is the end of waiting."""
        return lookout.conclude(
            "t1",
            "deployments",
            lambda view: str((view.get("pods", "a") or {"phase": "missing"})["phase"]),
            lambda phase: phase in {"done", "missing"},
        )

    def _settle(self, lookout: Lookout, server: ApiServer) -> None:
        """Wait until the watches serve."""
        server.happen("ADDED", "pods", thing("a", 1, phase="new"))
        assert self._phase(lookout) == "new"
        for kind in ("deployments", "pods", "events"):
            wait_until(lambda kind=kind: server.count(f"watch {kind}") == 1)  # type: ignore[misc]
        server.asked.clear()

    def test_nothing_is_asked_while_there_is_nothing_to_conclude(
        self, lookout: Lookout, server: ApiServer
    ) -> None:
        self._settle(lookout, server)
        for phase in ("being made", "runs"):
            server.happen("MODIFIED", "pods", thing("a", 2, phase=phase))
            wait_until(lambda phase=phase: self._phase(lookout) == phase)  # type: ignore[misc]
        assert server.asked == []

    def test_the_end_is_concluded_from_the_servers_own_answer(
        self, lookout: Lookout, server: ApiServer
    ) -> None:
        self._settle(lookout, server)
        server.events["pods"].put({"type": "MODIFIED", "object": thing("a", 2, phase="done")})
        wait_until(lambda: self._phase(lookout) == "new" and server.count("get pods") == 1)
        server.events["pods"].put({"type": "DELETED", "object": thing("a", 3)})
        wait_until(lambda: self._phase(lookout) == "new" and server.count("get pods") > 1)
        server.objects["pods"] = [thing("a", 4, phase="done")]
        assert self._phase(lookout) == "done"

    def test_a_watch_that_says_nothing_is_not_trusted_for_long(
        self, cluster: Cluster, server: ApiServer
    ) -> None:
        now = 0.0
        labels = names.lineage_labels("mine")
        lookout = Lookout(Objects(cluster, labels, clock=lambda: now), labels)
        self._settle(lookout, server)
        server.objects["pods"] = [thing("a", 2, phase="done")]
        assert self._phase(lookout) == "new"
        now = 11.0
        assert self._phase(lookout) == "done"
        lookout.close()

    def test_without_watches_it_looks_for_itself(self, lookout: Lookout, server: ApiServer) -> None:
        server.watching = lambda *_: (403, {"reason": "Forbidden", "message": "no"})
        server.objects["pods"] = [thing("a", phase="new")]
        for phase in ("new", "runs", "done"):
            server.objects["pods"] = [thing("a", phase=phase)]
            wait_until(lambda: not [t for t in _threads() if t.name.startswith("watch")])
            assert self._phase(lookout) == phase

    def test_who_waits_is_woken(self, lookout: Lookout, server: ApiServer) -> None:
        self._settle(lookout, server)
        self._phase(lookout)
        waiter = Thread(target=lookout.await_change, args=("t1", 60.0))
        waiter.start()
        server.happen("MODIFIED", "pods", thing("a", 2, phase="runs"))
        waiter.join(30)
        assert not waiter.is_alive()

    def test_what_happened_since_the_last_look_wakes_too(self, lookout: Lookout, server: ApiServer) -> None:
        self._settle(lookout, server)
        self._phase(lookout)
        server.happen("MODIFIED", "pods", thing("a", 2, phase="runs"))
        wait_until(server.events["pods"].empty)
        began = time.monotonic()
        lookout.await_change("t1", 60.0)
        assert time.monotonic() - began < 50

    def test_others_are_not_woken(self, lookout: Lookout, server: ApiServer) -> None:
        self._settle(lookout, server)
        self._phase(lookout)
        lookout.conclude("t2", "deployments", lambda _: None, lambda _: False)
        waiter = Thread(target=lookout.await_change, args=("t2", 60.0))
        waiter.start()
        server.happen("MODIFIED", "pods", thing("a", 2, phase="runs"))
        wait_until(lambda: self._phase(lookout) == "runs")
        waiter.join(0.2)
        assert waiter.is_alive()
        other = thing("b", 3)
        other["metadata"]["labels"][names.TOKEN] = "t2"
        server.happen("ADDED", "pods", other)
        waiter.join(30)
        assert not waiter.is_alive()


class TestProvider:
    """The way a revision goes, as the provider tells it."""

    @pytest.fixture
    def provider(self, cluster: Cluster, tmp_path: Path) -> Iterator[KubernetesProvider]:
        store = FolderStore(tmp_path / "store")
        context = ProviderContext("tested", "mine", tmp_path, store)
        provider = KubernetesProvider(context, KubernetesSettings(), cluster)
        yield provider
        provider.close()

    def test_many_wait_for_little(self, provider: KubernetesProvider, server: ApiServer) -> None:
        """Fifty deployments are waited for: one list and one watch a kind, then two calls each at the end."""
        assert isinstance(provider, Watcher)
        orders = [revision_order(f"d{n}", f"t{n}") for n in range(50)]
        refs = [ObjectRef(order.address, "tested", order.token) for order in orders]
        server.objects["deployments"] = [_revision(order, 1, ready=0) for order in orders]
        for ref, order in zip(refs, orders, strict=True):
            assert not provider.readiness(ref, order).done
        for kind in ("deployments", "pods", "events"):
            wait_until(lambda kind=kind: server.count(f"watch {kind}") == 1)  # type: ignore[misc]
        server.asked.clear()
        for _ in range(10):
            for ref, order in zip(refs, orders, strict=True):
                assert provider.readiness(ref, order).message == "0 of 1 replicas are ready"
        assert server.asked == []
        for order in orders:
            server.happen("MODIFIED", "deployments", _revision(order, 2, ready=1))
        for ref, order in zip(refs, orders, strict=True):
            wait_until(lambda ref=ref, order=order: provider.readiness(ref, order).succeeded)  # type: ignore[misc]
        assert server.count("get deployments") <= 50 + 1
        assert server.count("get services") == 50

    def test_a_server_that_is_gone_is_told(self, tmp_path: Path, server: ApiServer) -> None:
        order = revision_order("d", "t")
        ref = ObjectRef(order.address, "tested", order.token)
        with serving(server, tmp_path) as cluster:
            store = FolderStore(tmp_path / "store")
            context = ProviderContext("tested", "mine", tmp_path, store)
            provider = KubernetesProvider(context, KubernetesSettings(), cluster)
            server.objects["deployments"] = [_revision(order, 1, ready=0)]
            assert not provider.readiness(ref, order).done
            wait_until(lambda: server.count("watch deployments") == 1)
        with pytest.raises(TransientError, match="gave no answer"):
            wait_until(lambda: provider.readiness(ref, order).done)
        provider.close()


def revision_order(name: str, token: str) -> DeploymentOrder:
    return DeploymentOrder(
        address=Address("deployment", name),
        token=token,
        model="sha256:" + "a" * 64,
        model_id=f"{name}-v1",
        image="image",
        command=(),
        env={},
        resources=Compute(),
        replicas=1,
        port=None,
        readiness_path="/readyz",
    )


def _revision(order: DeploymentOrder, version: int, ready: int) -> dict[str, Any]:
    """The live Deployment of an order."""
    name = names.object_name("mine", order.address, order.token)
    made = thing(name, version, spec={"replicas": 1, "selector": {"matchLabels": {}}, "template": {}})
    made["metadata"]["labels"][names.TOKEN] = order.token
    made["metadata"]["generation"] = 1
    made["status"] = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": ready}
    return made


def _threads() -> list[Thread]:
    import threading

    return threading.enumerate()

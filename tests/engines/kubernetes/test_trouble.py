"""What goes wrong is told soon, and in words that say what to do."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from specr.providers.kubernetes.client import Cluster
from specr.providers.kubernetes.settings import KubernetesSettings
from specr.providers.protocol import Order, ProviderError, Readiness, TransientError
from specr.resources.compute import Compute, SecretKey, SecretValue, ValueSource
from specr.resources.convert import convert
from specr.testing.provider_site import Site, ref_to, refused
from specr.testing.providers import Behaviour
from tests.engines.kubernetes.platform import Namespace
from tests.engines.kubernetes.space import ROLE, Space

pytestmark = [pytest.mark.engines, pytest.mark.slow]


@pytest.fixture(scope="class")
def held(space: Space, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    """A place whose artifact is on the volume already."""
    site = Namespace(space, tmp_path_factory.mktemp("trouble") / "site", schedulingSeconds=1)
    try:
        with site.pinned("mine"):
            yield site
        left = site.left()
    finally:
        site.clear()
    assert not left


def outcome(site: Namespace, order: Order) -> Readiness:
    """What becomes of an order; it is deleted again."""
    provider = site.provider()
    try:
        provider.create(order)
        deadline = time.monotonic() + site.patience
        while not (readiness := provider.readiness(ref_to(order), order)).done:
            assert time.monotonic() < deadline, readiness.message
            time.sleep(0.2)
        return readiness
    finally:
        provider.delete(ref_to(order))


class TestTrouble:
    def test_an_image_that_is_nowhere(self, held: Namespace) -> None:
        order = replace(held.deployment("a", "t1"), image="127.0.0.1:9/nowhere:1")
        told = outcome(held, order).message
        assert "the image 127.0.0.1:9/nowhere:1 can't be pulled" in told

    def test_a_name_that_is_no_image(self, held: Namespace) -> None:
        order = replace(held.build("a", "t1"), image="Not An Image")
        assert "has a name that is no image's" in outcome(held, order).message

    def test_no_node_is_large_enough(self, held: Namespace) -> None:
        compute = convert({"requests": {"cpu": "1000"}}, Compute)
        for order in (held.deployment("a", "t1"), held.build("a", "t2")):
            told = outcome(held, replace(order, resources=compute)).message
            assert "it finds no node" in told
            assert "Insufficient cpu" in told

    def test_a_crash_loop(self, held: Namespace) -> None:
        told = outcome(held, held.deployment("a", "t1", Behaviour.FAILS)).message
        assert "it crashes again and again: it has exited with status 3" in told

    def test_a_command_that_is_not_there(self, held: Namespace) -> None:
        order = replace(held.deployment("a", "t1"), command=("nowhere",))
        assert "nowhere" in outcome(held, order).message

    def test_a_failing_probe_is_told_while_waiting(self, held: Namespace) -> None:
        provider = held.provider()
        order = held.deployment("a", "t1", Behaviour.HANGS)
        provider.create(order)
        deadline = time.monotonic() + held.patience
        while "503" not in (message := provider.readiness(ref_to(order), order).message):
            assert time.monotonic() < deadline, message
            time.sleep(0.2)
        assert "0 of 1 replicas are ready" in message
        provider.delete(ref_to(order))

    def test_too_little_memory(self, held: Namespace) -> None:
        compute = convert({"limits": {"memory": "64Mi"}}, Compute)
        order = replace(held.build("a", "t1", "hungry"), resources=compute)
        assert "needed more memory than its limit" in outcome(held, order).message

    def test_a_secret_that_is_not_there(self, held: Namespace) -> None:
        value = SecretValue(value_from=ValueSource(secret=SecretKey(name="nowhere", key="word")))
        told = outcome(held, replace(held.deployment("a", "t1"), env={"WORD": value})).message
        assert 'secret "nowhere" not found' in told

    def test_a_link_out_of_the_output(self, held: Namespace) -> None:
        told = outcome(held, held.build("a", "t1", "stray link")).message
        assert "its output can't be kept" in told
        assert "link is a link out of the folder" in told

    def test_no_quota(self, held: Namespace) -> None:
        held.space.kubectl("create", "quota", "none", "--hard=pods=0")
        try:
            deadline = time.monotonic() + held.patience
            while not held.space.get("resourcequotas")[0].get("status", {}).get("hard"):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            for order in (held.deployment("a", "t1"), held.build("a", "t2")):
                assert "exceeded quota" in outcome(held, order).message
            absent = replace(held.build("a", "t3"), source=held.add("not on the volume yet"))
            assert "Quota of the namespace used up" in refused(lambda: held.provider().create(absent))
        finally:
            held.space.kubectl("delete", "quota", "none")
        held.provider().delete(ref_to(absent))

    def test_fields_that_another_manager_has_applied(self, held: Namespace) -> None:
        provider, order = held.provider(), replace(held.deployment("a", "t1"), replicas=0)
        provider.create(order)
        (live,) = held.space.get("deployments", "-l", "specr.dev/token=t1")
        about = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": live["metadata"]["name"]},
        }
        held.space.kubectl(
            *(
                "apply",
                "--server-side",
                "--force-conflicts",
                "--field-manager=gardener",
                "--validate=false",
                "-f",
                "-",
            ),
            text=json.dumps({**about, "spec": {"replicas": 2}}),
        )
        told = refused(lambda: provider.update(ref_to(order), order))
        assert "Fields owned by another manager" in told
        assert ".spec.replicas is owned by gardener" in told
        (live,) = held.space.get("deployments", "-l", "specr.dev/token=t1")
        assert live["spec"]["replicas"] == 2
        provider.delete(ref_to(order))

    def test_an_object_of_somebody_else(self, held: Namespace) -> None:
        provider, order = held.provider(), replace(held.deployment("a", "t1"), replicas=0)
        provider.create(order)
        (live,) = held.space.get("deployments", "-l", "specr.dev/token=t1")
        name = live["metadata"]["name"].rpartition("-")[0]
        held.space.kubectl("create", "service", "clusterip", name, "--tcp=80")
        told = refused(lambda: provider.promote(ref_to(order), order, []))
        assert "Object belongs to somebody else" in told
        assert name in told
        provider.delete(ref_to(order))
        assert held.space.get("services", f"--field-selector=metadata.name={name}")
        held.space.kubectl("delete", "service", name)

    def test_no_claim(self, held: Namespace) -> None:
        provider = held.provider(store={"type": "volume", "claim": "absent"})
        told = refused(lambda: provider.create(held.deployment("a", "t1")))
        assert "Volume claim not found" in told
        assert "store.size" in told
        provider.delete(ref_to(held.deployment("a", "t1")))

    def test_bytes_that_are_nowhere(self, held: Namespace) -> None:
        order = replace(held.deployment("a", "t1"), model="sha256:" + "0" * 64)
        provider = held.provider()
        assert "Bytes missing" in refused(lambda: provider.create(order))
        provider.delete(ref_to(order))


class TestAccess:
    def test_the_role_allows_nothing_else(self, site: Namespace) -> None:
        """All tests run with it; a call that it does not allow is refused, and says where the role is."""
        settings = convert(
            {"kubeconfig": str(site.space.kubeconfig), "store": {"type": "volume", "claim": "models"}},
            KubernetesSettings,
        )
        cluster = Cluster("tested", site.root, settings)
        for path in (cluster.path("secrets"), "/api/v1/nodes", "/api/v1/namespaces/kube-system/pods"):
            told = refused(lambda path=path: cluster.call("GET", path))  # type: ignore[misc]
            assert "Not permitted by the cluster" in told
            assert "kubernetes-rbac.yaml" in told
        cluster.close()

    def test_a_namespace_without_rights(self, site: Namespace) -> None:
        provider = site.provider(namespace="default")
        assert "Not permitted" in refused(lambda: provider.create(site.deployment("a", "t1")))

    def test_a_role_that_may_not_watch_is_enough(
        self, site: Namespace, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What is waited for is looked up then."""
        rules = (
            ROLE.read_text()
            .replace(" watch,", "")
            .replace(", watch", "")
            .replace("name: specr", "name: blind")
        )
        assert "watch" not in "".join(line for line in rules.splitlines() if "verbs" in line)
        site.space.kubectl("apply", "-f", "-", text=rules)
        site.space.account("blind", "blind", site.root / "blind")
        provider = site.provider(kubeconfig="blind")
        with caplog.at_level(logging.INFO, logger="specr.providers.kubernetes.watching"):
            ref = Site(site).roll_out(provider, site.deployment("a", "t1"))
        assert any("no watch of deployments" in record.getMessage() for record in caplog.records)
        provider.delete(ref)

    def test_a_context_that_is_not_there(self, site: Namespace) -> None:
        told = refused(lambda: site.provider(context="nowhere").read([ref_to(site.build("a", "t1"))]))
        assert "No cluster configured" in told
        assert "nowhere" in told

    def test_no_kubeconfig(self, site: Namespace) -> None:
        told = refused(lambda: site.provider(kubeconfig="absent").read([ref_to(site.build("a", "t1"))]))
        assert "No cluster configured" in told

    def test_broken_kubeconfig(self, site: Namespace) -> None:
        (site.root / "broken").write_text("{clusters: [")
        told = refused(lambda: site.provider(kubeconfig="broken").read([ref_to(site.build("a", "t1"))]))
        assert "No cluster configured" in told

    def test_a_server_that_is_down_may_come_back(self, site: Namespace) -> None:
        config = json.loads(site.space.kubeconfig.read_text())
        config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
        (site.root / "down").write_text(json.dumps(config))
        provider = site.provider(kubeconfig="down")
        with pytest.raises(TransientError, match=r"127\.0\.0\.1:9 gave no answer"):
            provider.read([ref_to(site.build("a", "t1"))])

    def test_a_token_that_ran_out(self, site: Namespace) -> None:
        config = json.loads(site.space.kubeconfig.read_text())
        config["users"][0]["user"]["token"] = "none"
        (site.root / "expired").write_text(json.dumps(config))
        provider = site.provider(kubeconfig="expired")
        told = refused(lambda: provider.read([ref_to(site.build("a", "t1"))]))
        assert "Not known to the cluster" in told

    def test_credentials_from_a_plugin(self, site: Namespace) -> None:
        config = json.loads(site.space.kubeconfig.read_text())
        token = config["users"][0]["user"]["token"]
        version = "client.authentication.k8s.io/v1beta1"
        answer = {"apiVersion": version, "kind": "ExecCredential", "status": {"token": token}}
        (site.root / "answer").write_text(json.dumps(answer))
        config["users"][0]["user"] = {
            "exec": {"apiVersion": version, "command": "cat", "args": [str(site.root / "answer")]}
        }
        (site.root / "plugin").write_text(json.dumps(config))
        provider = site.provider(kubeconfig="plugin")
        ref = Site(site).roll_out(provider, site.deployment("a", "t1"))
        assert provider.read([ref])[ref.address].exists
        provider.delete(ref)

    def test_a_plugin_that_fails(self, site: Namespace) -> None:
        config = json.loads(site.space.kubeconfig.read_text())
        version = "client.authentication.k8s.io/v1beta1"
        config["users"][0]["user"] = {"exec": {"apiVersion": version, "command": "false"}}
        (site.root / "failing").write_text(json.dumps(config))
        told = refused(lambda: site.provider(kubeconfig="failing").read([ref_to(site.build("a", "t1"))]))
        assert "Not known to the cluster" in told
        assert "a plug-in may have failed" in told

    def test_several_kubeconfigs_as_kubectl_reads_them(self, site: Namespace, tmp_path: Path) -> None:
        config = json.loads(site.space.kubeconfig.read_text())
        users = {"apiVersion": "v1", "kind": "Config", "users": config.pop("users")}
        (tmp_path / "one").write_text(json.dumps(config))
        (tmp_path / "two").write_text(json.dumps(users))
        settings = convert({"store": {"type": "volume", "claim": "models"}}, KubernetesSettings)
        environ = {"KUBECONFIG": f"{tmp_path / 'one'}:{tmp_path / 'absent'}:{tmp_path / 'two'}"}
        cluster = Cluster("tested", site.root, settings, environ=environ)
        assert cluster.namespace == site.space.name
        assert cluster.list("deployments") == []
        cluster.close()

    def test_nothing_is_wrong_with_an_error_for_people(self, site: Namespace) -> None:
        """An error names the call, the reason and a remedy."""
        with pytest.raises(ProviderError) as caught:
            site.provider(namespace="kube-system").read([ref_to(site.build("a", "t1"))])
        (diagnostic,) = caught.value.diagnostics
        assert diagnostic.remedy
        assert "persistentvolumeclaims" in diagnostic.detail

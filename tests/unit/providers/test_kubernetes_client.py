"""What is asked of a cluster before anything else: which versions of its interface it serves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from specr.providers.kubernetes.client import Cluster
from specr.providers.kubernetes.manifests import budget
from specr.providers.kubernetes.pods import Site
from specr.providers.kubernetes.settings import KubernetesSettings
from specr.providers.protocol import ProviderError
from tests.unit.providers.apiserver import ApiServer, serving
from tests.unit.providers.test_kubernetes_watches import revision_order


@pytest.mark.parametrize(
    ("served", "chosen"),
    [(["v1beta1"], "v1beta1"), (["v1", "v1beta1"], "v1"), (["v1beta1", "v1"], "v1"), (["v1"], "v1")],
)
def test_budgets_are_of_the_version_that_the_cluster_serves(
    served: list[str], chosen: str, tmp_path: Path
) -> None:
    server = ApiServer()
    versions = [{"groupVersion": f"policy/{version}", "version": version} for version in served]
    server.paths["/apis/policy"] = (200, {"kind": "APIGroup", "versions": versions})
    with serving(server, tmp_path) as cluster:
        path = cluster.path("poddisruptionbudgets", "b")
        version = cluster.api_version("poddisruptionbudgets")
        assert cluster.api_version("poddisruptionbudgets") == version
    assert path == f"/apis/policy/{chosen}/namespaces/here/poddisruptionbudgets/b"
    site = Site("mine", "tested", KubernetesSettings())
    assert budget(site, revision_order("d", "t"), version)["apiVersion"] == f"policy/{chosen}"
    assert server.count("get /apis/policy") == 1


def test_lists_are_read_page_by_page(tmp_path: Path) -> None:
    server = ApiServer()
    pages = {"": ("more", "a"), "more": ("", "b")}

    def page(query: dict[str, str]) -> tuple[int, dict[str, object]]:
        further, name = pages[query.get("continue", "")]
        about = {"resourceVersion": "7"} | ({"continue": further} if further else {})
        return 200, {"metadata": about, "items": [{"metadata": {"name": name}}]}

    server.listing = lambda _, query: page(query)
    with serving(server, tmp_path) as cluster:
        found, version = cluster.list_at("pods", {"labelSelector": "x=y"})
    assert [one["metadata"]["name"] for one in found] == ["a", "b"]
    assert version == "7"
    assert [query["labelSelector"] for _, query in server.asked] == ["x=y", "x=y"]


@pytest.mark.parametrize("token", ["secret\n", "sec\nret", "\x00secret", "s\u00e9cret"])
def test_a_token_that_no_header_can_carry_is_told_but_not_shown(token: str, tmp_path: Path) -> None:
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": {"token": token}}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    cluster = Cluster("tested", tmp_path, KubernetesSettings(kubeconfig="kubeconfig"))
    with pytest.raises(ProviderError, match="no header can carry") as raised:
        cluster.list_at("pods", {})
    assert "cret" not in str(raised.value)


@pytest.mark.parametrize("text", ["[]", "{", "a: 1", "\xff", '{"current-context": "c", "contexts": 3}'])
def test_a_configuration_that_is_none_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(text, encoding="latin-1")
    cluster = Cluster("tested", tmp_path, KubernetesSettings(kubeconfig="kubeconfig"))
    with pytest.raises(ProviderError, match="No cluster configured"):
        cluster.list_at("pods", {})

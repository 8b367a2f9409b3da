"""Names, labels and manifests: pure, so no cluster is needed here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.address import Address, parse_address
from specr.providers.kubernetes import manifests, names
from specr.providers.kubernetes.pods import Site, literal, secret, volume_claim
from specr.providers.kubernetes.settings import KubernetesSettings
from specr.providers.protocol import BuildOrder, DeploymentOrder, ProviderError
from specr.resources.compute import Compute, SecretKey, SecretValue, ValueSource
from specr.resources.convert import convert

LABEL_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
DIGEST = "sha256:" + "a" * 64

part = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
addresses = st.builds(
    Address,
    st.sampled_from(["deployment", "build"]),
    st.one_of(part, st.builds("{}.{}".format, part, part)),
    st.one_of(st.just(""), part),
    st.one_of(st.just(""), st.from_regex(r"[A-Za-z0-9_.-]{1,80}", fullmatch=True)),
)
texts = st.text(min_size=1, max_size=100)


def site(**settings: Any) -> Site:
    basis = {"store": {"type": "volume", "claim": "models"}}
    return Site("lineage", "cluster", convert({**basis, **settings}, KubernetesSettings))


def deployment(**changes: Any) -> DeploymentOrder:
    order: dict[str, Any] = {
        "address": Address("deployment", "fraud"),
        "token": "t1",
        "model": DIGEST,
        "model_id": "fraud-v1",
        "image": "python:3.11-slim",
        "command": ("python", "-c", "print('$(MODEL_PATH) costs $5')"),
        "env": {},
        "resources": Compute(),
        "replicas": 1,
        "port": None,
        "readiness_path": "/readyz",
    }
    return DeploymentOrder(**{**order, **changes})


def build(**changes: Any) -> BuildOrder:
    order: dict[str, Any] = {
        "address": Address("build", "wine.mlflow"),
        "token": "t1",
        "source": DIGEST,
        "image": "python:3.11-slim",
        "command": ("process",),
        "env": {},
        "resources": Compute(),
        "timeout": 60,
    }
    return BuildOrder(**{**order, **changes})


def objects(order: DeploymentOrder | BuildOrder, at: Site) -> list[dict[str, Any]]:
    if isinstance(order, BuildOrder):
        return [manifests.job(at, order, "echo $(date)")]
    return [
        manifests.deployment(at, order),
        manifests.service(at, order, "t0"),
        manifests.budget(at, order, "policy/v1"),
    ]


def runtime_of(manifest: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = manifest["spec"]["template"]["spec"]["containers"][0]
    return found


@given(texts, addresses, texts)
def test_names_are_valid_for_any_address(lineage: str, address: Address, token: str) -> None:
    for name, limit in (
        (names.address_name(lineage, address), 41),
        (names.object_name(lineage, address, token), 52),
        (names.secret_name(lineage, token), 52),
        (names.bytes_name(lineage, token), 52),
    ):
        assert LABEL_NAME.fullmatch(name), name
        assert len(name) <= limit, name


@given(texts, addresses, texts)
def test_label_values_are_valid_for_any_address(lineage: str, address: Address, token: str) -> None:
    for value in names.object_labels(lineage, address, names.BUILD, token).values():
        assert LABEL_VALUE.fullmatch(value), value
        assert len(value) <= 63, value


@given(st.lists(st.tuples(texts, addresses, texts), min_size=2, max_size=2, unique=True))
def test_no_two_objects_share_a_name(pairs: list[tuple[str, Address, str]]) -> None:
    (one_lineage, one, one_token), (other_lineage, other, other_token) = pairs
    assert names.object_name(one_lineage, one, one_token) != names.object_name(
        other_lineage, other, other_token
    )
    if (one_lineage, one) != (other_lineage, other):
        assert names.address_name(one_lineage, one) != names.address_name(other_lineage, other)


@given(st.lists(texts, min_size=2, max_size=2, unique=True))
def test_no_two_texts_share_a_label_value(pair: list[str]) -> None:
    assert names.label_value(pair[0]) != names.label_value(pair[1])


def test_names_stay_as_they_are() -> None:
    """Objects of earlier versions are found by them."""
    address = parse_address("deployment/fraud-detection-in-the-european-union")
    assert names.address_name("l", address) == "fraud-detection-in-the-europea-3ototgshd6"
    assert names.object_name("l", address, "t") == "fraud-detection-in-the-europea-3ototgshd6-6bplmwi5d2"
    assert names.secret_name("l", "t") == "specr-375s27pscdy3d5a4lgy3"
    assert names.bytes_name("l", "p") == "specr-bytes-wnj3yiuxyx"


@given(addresses, st.text(max_size=30))
def test_manifests_are_deterministic_json(address: Address, text: str) -> None:
    order = deployment(address=address, env={"A": text, "B": "b"})
    again = deployment(address=address, env={"B": "b", "A": text})
    assert json.dumps(objects(order, site())) == json.dumps(objects(again, site()))


def test_secrets_are_references_everywhere_but_in_the_secret() -> None:
    env = {
        "PLAIN": "text",
        "READ": SecretValue(value_from=ValueSource(env="HUNTER2")),
        "KEPT": SecretValue(value_from=ValueSource(secret=SecretKey(name="theirs", key="word"))),
    }
    for order in (deployment(env=env), build(env=env)):
        pod = objects(order, site())[0]["spec"]["template"]["spec"]
        container = (pod.get("initContainers") or pod["containers"])[0]
        found = {entry["name"]: entry for entry in container["env"]}
        own = names.secret_name("lineage", "t1")
        assert found["PLAIN"] == {"name": "PLAIN", "value": "text"}
        assert found["READ"]["valueFrom"] == {"secretKeyRef": {"name": own, "key": "READ"}}
        assert found["KEPT"]["valueFrom"] == {"secretKeyRef": {"name": "theirs", "key": "word"}}
    made = secret(site(), "t1", {}, {"READ": "hunter2"})
    assert made["metadata"]["name"] == own
    assert made["data"] == {"READ": "aHVudGVyMg=="}


@given(st.text())
def test_what_kubernetes_expands_is_what_was_meant(text: str) -> None:
    assert expand(literal(text)) == text


def expand(text: str) -> str:
    """As the kubelet does it: `$$` is a dollar, `$(NAME)` a variable, all else itself."""
    return re.sub(r"\$\$|\$\([^)]*\)", lambda m: "$" if m[0] == "$$" else "EXPANDED", text)


def test_a_runtime_is_told_where_its_model_is() -> None:
    container = runtime_of(manifests.deployment(site(), deployment(env={"MODEL_NAME": "x"})))
    env = {entry["name"]: entry["value"] for entry in container["env"]}
    mount = next(m for m in container["volumeMounts"] if m["mountPath"] == env["MODEL_PATH"])
    assert mount["readOnly"] is True
    assert mount["subPath"] == f"specr/lineage/cluster/objects/{'a' * 64}/content"
    assert (env["MODEL_ID"], env["PORT"], env["MODEL_NAME"]) == ("fraud-v1", "8080", "x")
    assert manifests.model_of(manifests.deployment(site(), deployment())) == DIGEST


def test_settings_reach_all_pods() -> None:
    chosen = {
        "serviceAccount": "runner",
        "imagePullSecrets": ["registry"],
        "nodeSelector": {"gpu": "yes"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "labels": {"team": "risk", "specr.dev/token": "stolen"},
        "annotations": {"note": "x"},
        "imagePullPolicy": "Always",
        "runAsUser": 1000,
    }
    at = site(**chosen)
    for order in (deployment(), build()):
        made = objects(order, at)[0]
        pod = made["spec"]["template"]["spec"]
        assert pod["serviceAccountName"] == "runner"
        assert pod["imagePullSecrets"] == [{"name": "registry"}]
        assert pod["nodeSelector"] == {"gpu": "yes"}
        assert pod["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
        assert pod["affinity"] == {"nodeAffinity": {}}
        assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == 1000
        assert {c["imagePullPolicy"] for c in pod["containers"]} == {"Always"}
        for about in (made["metadata"], made["spec"]["template"]["metadata"]):
            assert about["labels"]["team"] == "risk"
            assert about["labels"]["specr.dev/token"] == "t1"
            assert about["annotations"]["note"] == "x"


def test_labels_of_the_deployment_are_made_fit_and_never_replace_ours() -> None:
    labels = {"team": "risk & fraud", "empty": "", "specr.dev/lineage": "stolen"}
    made = manifests.deployment(site(), deployment(labels=labels))["metadata"]["labels"]
    assert made["specr.dev/lineage"] == "lineage"
    assert made["empty"] == ""
    assert LABEL_VALUE.fullmatch(made["team"])


def test_resources_probe_and_port() -> None:
    wanted = {"requests": {"cpu": "100m"}, "limits": {"memory": "64Mi"}}
    order = deployment(resources=convert(wanted, Compute), port=9000)
    container = runtime_of(manifests.deployment(site(), order))
    assert container["resources"] == wanted
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    port = manifests.service(site(), order, "")["spec"]["ports"][0]
    assert port == {"name": "http", "port": 9000, "targetPort": 8080, "protocol": "TCP"}


def test_what_names_no_image_is_refused() -> None:
    with pytest.raises(ProviderError, match="names none"):
        manifests.deployment(site(), deployment(image=None))
    with pytest.raises(ProviderError, match="names none"):
        manifests.job(site(), build(image=None), "")


def test_a_hand_on_the_container_shows() -> None:
    one = manifests.deployment(site(), deployment())
    other = manifests.deployment(site(), deployment(env={"NEW": "1"}))
    assert manifests.shape_of(one) != manifests.shape_of(other)
    scaled = manifests.deployment(site(), deployment(replicas=3, image="other"))
    assert manifests.shape_of(one) == manifests.shape_of(scaled)
    assert manifests.image_of(scaled) == "other"


def test_a_claim_is_made_as_told() -> None:
    store = {
        "type": "volume",
        "claim": "m",
        "size": "5Gi",
        "storageClass": "fast",
        "accessMode": "ReadWriteOnce",
    }
    spec = volume_claim(site(store=store))["spec"]
    assert spec == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "5Gi"}},
        "storageClassName": "fast",
    }


def test_the_client_is_not_loaded_before_it_is_used() -> None:
    """It takes longer to import than a plan without a cluster takes."""
    code = "import sys, specr.providers.kubernetes.provider; sys.exit('kubernetes' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

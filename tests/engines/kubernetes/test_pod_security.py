"""All pods that specr makes pass the pod security standard `restricted`; no cluster is needed to see it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.providers.kubernetes import manifests
from specr.providers.kubernetes.pods import Site, helper_pod
from tests.engines.kubernetes.pod_security import containers, violations
from tests.engines.kubernetes.test_manifests import build, deployment, site

SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "serviceAccount": st.just("runner"),
        "imagePullSecrets": st.just(["registry"]),
        "nodeSelector": st.dictionaries(st.sampled_from(["gpu", "zone"]), st.text(max_size=5)),
        "tolerations": st.just([{"operator": "Exists"}]),
        "annotations": st.dictionaries(st.sampled_from(["note", "team"]), st.text(max_size=5)),
        "runAsUser": st.integers(1, 2**31 - 1),
        "drainSeconds": st.sampled_from([0, 2]),
        "helperImage": st.just("tools:1"),
    },
)


def pods(at: Site, **changes: Any) -> list[dict[str, Any]]:
    """A pod of every kind that there is: with metadata and spec."""
    return [
        manifests.deployment(at, deployment(**changes))["spec"]["template"],
        manifests.job(at, build(), "echo done")["spec"]["template"],
        helper_pod(at, "helper", "echo done", 60),
    ]


@given(SETTINGS, st.integers(0, 3), st.sampled_from([None, 80, 9000]))
def test_every_pod_passes_whatever_the_settings(
    settings: dict[str, Any], replicas: int, port: int | None
) -> None:
    for pod in pods(site(**settings), replicas=replicas, port=port):
        assert violations(pod["spec"], pod["metadata"].get("annotations")) == []
        assert containers(pod["spec"])


def test_no_pod_has_more_than_the_standard_grants() -> None:
    """And what goes beyond it: no token of an account, a root that can't be written to."""
    for pod in pods(site()):
        assert pod["spec"]["automountServiceAccountToken"] is False
        for one in containers(pod["spec"]):
            assert one["securityContext"]["readOnlyRootFilesystem"] is True
            assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize(
    ("path", "value", "control"),
    [
        ("hostNetwork", True, "host namespaces"),
        ("volumes/0", {"name": "v", "hostPath": {"path": "/"}}, "volume types"),
        ("securityContext/sysctls", [{"name": "kernel.msgmax", "value": "1"}], "sysctls"),
        ("securityContext/seLinuxOptions", {"user": "u"}, "SELinux"),
        ("securityContext/appArmorProfile", {"type": "Unconfined"}, "AppArmor"),
        ("securityContext/windowsOptions", {"hostProcess": True}, "host process"),
        ("securityContext/runAsUser", 0, "running as non-root user"),
        ("securityContext/runAsNonRoot", False, "running as non-root"),
        ("securityContext/seccompProfile", {"type": "Unconfined"}, "seccomp"),
        ("containers/0/securityContext/seccompProfile", {"type": "Unconfined"}, "seccomp"),
        ("containers/0/securityContext/privileged", True, "privileged containers"),
        ("containers/0/securityContext/allowPrivilegeEscalation", True, "privilege escalation"),
        ("containers/0/securityContext/capabilities", {"drop": []}, "capabilities"),
        ("containers/0/securityContext/capabilities/add", ["SYS_ADMIN"], "capabilities"),
        ("containers/0/securityContext/procMount", "Unmasked", "/proc mount type"),
        ("containers/0/ports", [{"containerPort": 1, "hostPort": 1}], "host ports"),
        (
            "containers/0/livenessProbe",
            {"tcpSocket": {"port": 1, "host": "10.0.0.1"}},
            "host probes and lifecycle hooks",
        ),
    ],
)
def test_the_check_finds_what_the_standard_forbids(which: int, path: str, value: Any, control: str) -> None:
    pod = copy.deepcopy(pods(site())[which]["spec"])
    *way, last = path.split("/")
    place: Any = pod
    for part in way:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[int(last) if isinstance(place, list) else last] = value
    assert control in violations(pod)

"""The pod security standard `restricted`, with all that `baseline` asks for, as a check of pod specs.

After the published standard (https://kubernetes.io/docs/concepts/security/pod-security-standards/), control
by control, in its order; for clusters that are too old to enforce it, and for manifests that no cluster sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}


def violations(pod: Json, annotations: Json | None = None) -> list[str]:
    """The controls of the standard that a pod spec does not pass."""
    return sorted({*_of_pod(pod, annotations or {}), *(v for one in containers(pod) for v in _of(one, pod))})


def containers(pod: Json) -> list[Json]:
    """Containers of every kind."""
    kinds = ("containers", "initContainers", "ephemeralContainers")
    return [one for kind in kinds for one in pod.get(kind) or ()]


def _of_pod(pod: Json, annotations: Json) -> Iterator[str]:
    context = pod.get("securityContext") or {}
    if any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
        yield "host namespaces"
    if any(set(volume) - {"name"} - VOLUMES for volume in pod.get("volumes") or ()):
        yield "volume types"
    if {sysctl["name"] for sysctl in context.get("sysctls") or ()} - SYSCTLS:
        yield "sysctls"
    for key, value in annotations.items():
        known = value == "runtime/default" or value.startswith("localhost/")
        if key.startswith("container.apparmor.security.beta.kubernetes.io/") and not known:
            yield "AppArmor"
    yield from _of_context(context)


def _of(one: Json, pod: Json) -> Iterator[str]:
    whole, own = pod.get("securityContext") or {}, one.get("securityContext") or {}
    if own.get("privileged"):
        yield "privileged containers"
    added = set((own.get("capabilities") or {}).get("add") or ())
    if added - {"NET_BIND_SERVICE"} or "ALL" not in ((own.get("capabilities") or {}).get("drop") or ()):
        yield "capabilities"
    if any(port.get("hostPort") for port in one.get("ports") or ()):
        yield "host ports"
    if any(action.get("host") for action in _actions(one)):
        yield "host probes and lifecycle hooks"
    if own.get("procMount", "Default") != "Default":
        yield "/proc mount type"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "privilege escalation"
    if own.get("runAsNonRoot", whole.get("runAsNonRoot")) is not True:
        yield "running as non-root"
    profile = (own.get("seccompProfile") or whole.get("seccompProfile") or {}).get("type")
    if profile not in {"RuntimeDefault", "Localhost"}:
        yield "seccomp"
    yield from _of_context(own)


def _of_context(context: Json) -> Iterator[str]:
    """What goes for the contexts of pods and of containers."""
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        yield "host process"
    if (context.get("appArmorProfile") or {}).get("type", "RuntimeDefault") not in {
        "RuntimeDefault",
        "Localhost",
    }:
        yield "AppArmor"
    selinux = context.get("seLinuxOptions") or {}
    if selinux.get("type", "") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield "SELinux"
    if context.get("runAsUser") == 0:
        yield "running as non-root user"


def _actions(one: Json) -> Iterator[Json]:
    """What probes and hooks do over the network."""
    hooks = one.get("lifecycle") or {}
    acts = [one.get(f"{kind}Probe") for kind in ("liveness", "readiness", "startup")]
    acts += [hooks.get("postStart"), hooks.get("preStop")]
    for act in filter(None, acts):
        yield from (act[way] for way in ("httpGet", "tcpSocket") if way in act)

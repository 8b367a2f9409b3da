"""What pods have printed, with the values of secrets hidden."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from specr.canonical import JsonObject
from specr.providers.kubernetes.client import Cluster
from specr.providers.kubernetes.manifests import COLLECTOR, PROCESSOR
from specr.providers.kubernetes.objects import Objects
from specr.providers.kubernetes.secrets import Secrets

_UNREADY: Final = frozenset({400, 404})
"""What the server answers for a container that has not started, or is gone."""


def read_logs(objects: Objects, secrets: Secrets, token: str, tail: int | None) -> Sequence[str]:
    """The lines of all of an object's pods, oldest pod first; several pods are told by their names."""
    pods = sorted(
        objects.marked("pods", token), key=lambda pod: (pod["metadata"]["creationTimestamp"], _name(pod))
    )
    lines: list[str] = []
    for pod in pods:
        prefix = f"{_name(pod)}: " if len(pods) > 1 else ""
        lines += (f"{prefix}{line}" for line in _of_pod(objects.cluster, secrets, pod, tail))
    return lines if tail is None else lines[max(0, len(lines) - tail) :]


def _of_pod(cluster: Cluster, secrets: Secrets, pod: JsonObject, tail: int | None) -> list[str]:
    spec = pod["spec"]
    containers = [*(spec.get("initContainers") or ()), *spec["containers"]]
    container = next((one for one in containers if one["name"] == PROCESSOR), None)
    container = container or next(one for one in containers if one["name"] != COLLECTOR)
    text = _ask(cluster, pod, container["name"], tail, previous=False)
    if not text:
        text = _ask(cluster, pod, container["name"], tail, previous=True)
    if not text:
        return []
    return secrets.mask(container).in_text(text.decode(errors="replace")).splitlines()


def _ask(cluster: Cluster, pod: JsonObject, container: str, tail: int | None, *, previous: bool) -> bytes:
    query: dict[str, Any] = {"container": container}
    query |= {"previous": "true"} if previous else {}
    query |= {} if tail is None else {"tailLines": str(tail)}
    path = cluster.path("pods", _name(pod), "log")
    answer = cluster.ask("GET", path, query=query, headers={"Accept": "*/*"})
    if answer.status in _UNREADY:
        return b""
    if answer.status >= 400:
        cluster.accept("GET", path, answer)
    return answer.body


def _name(pod: JsonObject) -> str:
    return str(pod["metadata"]["name"])

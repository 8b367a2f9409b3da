"""Requests to a revision's pods through the API server, so that nothing else must be reachable."""

from __future__ import annotations

from typing import Final

from specr.canonical import JsonObject
from specr.providers.kubernetes.channel import ask_port
from specr.providers.kubernetes.manifests import PORT
from specr.providers.kubernetes.objects import Objects
from specr.providers.protocol import ScorerRequest, ScorerResponse, TransientError
from specr.state.model import ObjectRef

_AUTHORIZATION: Final = "authorization"


def ask_revision(objects: Objects, ref: ObjectRef, request: ScorerRequest) -> ScorerResponse:
    """Ask a pod of a revision; one that is ready, if there is any.

    The API server's proxy passes a request on but for its Authorization header, which it takes for
    itself; so a request with one goes to the port through a channel of its own.

    Raises:
        TransientError: no pod runs, or none answers.
    """
    pods = [pod for pod in objects.marked("pods", ref.token) if _runs(pod)]
    if not pods:
        raise TransientError(f"no pod of {ref.address} runs")
    name = str(min(pods, key=lambda pod: (not _is_ready(pod), pod["metadata"]["name"]))["metadata"]["name"])
    if any(header.lower() == _AUTHORIZATION for header in request.headers):
        return ask_port(objects.cluster, name, PORT, request)
    path = objects.cluster.path("pods", f"{name}:{PORT}", "proxy") + request.path
    answer = objects.cluster.ask(
        request.method, path, request.body or None, headers=request.headers, timeout=request.timeout
    )
    if answer.status >= 400 and _is_from_server(answer.json()):
        if answer.status in {401, 403}:
            objects.cluster.accept(request.method, path, answer)
        raise TransientError(f"pod {name} can't be reached: {answer.json().get('message')}")
    return ScorerResponse(answer.status, answer.body)


def _is_from_server(body: JsonObject) -> bool:
    """Whether an error is the API server's own, and not the runtime's."""
    return body.get("kind") == "Status" and body.get("apiVersion") == "v1"


def _runs(pod: JsonObject) -> bool:
    return pod.get("status", {}).get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp")


def _is_ready(pod: JsonObject) -> bool:
    conditions = pod["status"].get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)

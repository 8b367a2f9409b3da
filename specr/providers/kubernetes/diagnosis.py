"""Why a pod is not ready, in words: from its status, its events, and those of what makes pods. Pure.

What can't become better by waiting is trouble; all else is something that is waited for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from specr.canonical import JsonObject

_HOPELESS: Final = {
    "ImagePullBackOff": "the image {image} can't be pulled",
    "InvalidImageName": "the image {image} has a name that is no image's",
    "ErrImageNeverPull": "the image {image} is not on the node, and may not be pulled",
    "CreateContainerConfigError": "its container can't be configured",
    "CreateContainerError": "its container can't be made",
    "RunContainerError": "its container can't be started",
}
"""Reasons for which a container waits in vain."""

_RESTARTS: Final = 2
"""Restarts after which a container is taken to crash for good."""

_SIGNALS: Final = {137: "SIGKILL", 143: "SIGTERM", 139: "SIGSEGV", 134: "SIGABRT"}

_QUIET_EVENTS: Final = frozenset({"MissingClusterDNS", "DNSConfigForming", "Killing"})


def pod_trouble(pod: JsonObject, scheduling_over: bool) -> str:
    """What keeps a pod from ever being ready; empty while there is hope.

    `scheduling_over` says that it has waited for a node long enough.
    """
    status = pod.get("status", {})
    for one in _containers(status):
        trouble = _container_trouble(one)
        if trouble:
            return trouble
    if scheduling_over and (unschedulable := _unschedulable(status)):
        return f"it finds no node: {unschedulable}"
    if status.get("phase") == "Failed":
        reason = status.get("reason") or "it has failed"
        return _sentence(reason, status.get("message", ""))
    return ""


def waiting_for(pod: JsonObject) -> str:
    """What a pod that is not in trouble is doing."""
    status = pod.get("status", {})
    unschedulable = _unschedulable(status)
    if unschedulable:
        return f"it waits for a node: {unschedulable}"
    for one in _containers(status):
        waiting = (one.get("state") or {}).get("waiting")
        if waiting and waiting.get("reason") not in {None, "ContainerCreating", "PodInitializing"}:
            return _sentence(waiting["reason"], waiting.get("message", ""))
    if any("running" in (one.get("state") or {}) for one in _containers(status)):
        return "it runs"
    return "its container is being made"


def ended(terminated: JsonObject) -> str:
    """How a container ended."""
    code = int(terminated.get("exitCode", 0))
    reason = terminated.get("reason", "")
    if reason == "OOMKilled":
        return "it was killed: it needed more memory than its limit"
    if reason in {"ContainerCannotRun", "StartError"}:
        return _sentence("it can't be started", terminated.get("message", ""))
    by = f" ({_SIGNALS[code]})" if code in _SIGNALS else ""
    return f"it has exited with status {code}{by}"


def last_events(events: Iterable[JsonObject], count: int = 2) -> str:
    """The last events that mean something, newest last."""
    told = [e for e in events if e.get("type") == "Warning" and e.get("reason") not in _QUIET_EVENTS]
    told.sort(key=lambda e: (e.get("lastTimestamp") or e.get("eventTime") or "", e["metadata"]["name"]))
    lines = dict.fromkeys(_sentence(e.get("reason", ""), e.get("message", "")) for e in told)
    return "; ".join(list(lines)[-count:])


def creation_trouble(conditions: Sequence[JsonObject]) -> str:
    """Why a Deployment can't make pods at all: quota, admission."""
    for condition in conditions:
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            return _sentence("its pods can't be made", condition.get("message", ""))
    return ""


def refused_creation(events: Iterable[JsonObject]) -> str:
    """The same for a Job, which tells it by events alone."""
    refused = [event for event in events if event.get("reason") == "FailedCreate"]
    return last_events(refused, 1)


def _container_trouble(one: JsonObject) -> str:
    state, last = one.get("state") or {}, one.get("lastState") or {}
    waiting = state.get("waiting") or {}
    reason = waiting.get("reason", "")
    if reason in _HOPELESS:
        words = _HOPELESS[reason].format(image=one.get("image") or "?")
        return _sentence(words, waiting.get("message", ""))
    crashes = reason == "CrashLoopBackOff" or int(one.get("restartCount", 0)) >= _RESTARTS
    terminated = last.get("terminated") or state.get("terminated")
    if crashes and terminated:
        return f"it crashes again and again: {ended(terminated)}"
    return ""


def _containers(status: JsonObject) -> list[Mapping[str, Any]]:
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _unschedulable(status: JsonObject) -> str:
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return str(condition.get("message") or condition.get("reason") or "no reason is given")
    return ""


def _sentence(what: str, message: str) -> str:
    message = " ".join(message.split()).rstrip(".")
    return f"{what} ({message})" if message else what

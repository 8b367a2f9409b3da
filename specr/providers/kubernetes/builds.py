"""Builds: a Job that runs the processor and then brings its output to its place on the volume."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from specr.canonical import JsonObject, decode_json, encode_json
from specr.plan.observed import Observation
from specr.providers.content import ByteStore
from specr.providers.kubernetes import names
from specr.providers.kubernetes.diagnosis import (
    ended,
    last_events,
    pod_trouble,
    refused_creation,
    waiting_for,
)
from specr.providers.kubernetes.index import Entries
from specr.providers.kubernetes.lookout import Lookout, View
from specr.providers.kubernetes.manifests import COLLECTOR, PROCESSOR, job
from specr.providers.kubernetes.objects import Objects
from specr.providers.kubernetes.patience import Patience
from specr.providers.kubernetes.pods import Site
from specr.providers.kubernetes.secrets import Secrets
from specr.providers.kubernetes.volume import Volume
from specr.providers.protocol import BuildOrder, Readiness
from specr.state.model import ObjectRef


class Builds:
    """Starts Jobs, and tells what became of them."""

    def __init__(
        self, objects: Objects, site: Site, volume: Volume, secrets: Secrets, store: ByteStore
    ) -> None:
        self._objects = objects
        self._cluster = objects.cluster
        self._site = site
        self._volume = volume
        self._secrets = secrets
        self._store = store
        self._patience = Patience(objects.clock, site.settings.scheduling_seconds)

    def create(self, order: BuildOrder) -> JsonObject:
        """Start the Job, or take up the one with this token, whatever became of it."""
        name = names.object_name(self._site.lineage, order.address, order.token)
        live = self._objects.own("jobs", name, "Job", order.address)
        if live is None:
            manifest = job(self._site, order, self._volume.helper.script)
            values = self._secrets.resolve(order)
            self._volume.hold(order.address, order.token, order.source)
            labels = names.object_labels(self._site.lineage, order.address, names.BUILD, order.token)
            self._secrets.put(order, labels, values)
            live = self._objects.apply("jobs", manifest, order.address)
        return _output_of(live) or {}

    def readiness(self, ref: ObjectRef, order: BuildOrder, lookout: Lookout) -> Readiness:
        """How far the Job is; when it is done, its output goes on record here."""
        found = lookout.conclude(
            ref.token,
            "jobs",
            partial(self._look, ref, order),
            lambda found: isinstance(found, _Collected) or found.done,
        )
        return self._keep(ref, found) if isinstance(found, _Collected) else found

    def observe(self, ref: ObjectRef, present: Entries) -> Observation:
        """Whether the output is on the volume, or can be brought there."""
        digest = ref.attributes.get("digest")
        if digest is None:
            return Observation(exists=False, message="it never came to its end")
        if digest in present or self._store.has(digest):
            return Observation(exists=True, attributes={"digest": digest})
        claim = self._site.settings.store.claim
        return Observation(exists=False, message=f"its output is no longer on the volume {claim}")

    def _look(self, ref: ObjectRef, order: BuildOrder, view: View) -> Readiness | _Collected:
        name = names.object_name(self._site.lineage, ref.address, ref.token)
        live = view.get("jobs", name)
        if live is None:
            return Readiness(done=True, message="its Job is gone")
        output = _output_of(live)
        if output is not None:
            return Readiness(done=True, succeeded=True, attributes=output)
        pods = view.marked("pods", ref.token)
        if not pods:
            return _without_pod(live, view)
        return self._from_pod(name, pods[-1], order)

    def _from_pod(self, job_name: str, pod: JsonObject, order: BuildOrder) -> Readiness | _Collected:
        status = pod.get("status", {})
        phase = status.get("phase")
        collected = _terminated(status.get("containerStatuses"), COLLECTOR)
        if phase == "Succeeded" and collected is not None:
            return _Collected(job_name, collected)
        if phase == "Failed":
            return Readiness(done=True, message=_failure(status, collected, order))
        trouble = pod_trouble(pod, self._patience.is_over(order.token, pod))
        if trouble:
            return Readiness(done=True, message=trouble)
        return Readiness(done=False, message=waiting_for(pod))

    def _keep(self, ref: ObjectRef, collected: _Collected) -> Readiness:
        """Take down what the collector has told: in the index, then on the Job."""
        words = str(collected.terminated.get("message", "")).split()
        digest, size = names.digest_from(words[0]), int(words[1])
        self._volume.keep(ref.token, digest, size)
        output = {"digest": digest, "size": size}
        note = {"metadata": {"annotations": {names.OUTPUT: encode_json(output).decode()}}}
        self._cluster.call(
            "PATCH",
            self._cluster.path("jobs", collected.job),
            note,
            query={"fieldManager": f"{names.MANAGER}-output"},
            content_type="application/merge-patch+json",
        )
        return Readiness(done=True, succeeded=True, attributes=output)


class _Collected(Struct, frozen=True):
    """A build whose output is on the volume, and not on record yet: how its Job's collector ended."""

    job: str
    terminated: JsonObject


def _without_pod(live: JsonObject, view: View) -> Readiness:
    status = live.get("status", {})
    if any(c.get("type") == "Failed" and c.get("status") == "True" for c in status.get("conditions") or ()):
        return Readiness(done=True, message="its pod was removed before it had ended")
    if status.get("succeeded"):
        return Readiness(done=True, message="its pod was removed before its output was noted")
    events = view.events(live["metadata"]["uid"])
    refused = refused_creation(events)
    if refused:
        return Readiness(done=True, message=f"its pod can't be made: {refused}")
    return Readiness(done=False, message=last_events(events) or "its pod is being made")


def _failure(status: JsonObject, collected: JsonObject | None, order: BuildOrder) -> str:
    """Why a build's pod has failed."""
    if status.get("reason") == "DeadlineExceeded":
        return f"it was stopped at its time limit of {order.timeout} s"
    processed = _terminated(status.get("initContainerStatuses"), PROCESSOR)
    if processed is not None and processed.get("exitCode"):
        return ended(processed)
    if collected is not None and collected.get("exitCode"):
        return str(collected.get("message") or "").strip() or f"its output can't be kept: {ended(collected)}"
    why = " ".join(filter(None, (status.get("reason"), status.get("message"))))
    return f"its pod has failed: {why or 'no reason is given'}"


def _terminated(statuses: Sequence[JsonObject] | None, name: str) -> dict[str, Any] | None:
    """How the container of this name ended, if it did."""
    for status in statuses or ():
        if status.get("name") == name:
            terminated: dict[str, Any] | None = (status.get("state") or {}).get("terminated")
            return terminated
    return None


def _output_of(live: JsonObject) -> dict[str, Any] | None:
    """`{digest, size}` of a build whose output is on record."""
    text = (live["metadata"].get("annotations") or {}).get(names.OUTPUT)
    output: dict[str, Any] | None = decode_json(text) if text else None
    return output

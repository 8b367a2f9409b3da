"""Deployments: one Deployment for each revision, behind one Service for the address.

The Service leads to the revision that was promoted last. Until then a new revision can be asked
through the API server only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from specr.canonical import JsonObject
from specr.plan.observed import Observation
from specr.providers.kubernetes import names
from specr.providers.kubernetes.diagnosis import creation_trouble, last_events, pod_trouble, waiting_for
from specr.providers.kubernetes.index import Entries
from specr.providers.kubernetes.lookout import Lookout, View
from specr.providers.kubernetes.manifests import (
    budget,
    deployment,
    image_of,
    images_of,
    model_of,
    runs_as,
    shape_of,
)
from specr.providers.kubernetes.objects import Objects
from specr.providers.kubernetes.patience import Patience
from specr.providers.kubernetes.pods import Site
from specr.providers.kubernetes.routing import Routing, endpoint_of
from specr.providers.kubernetes.secrets import Secrets
from specr.providers.kubernetes.trouble import gone
from specr.providers.kubernetes.volume import Volume
from specr.providers.protocol import DeploymentOrder, Readiness
from specr.state.model import ObjectRef


class Deployments:
    """Starts revisions, changes them in place, and says how they are."""

    def __init__(self, objects: Objects, site: Site, volume: Volume, secrets: Secrets) -> None:
        self._objects = objects
        self._cluster = objects.cluster
        self._site = site
        self._volume = volume
        self._secrets = secrets
        self._routing = Routing(objects, site)
        self._patience = Patience(objects.clock, site.settings.scheduling_seconds)

    def create(self, order: DeploymentOrder) -> JsonObject:
        """Make the revision, or make the one with this token what it should be."""
        self._objects.own("deployments", self._name(order), "Deployment", order.address)
        live = self._apply(order)
        return self._attributes(live, self._routing.find(order.address))

    def update(self, order: DeploymentOrder) -> JsonObject:
        """Make the revision what it should be, and its Service too."""
        if self._objects.own("deployments", self._name(order), "Deployment", order.address) is None:
            raise gone(order.address)
        live = self._apply(order)
        return self._attributes(live, self._routing.lead_to(order))

    def promote(self, order: DeploymentOrder) -> JsonObject:
        """Lead callers to the revision; returns when they no longer get to another."""
        live = self._objects.own("deployments", self._name(order), "Deployment", order.address)
        if live is None:
            raise gone(order.address)
        attributes = self._attributes(live, self._routing.lead_to(order))
        return {**attributes, "imageIds": images_of(live, self._objects.marked("pods", order.token))}

    def readiness(self, ref: ObjectRef, order: DeploymentOrder, lookout: Lookout) -> Readiness:
        """Whether all replicas are as ordered and ready, or what keeps them."""
        found = lookout.conclude(
            ref.token,
            "deployments",
            partial(self._look, order),
            lambda found: isinstance(found, _Ready) or found.done,
        )
        if isinstance(found, Readiness):
            return found
        attributes = self._attributes(found.live, self._routing.find(order.address))
        images = images_of(found.live, found.pods)
        return Readiness(done=True, succeeded=True, attributes={**attributes, "imageIds": images})

    def _look(self, order: DeploymentOrder, view: View) -> Readiness | _Ready:
        live = view.get("deployments", self._name(order))
        if live is None or live["metadata"].get("deletionTimestamp"):
            return Readiness(done=True, message="its Deployment is gone")
        status = live.get("status", {})
        wanted = live["spec"].get("replicas", 1)
        seen = status.get("observedGeneration", 0) >= live["metadata"]["generation"]
        counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas")}
        if seen and counts == {wanted}:
            return _Ready(live, view.marked("pods", order.token))
        if not seen:
            return Readiness(done=False, message="the cluster has not looked at it yet")
        trouble = creation_trouble(status.get("conditions") or ())
        if trouble:
            return Readiness(done=True, message=trouble)
        return self._look_at_pods(live, order.token, wanted, view)

    def observe(self, ref: ObjectRef, seen: Seen, present: Entries) -> Observation:
        """What can drift of a revision; its pods come and go by themselves, but not what they run."""
        token = names.label_value(ref.token)
        live = seen.deployments.get(token)
        if live is None or live["metadata"].get("deletionTimestamp"):
            return Observation(exists=False, message="its Deployment is gone")
        service = seen.services.get(names.address_name(self._site.lineage, ref.address))
        found = self._attributes(live, service)
        found["model"] = found["model"] if found["model"] in present else None
        known = ref.attributes.get("imageIds")
        if known is not None and found["image"] == ref.attributes.get("image"):
            running = images_of(live, seen.pods.get(token, ()))
            found["imageIds"] = known if set(running) <= set(known) else running
        return Observation(exists=True, attributes=found, message=self._words(ref, live, service, found))

    def _apply(self, order: DeploymentOrder) -> dict[str, Any]:
        manifest = deployment(self._site, order)
        values = self._secrets.resolve(order)
        self._volume.hold(order.address, order.token, order.model)
        labels = names.object_labels(self._site.lineage, order.address, names.DEPLOYMENT, order.token)
        self._secrets.put(order, labels, values)
        live = self._objects.apply("deployments", manifest, order.address)
        if order.replicas > 1:
            version = self._cluster.api_version("poddisruptionbudgets")
            self._objects.apply("poddisruptionbudgets", budget(self._site, order, version), order.address)
        else:
            self._objects.delete("poddisruptionbudgets", self._name(order))
        return live

    def _attributes(self, live: JsonObject, service: JsonObject | None) -> dict[str, Any]:
        """What is recorded of a revision, as it is now."""
        return {
            "endpoint": endpoint_of(self._cluster.namespace, live, service),
            "image": image_of(live),
            "model": model_of(live),
            "replicas": live["spec"].get("replicas", 1),
            "template": shape_of(live),
        }

    def _look_at_pods(self, live: JsonObject, token: str, wanted: int, view: View) -> Readiness:
        """Why a revision is not ready: the first pod that is in trouble, or that is waited for."""
        found = view.marked("pods", token)
        pods = [pod for pod in found if not pod["metadata"].get("deletionTimestamp") and runs_as(live, pod)]
        for pod in pods:
            trouble = pod_trouble(pod, self._patience.is_over(token, pod))
            if trouble:
                return Readiness(done=True, message=trouble)
        waiting = [pod for pod in pods if not _is_ready(pod)]
        ready = len(pods) - len(waiting)
        if not waiting:
            return Readiness(done=False, message=f"{ready} of {wanted} replicas are ready")
        events = last_events(view.events(waiting[0]["metadata"]["uid"]))
        why = "; ".join(filter(None, (waiting_for(waiting[0]), events)))
        return Readiness(done=False, message=f"{ready} of {wanted} replicas are ready: {why}")

    def _words(self, ref: ObjectRef, live: JsonObject, service: JsonObject | None, found: JsonObject) -> str:
        """What is wrong with a revision, in a few words."""
        recorded = ref.attributes
        told = []
        if recorded.get("endpoint") and not found["endpoint"] and found["replicas"]:
            name = names.address_name(self._site.lineage, ref.address)
            leads = "leads elsewhere" if service else "is gone"
            told.append(f"its Service {name} {leads}")
        if recorded.get("model") and not found["model"]:
            told.append(f"its model is no longer on the volume {self._site.settings.store.claim}")
        if "template" in recorded and found["template"] != recorded["template"]:
            told.append("its container was changed")
        if found.get("imageIds", recorded.get("imageIds")) != recorded.get("imageIds"):
            told.append(f"{found['image']} means another image now, and pods run it that was not verified")
        ready = live.get("status", {}).get("readyReplicas", 0)
        if ready < found["replicas"]:
            told.append(f"{ready} of {found['replicas']} replicas are ready")
        return "; ".join(told)

    def _name(self, order: DeploymentOrder) -> str:
        return names.object_name(self._site.lineage, order.address, order.token)


class Seen(Struct, frozen=True):
    """What bulk calls have found: Deployments and pods by the label of their token, Services by name."""

    deployments: Mapping[str, JsonObject]
    services: Mapping[str, JsonObject]
    pods: Mapping[str, Sequence[JsonObject]]


class _Ready(Struct, frozen=True):
    """A revision whose replicas are all ready: its live Deployment, and its pods."""

    live: JsonObject
    pods: Sequence[JsonObject]


def _is_ready(pod: JsonObject) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)

"""The Kubernetes provider: builds are Jobs, deployments are Deployments behind Services.

Everything goes through the API server, with the rights in docs/kubernetes-rbac.yaml. Objects are
found by their labels, so that a killed apply is taken up by the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from specr.address import Address
from specr.canonical import JsonObject
from specr.plan.observed import Observation, ProviderSchema
from specr.providers.kubernetes import names
from specr.providers.kubernetes.builds import Builds
from specr.providers.kubernetes.client import Cluster
from specr.providers.kubernetes.deployments import Deployments, Seen
from specr.providers.kubernetes.logs import read_logs
from specr.providers.kubernetes.lookout import Lookout
from specr.providers.kubernetes.objects import Objects
from specr.providers.kubernetes.pods import Site
from specr.providers.kubernetes.routing import Routing
from specr.providers.kubernetes.secrets import Secrets
from specr.providers.kubernetes.settings import KubernetesSettings
from specr.providers.kubernetes.transport import ask_revision
from specr.providers.kubernetes.volume import Volume
from specr.providers.protocol import (
    BuildOrder,
    DeploymentOrder,
    Order,
    Readiness,
    ScorerRequest,
    ScorerResponse,
)
from specr.providers.settings import ProviderContext, decode_settings
from specr.resources.catalog import BUILD
from specr.state.model import ObjectRef

_SCHEMA: Final = ProviderSchema(
    in_place=frozenset({"replicas", "labels", "endpoint"}),
    renewing=frozenset({"imageIds"}),
    secrets=frozenset({"env", "file", "secret"}),
)

_PATIENCE: Final = 60.0
"""Seconds that deleted objects get to be gone, beyond what their pods get to end."""

_PARTS: Final = ("deployments", "jobs", "poddisruptionbudgets")
"""Kinds of objects that make up a build or a deployment, beside Services and Secrets."""


def open_kubernetes(context: ProviderContext, settings: JsonObject) -> KubernetesProvider:
    """The provider for one project's objects in one namespace of a cluster."""
    return KubernetesProvider(context, decode_settings(KubernetesSettings, context, settings))


class KubernetesProvider:
    """Runs processors as Jobs and runtimes as Deployments.

    Attributes of a build: `digest`, `size` (bytes). Of a deployment: `endpoint` (the Service's URL
    inside the cluster; None without replicas and before promotion), `replicas`, `image`, `model` (the
    digest that it mounts), `template` (the digest of how its container runs), `imageIds` (of
    the images that its pods run).
    """

    def __init__(
        self, context: ProviderContext, settings: KubernetesSettings, cluster: Cluster | None = None
    ) -> None:
        """`cluster` is the way to the API server, by default the one that the settings tell."""
        site = Site(context.lineage, context.name, settings)
        self._cluster = cluster or Cluster(context.name, context.root, settings)
        self._labels = names.lineage_labels(context.lineage)
        self._objects = Objects(self._cluster, self._labels)
        self._volume = Volume(self._objects, site, context.store)
        self._secrets = Secrets(self._objects, site, context.root)
        self._builds = Builds(self._objects, site, self._volume, self._secrets, context.store)
        self._deployments = Deployments(self._objects, site, self._volume, self._secrets)
        self._routing = Routing(self._objects, site)
        self._lookout = Lookout(self._objects, self._labels)
        self._settings = settings

    @property
    def schema(self) -> ProviderSchema:
        """Facts about the provider."""
        return _SCHEMA

    def close(self) -> None:
        """Stop watching, and let go of connections to the cluster; the next call makes new ones."""
        self._lookout.close()
        self._cluster.close()

    def create(self, order: Order) -> JsonObject:
        """Start what is ordered, or adopt what has its token."""
        self._volume.helper.sweep()
        if isinstance(order, BuildOrder):
            return self._builds.create(order)
        return self._deployments.create(order)

    def readiness(self, ref: ObjectRef, order: Order) -> Readiness:
        """Whether the Job has ended, or all replicas are ready; and why not."""
        if isinstance(order, BuildOrder):
            return self._builds.readiness(ref, order, self._lookout)
        return self._deployments.readiness(ref, order, self._lookout)

    def await_change(self, ref: ObjectRef, seconds: float) -> None:
        """Wait until the cluster tells of a change of the object's Deployment, Job or pods."""
        self._lookout.await_change(ref.token, seconds)

    def promote(self, ref: ObjectRef, order: DeploymentOrder, previous: Sequence[ObjectRef]) -> JsonObject:  # noqa: ARG002 - the Service knows where it led
        """Lead the Service to the deployment; waits until nothing leads to the previous ones."""
        return self._deployments.promote(order)

    def update(self, ref: ObjectRef, order: DeploymentOrder) -> JsonObject:  # noqa: ARG002 - its token is in the order
        """Make Deployment, budget and Service what is ordered."""
        self._volume.helper.sweep()
        return self._deployments.update(order)

    def delete(self, ref: ObjectRef) -> None:
        """Remove all that was made with a token, and bytes that nothing else needs; waits for its end."""
        self._volume.helper.sweep()
        self._routing.leave(ref.token)
        found = [
            (resource, live) for resource in _PARTS for live in self._objects.marked(resource, ref.token)
        ]
        unfinished = self._may_be_unfinished(ref, found)
        for resource, live in found:
            self._objects.delete(resource, live["metadata"]["name"], foreground=True)
        self._secrets.delete(ref.token)
        named = [(resource, live["metadata"]["name"]) for resource, live in found]
        self._volume.release(ref.token, lambda: self._await_end(ref, named), unfinished=unfinished)

    def _may_be_unfinished(self, ref: ObjectRef, found: Sequence[tuple[str, JsonObject]]) -> bool:
        """Whether an object may have left something half done on the volume."""
        if any(resource == "deployments" for resource, _ in found):
            return False
        jobs = [live.get("status", {}) for resource, live in found if resource == "jobs"]
        began = any(status.get(key) for status in jobs for key in ("active", "succeeded", "failed"))
        return began or not jobs or bool(self._objects.marked("pods", ref.token))

    def _await_end(self, ref: ObjectRef, found: Sequence[tuple[str, str]]) -> None:
        """Wait until nothing of an object is left."""
        looks: list[tuple[str, Callable[[], bool]]] = [
            (name, partial(self._is_gone, resource, name)) for resource, name in found
        ]
        grace = self._settings.grace_seconds + self._settings.drain_seconds
        looks.append((f"pods of {ref.address}", self._objects.watch_pods_end(ref.token, grace)))
        self._objects.await_gone(looks, grace + _PATIENCE)

    def read(self, refs: Sequence[ObjectRef]) -> Mapping[Address, Observation]:
        """Observe: a list of Deployments, of Services, of pods; a look at the claim and at its index."""
        if not refs:
            return {}
        present = self._volume.present()
        seen = self._see([ref for ref in refs if ref.address.kind != BUILD])
        return {
            ref.address: self._builds.observe(ref, present)
            if ref.address.kind == BUILD
            else self._deployments.observe(ref, seen, present)
            for ref in refs
        }

    def _see(self, refs: Sequence[ObjectRef]) -> Seen:
        """What there is of deployments; pods only where it is known what they should run."""
        labels = names.as_query({**self._labels, names.KIND: names.DEPLOYMENT})
        deployments = self._cluster.list("deployments", labels) if refs else []
        services = self._cluster.list("services", labels) if refs else []
        pods = defaultdict(list)
        if any(ref.attributes.get("imageIds") for ref in refs):
            for pod in self._cluster.list("pods", labels):
                pods[pod["metadata"]["labels"].get(names.TOKEN, "")].append(pod)
        return Seen(
            {one["metadata"]["labels"].get(names.TOKEN, ""): one for one in deployments},
            {one["metadata"]["name"]: one for one in services},
            pods,
        )

    def request(self, ref: ObjectRef, request: ScorerRequest) -> ScorerResponse:
        """Ask a pod of the deployment, promoted or not."""
        return ask_revision(self._objects, ref, request)

    def logs(self, ref: ObjectRef, *, tail: int | None = None) -> Sequence[str]:
        """What the object's pods have printed, as far as the nodes have kept it."""
        return read_logs(self._objects, self._secrets, ref.token, tail)

    def _is_gone(self, resource: str, name: str) -> bool:
        return self._cluster.get(resource, name) is None

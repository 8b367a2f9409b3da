"""From orders to manifests. Pure: the same order gives the same JSON, and no secret's value is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from specr.canonical import JsonObject, digest_of
from specr.providers.kubernetes import names
from specr.providers.kubernetes.pods import (
    VOLUME,
    Site,
    container,
    metadata,
    mover,
    pod_spec,
    resources,
    variables,
)
from specr.providers.kubernetes.trouble import no_image
from specr.providers.protocol import BuildOrder, DeploymentOrder

RUNTIME: Final = "runtime"
PROCESSOR: Final = "processor"
COLLECTOR: Final = "collect"
"""Names of containers."""

PORT: Final = 8080
"""Where runtimes listen."""

SERVICE_PORT: Final = 80
"""Where Services listen, unless the deployment says otherwise."""

_MODEL: Final = "/specr/model"
_SOURCE: Final = "/specr/source"
_TARGET: Final = "/specr/target"
_OUTPUT: Final = f"{_TARGET}/output"
_SCRATCH: Final = {"name": "target", "mountPath": _TARGET}
"""Where a processor writes, and the collector reads."""

_DEFAULTS: Final = {"HOME": "/tmp"}  # noqa: S108 - inside the container; the user has no home there
_ADDRESS_TEXT: Final = "specr.dev/address-text"
_MODEL_ID: Final = "specr.dev/model-id"
_LABEL_PREFIX: Final = "specr.dev/"


def deployment(site: Site, order: DeploymentOrder) -> dict[str, Any]:
    """The Deployment of one revision."""
    settings = site.settings
    own = names.object_labels(site.lineage, order.address, names.DEPLOYMENT, order.token)
    labels = {**_user_labels(order.labels), **own}
    notes = {_ADDRESS_TEXT: str(order.address), _MODEL_ID: order.model_id}
    pod = {
        **pod_spec(site, [_runtime(site, order)]),
        "terminationGracePeriodSeconds": settings.grace_seconds + settings.drain_seconds,
    }
    name = names.object_name(site.lineage, order.address, order.token)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(site, name, labels, notes),
        "spec": {
            "replicas": order.replicas,
            "revisionHistoryLimit": 1,
            "progressDeadlineSeconds": max(order.readiness_timeout, 60),
            "selector": {"matchLabels": names.pod_selector(site.lineage, order.token)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": _template(site, labels, notes, pod),
        },
    }


def _runtime(site: Site, order: DeploymentOrder) -> dict[str, Any]:
    """The container that serves the model."""
    if order.image is None:
        raise no_image(order.address, RUNTIME)
    settings = site.settings
    model = {"name": VOLUME, "mountPath": _MODEL, "subPath": site.content(order.model), "readOnly": True}
    runtime = container(RUNTIME, order.image, order.command, settings.image_pull_policy, [model])
    runtime |= {
        "env": variables(
            order.env,
            {"MODEL_PATH": _MODEL, "MODEL_ID": order.model_id, "PORT": str(PORT)},
            names.secret_name(site.lineage, order.token),
            _DEFAULTS,
        ),
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        "resources": resources(order.resources),
        "readinessProbe": {
            "httpGet": {"path": order.readiness_path, "port": PORT, "scheme": "HTTP"},
            "periodSeconds": 1,
            "timeoutSeconds": 2,
            "failureThreshold": 3,
        },
    }
    if settings.drain_seconds:
        # Where the image has no `sleep` the hook fails, and the runtime is asked to end at once.
        runtime["lifecycle"] = {"preStop": {"exec": {"command": ["sleep", str(settings.drain_seconds)]}}}
    return runtime


def _template(
    site: Site, labels: Mapping[str, str], notes: Mapping[str, str], pod: JsonObject
) -> dict[str, Any]:
    """The template of pods, which bear the labels and annotations of what makes them."""
    return {
        "metadata": {
            "labels": {**site.settings.labels, **labels},
            "annotations": {**site.settings.annotations, **notes},
        },
        "spec": pod,
    }


def service(site: Site, order: DeploymentOrder, previous: str) -> dict[str, Any]:
    """The Service of an address, leading to one revision.

    `previous` is the token of the revision that it led to before, or "".
    """
    own = names.object_labels(site.lineage, order.address, names.DEPLOYMENT, order.token)
    labels = {**_user_labels(order.labels), **own}
    notes = {_ADDRESS_TEXT: str(order.address), names.PREVIOUS: previous}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(site, names.address_name(site.lineage, order.address), labels, notes),
        "spec": {
            "type": "ClusterIP",
            "selector": names.pod_selector(site.lineage, order.token),
            # The protocol is a default, but server-side apply in older clusters needs it written out.
            "ports": [
                {"name": "http", "port": order.port or SERVICE_PORT, "targetPort": PORT, "protocol": "TCP"}
            ],
        },
    }


def budget(site: Site, order: DeploymentOrder, api_version: str) -> dict[str, Any]:
    """The PodDisruptionBudget of one revision: one pod may be away at a time."""
    labels = names.object_labels(site.lineage, order.address, names.DEPLOYMENT, order.token)
    name = names.object_name(site.lineage, order.address, order.token)
    return {
        "apiVersion": api_version,
        "kind": "PodDisruptionBudget",
        "metadata": metadata(site, name, labels, {_ADDRESS_TEXT: str(order.address)}),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": names.pod_selector(site.lineage, order.token)},
        },
    }


def job(site: Site, order: BuildOrder, script: str) -> dict[str, Any]:
    """The Job of a build: the processor, and after it the collector, which measures what it wrote.

    The pod keeps the time limit, not the Job: a Job that is late removes its pods, and their logs.
    """
    labels = names.object_labels(site.lineage, order.address, names.BUILD, order.token)
    notes = {_ADDRESS_TEXT: str(order.address)}
    collector, processor = _collector(site, order, script), _processor(site, order)
    pod = {
        **pod_spec(site, [collector], scratch=(_SCRATCH["name"],), first=[processor]),
        "restartPolicy": "Never",
        "activeDeadlineSeconds": order.timeout,
        "terminationGracePeriodSeconds": 1,
    }
    name = names.object_name(site.lineage, order.address, order.token)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(site, name, labels, notes),
        "spec": {"backoffLimit": 0, "template": _template(site, labels, notes, pod)},
    }


def _processor(site: Site, order: BuildOrder) -> dict[str, Any]:
    """The container that turns the artifact into what a runtime loads."""
    if order.image is None:
        raise no_image(order.address, PROCESSOR)
    source = {"name": VOLUME, "mountPath": _SOURCE, "subPath": site.content(order.source), "readOnly": True}
    policy = site.settings.image_pull_policy
    processor = container(PROCESSOR, order.image, order.command, policy, [source, _SCRATCH])
    processor["env"] = variables(
        order.env,
        {"SOURCE_PATH": _SOURCE, "TARGET_PATH": _OUTPUT},
        names.secret_name(site.lineage, order.token),
        _DEFAULTS,
    )
    processor["resources"] = resources(order.resources)
    return processor


def _collector(site: Site, order: BuildOrder, script: str) -> dict[str, Any]:
    """The container that measures the output, and brings it to its place on the volume."""
    command = ("sh", "-c", script, "specr", "collect", _OUTPUT, staging_for(order.token))
    return mover(site, COLLECTOR, command, [_SCRATCH])


def staging_for(token: str) -> str:
    """The folder on the volume where an object's bytes are put together."""
    return hashlib.sha256(token.encode()).hexdigest()[:20]


def image_of(live: JsonObject) -> str:
    """The image that a live Deployment runs."""
    return str(_runtime_of(live).get("image", ""))


def images_of(live: JsonObject, pods: Iterable[JsonObject]) -> list[str]:
    """The ids of the images that pods of a live Deployment run, by their nodes' word."""
    found = {
        str(one.get("imageID", ""))
        for pod in pods
        if runs_as(live, pod) and not pod["metadata"].get("deletionTimestamp")
        for one in pod.get("status", {}).get("containerStatuses") or ()
        if one.get("name") == RUNTIME
    }
    return sorted(found - {""})


def shape_of(live: JsonObject) -> str:
    """The digest of how a live Deployment runs its image: what else a hand could change of it."""
    runtime = _runtime_of(live)
    kept = ("command", "args", "env", "envFrom", "resources", "readinessProbe")
    mounts = [
        {key: mount.get(key) for key in ("name", "mountPath", "subPath", "readOnly")}
        for mount in runtime.get("volumeMounts", ())
    ]
    return digest_of({**{key: runtime.get(key) for key in kept}, "mounts": mounts})


def model_of(live: JsonObject) -> str | None:
    """The digest of the model that a live Deployment mounts."""
    for mount in _runtime_of(live).get("volumeMounts", ()):
        if mount.get("mountPath") == _MODEL and "subPath" in mount:
            return names.digest_from(str(mount["subPath"]).split("/")[-2])
    return None


def runs_as(live: JsonObject, pod: JsonObject) -> bool:
    """Whether a pod runs what its Deployment now says; if not, another is on its way to replace it."""
    wanted, found = _runtime_of(live), _named(pod["spec"]["containers"])
    return all(wanted.get(key) == found.get(key) for key in ("image", "command", "args", "env"))


def _runtime_of(live: JsonObject) -> JsonObject:
    return _named(live.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ()))


def _named(containers: Iterable[JsonObject]) -> JsonObject:
    found: JsonObject = next((one for one in containers if one.get("name") == RUNTIME), {})
    return found


def _user_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The user's labels, made fit; those with specr's own prefix are left out."""
    return {
        name: names.label_value(value) if value else ""
        for name, value in labels.items()
        if not name.startswith(_LABEL_PREFIX) and name != names.MANAGED_BY
    }

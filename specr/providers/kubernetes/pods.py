"""Parts of pods that builds, deployments and helpers share. Pure: values in, JSON out.

Every pod here passes the `restricted` pod security standard.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from specr.canonical import JsonObject
from specr.providers.kubernetes import names
from specr.providers.kubernetes.settings import KubernetesSettings
from specr.resources.base import NONE
from specr.resources.compute import Amounts, Compute, Environment, SecretKey

VOLUME: Final = "bytes"
"""The name of the volume that is the claim, inside pods."""

_MOUNT: Final = "/volume"
_TMP: Final = "tmp"

_SMALL: Final = {
    "requests": {"cpu": "50m", "memory": "64Mi"},
    "limits": {"cpu": "1", "memory": "256Mi"},
}
"""What moving bytes takes; written out, for namespaces where quotas ask for it."""


class Site(Struct, frozen=True):
    """Where objects go and whose they are: lineage, the provider's name, its settings."""

    lineage: str
    provider: str
    settings: KubernetesSettings

    def content(self, digest: str) -> str:
        """Where content lies on the claim."""
        return names.content_path(self.lineage, self.provider, digest)


def literal(text: str) -> str:
    """A text that reaches a container as it is: Kubernetes expands `$(NAME)` in commands and variables."""
    return text.replace("$", "$$")


def metadata(
    site: Site, name: str, labels: Mapping[str, str], annotations: Mapping[str, str]
) -> dict[str, Any]:
    """Name, labels and annotations; the settings' own never replace those that specr needs."""
    return {
        "name": name,
        "labels": {**site.settings.labels, **labels},
        "annotations": {**site.settings.annotations, **annotations},
    }


def variables(
    env: Environment, own: Mapping[str, str], secret: str, defaults: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Environment variables of a container.

    Args:
        env: the user's; secrets among them become references, never values.
        own: specr's own, which win.
        secret: the Secret that holds the values which specr reads itself.
        defaults: set unless the user sets them.
    """
    found: dict[str, dict[str, Any]] = {name: {"value": literal(text)} for name, text in defaults.items()}
    for name, value in env.items():
        if isinstance(value, str):
            found[name] = {"value": literal(value)}
            continue
        key = value.value_from.secret or SecretKey(name=secret, key=name)
        found[name] = {"valueFrom": {"secretKeyRef": {"name": key.name, "key": key.key}}}
    found |= {name: {"value": literal(text)} for name, text in own.items()}
    return [{"name": name, **entry} for name, entry in sorted(found.items())]


def container(
    name: str, image: str, command: Sequence[str], policy: str, mounts: Sequence[JsonObject]
) -> dict[str, Any]:
    """A container without rights, with a read-only root and a /tmp."""
    made: dict[str, Any] = {
        "name": name,
        "image": image,
        "imagePullPolicy": policy,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [*mounts, {"name": _TMP, "mountPath": "/tmp"}],  # noqa: S108 - inside the container
    }
    if command:
        made["command"] = [literal(part) for part in command]
    return made


def mover(site: Site, name: str, command: Sequence[str], mounts: Sequence[JsonObject]) -> dict[str, Any]:
    """A container that moves bytes on the claim, with the volume's script."""
    made = container(
        name,
        site.settings.helper_image,
        command,
        site.settings.image_pull_policy,
        [{"name": VOLUME, "mountPath": _MOUNT}, *mounts],
    )
    folder = f"{_MOUNT}/{names.volume_folder(site.lineage, site.provider)}"
    return {**made, "env": [{"name": "SPECR_FOLDER", "value": folder}], "resources": _SMALL}


def resources(compute: Compute) -> dict[str, Any]:
    """Requests and limits, as far as they are given."""
    found = {"requests": _amounts(compute.requests), "limits": _amounts(compute.limits)}
    return {key: amounts for key, amounts in found.items() if amounts}


def pod_spec(
    site: Site,
    containers: Sequence[JsonObject],
    *,
    scratch: Sequence[str] = (),
    first: Sequence[JsonObject] = (),
) -> dict[str, Any]:
    """The spec of a pod: settings, security, the claim and a /tmp.

    Args:
        site: whose it is.
        containers: those that make up the pod.
        scratch: names of further folders that live as long as the pod.
        first: containers that run before the others, one by one.
    """
    spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": _security(site.settings.run_as_user),
        "containers": list(containers),
        "volumes": [
            # Read-only by mount, not as a whole: some drivers attach a disk in one way only.
            {"name": VOLUME, "persistentVolumeClaim": {"claimName": site.settings.store.claim}},
            *({"name": name, "emptyDir": {}} for name in (_TMP, *scratch)),
        ],
    }
    if first:
        spec["initContainers"] = list(first)
    return {**spec, **_chosen(site.settings)}


def _security(user: int) -> dict[str, Any]:
    """What the `restricted` standard asks of pods. The claim's files belong to the user, too."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _chosen(settings: KubernetesSettings) -> dict[str, Any]:
    """What the settings say of pods, without what they leave open."""
    chosen: dict[str, Any] = {
        "serviceAccountName": settings.service_account,
        "imagePullSecrets": [{"name": name} for name in settings.image_pull_secrets],
        "nodeSelector": dict(settings.node_selector),
        "tolerations": list(settings.tolerations),
        "affinity": dict(settings.affinity),
    }
    return {key: value for key, value in chosen.items() if value}


def secret(site: Site, token: str, labels: Mapping[str, str], values: Mapping[str, str]) -> dict[str, Any]:
    """The Secret with the values that specr reads for one object."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(site, names.secret_name(site.lineage, token), labels, {}),
        "type": "Opaque",
        "data": {name: base64.b64encode(value.encode()).decode() for name, value in sorted(values.items())},
    }


def helper_pod(site: Site, name: str, script: str, seconds: int) -> dict[str, Any]:
    """A pod that waits for commands on the claim, and ends by itself after so many seconds."""
    wait = f"trap 'exit 0' TERM INT; sleep {seconds} & wait"
    work = mover(site, "helper", ("sh", "-c", wait), ())
    work["env"].append({"name": "SPECR_SCRIPT", "value": literal(script)})
    labels = {**names.lineage_labels(site.lineage), names.KIND: names.BYTES}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(site, name, labels, {}),
        "spec": {
            **pod_spec(site, [work]),
            "restartPolicy": "Never",
            "activeDeadlineSeconds": seconds,
            "terminationGracePeriodSeconds": 1,
        },
    }


def volume_claim(site: Site) -> dict[str, Any]:
    """The claim that specr makes where it is told a size."""
    store = site.settings.store
    labels = {**names.lineage_labels(site.lineage), names.KIND: names.BYTES}
    spec: dict[str, Any] = {
        "accessModes": [store.access_mode],
        "resources": {"requests": {"storage": store.size}},
    }
    if store.storage_class is not None:
        spec["storageClassName"] = store.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(site, store.claim, labels, {}),
        "spec": spec,
    }


def _amounts(amounts: Amounts) -> dict[str, str]:
    return amounts.dump(omit=NONE)

"""What a provider of type `kubernetes` can be told. Nothing here talks to a cluster."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, field

from specr.resources.base import Filled, Part, form
from specr.resources.compute import Image, Quantity

UNPRIVILEGED: Final = 65532
"""The user and group that pods run as by default: nobody's, in no image's password file."""

ObjectName = Annotated[
    str,
    form(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253),
]
"""A name that Kubernetes takes for objects."""

NamespaceName = Annotated[str, form(r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=63)]


class VolumeStore(Part, frozen=True, kw_only=True):
    """Bytes on a volume claim, which builds and deployments mount."""

    type: Literal["volume"]
    """`volume`, so far the only one."""

    claim: ObjectName
    """The persistent volume claim. Several projects may share one."""

    size: Quantity | None = None
    """Makes the claim with this size if it is not there, and removes it after the last object."""

    storage_class: ObjectName | None = None
    """The storage class of a claim that specr makes; left out, the cluster's default."""

    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = "ReadWriteMany"
    """The access mode of a claim that specr makes. ReadWriteOnce binds all pods to one node."""

    checked: bool = False
    """Look at the volume itself, through a short-lived pod, whenever objects are observed."""


class KubernetesSettings(Part, frozen=True, kw_only=True):
    """Settings of a provider of type `kubernetes`."""

    store: VolumeStore = field(default_factory=lambda: VolumeStore(type="volume", claim="specr", size="1Gi"))
    """Where sources, models and outputs lie. Default: `{type: volume, claim: specr, size: 1Gi}`."""

    kubeconfig: Filled | None = None
    """The kubeconfig file, relative to the project; left out, as kubectl finds it, or that of the pod."""

    context: Filled | None = None
    """A context of the kubeconfig; left out, the current one."""

    namespace: NamespaceName | None = None
    """The namespace; left out, that of the context."""

    service_account: ObjectName | None = None
    """The service account of builds and deployments. Its token is not mounted."""

    image_pull_secrets: tuple[ObjectName, ...] = ()
    """Secrets with the credentials of registries."""

    image_pull_policy: Literal["IfNotPresent", "Always", "Never"] = "IfNotPresent"
    """When nodes pull images."""

    helper_image: Image = "busybox:1"
    """An image with a shell and the usual small tools; it moves bytes on the volume."""

    node_selector: dict[str, str] = field(default_factory=dict)
    """Labels that nodes must have."""

    tolerations: tuple[dict[str, Any], ...] = ()
    """Taints that pods tolerate, as Kubernetes writes them."""

    affinity: dict[str, Any] = field(default_factory=dict)
    """Rules for the choice of nodes, as Kubernetes writes them."""

    labels: dict[str, str] = field(default_factory=dict)
    """Further labels of all objects."""

    annotations: dict[str, str] = field(default_factory=dict)
    """Further annotations of all objects."""

    run_as_user: Annotated[int, Meta(ge=1, le=2**31 - 1)] = UNPRIVILEGED
    """The user, group and owner of files that pods run as; never root."""

    grace_seconds: Annotated[int, Meta(ge=1, le=3600)] = 30
    """Seconds that a runtime gets to end after SIGTERM."""

    drain_seconds: Annotated[int, Meta(ge=0, le=300)] = 2
    """Seconds that an old runtime serves on after callers were led to the new one."""

    scheduling_seconds: Annotated[int, Meta(ge=0, le=86400)] = 10
    """Seconds that a pod may wait for a node; more where an autoscaler brings nodes."""

"""What a cluster refuses, told so that people can mend it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from specr.address import Address
from specr.canonical import JsonObject
from specr.diagnostics import Diagnostic
from specr.providers.protocol import ProviderError

ROLE: str = "docs/kubernetes-rbac.yaml"
"""Where the rights that specr needs are listed."""


_ANONYMOUS: Final = "system:anonymous"
"""Whom a cluster takes for somebody without credentials, where it lets such people in."""


class RefusedError(ProviderError):
    """The API server has refused a call for good. `status` is HTTP's; `reason` is the server's word."""

    def __init__(self, diagnostic: Diagnostic, status: int, reason: str, body: JsonObject) -> None:
        super().__init__(diagnostic)
        self.status = status
        self.reason = reason
        self.body = body

    @property
    def message(self) -> str:
        """What the server says."""
        return str(self.body.get("message", ""))


def refusal(method: str, path: str, status: int, body: JsonObject) -> RefusedError:
    """An answer that is no success, and that would be the same another time."""
    reason = str(body.get("reason", ""))
    message = str(body.get("message") or f"HTTP status {status}").rstrip(".")
    asked = f"The cluster's answer to {method} {path}: {message}."
    if status == 401 or _ANONYMOUS in message:
        summary = "Not known to the cluster"
        remedy = (
            "Check the credentials in the kubeconfig: a token may have run out, a plug-in may have failed."
        )
    elif "exceeded quota" in message:
        summary, remedy = "Quota of the namespace used up", "Free some of it, raise it, or ask for less."
    elif status == 403:
        summary = "Not permitted by the cluster"
        remedy = f"Give the account that specr uses the role in {ROLE}."
    elif status == 404 and 'namespaces "' in message:
        summary = "Namespace not found"
        remedy = "Create it, or correct the provider's setting namespace."
    else:
        summary = "Refused by the cluster"
        remedy = "Correct what the message names, in the specs or in the provider's settings."
    return RefusedError(Diagnostic(summary, asked, remedy), status, reason, body)


def no_configuration(name: str, why: str) -> ProviderError:
    """No cluster can be told from the kubeconfig."""
    return ProviderError(
        Diagnostic(
            "No cluster configured",
            f"The provider {name} does not know which cluster to talk to: {why.rstrip('.')}.",
            "Set KUBECONFIG, or the provider's settings kubeconfig and context; "
            "`kubectl config get-contexts` lists what there is.",
            path=("spec", "providers", name),
        ),
    )


def no_client(error: ImportError) -> ProviderError:
    """The official client is not installed."""
    return ProviderError(
        Diagnostic(
            "Kubernetes client not installed",
            f"A provider of type kubernetes needs the Python package kubernetes: {error}.",
            "Install it where specr is installed: pip install 'kubernetes>=31' 'urllib3>=2.3'.",
        ),
    )


def no_image(address: Address, what: str) -> ProviderError:
    """There is nothing that a cluster could run."""
    return ProviderError(
        Diagnostic(
            "Nothing to run",
            f"{address} is to run on a provider of type kubernetes, which runs images; "
            f"its {what} names none.",
            f"Set spec.image of the {what}.",
            address=address,
        ),
    )


def foreign(kind: str, name: str, address: Address | None) -> ProviderError:
    """An object with the name that is needed belongs to somebody else."""
    return ProviderError(
        Diagnostic(
            "Object belongs to somebody else",
            f"There is a {kind} {name} in the namespace already, which specr has not made for this project.",
            f"Remove it (kubectl delete {kind.lower()} {name}), or use another namespace.",
            address=address,
        ),
    )


def owned_fields(
    kind: str, name: str, conflicts: Sequence[tuple[str, str]], address: Address | None
) -> ProviderError:
    """Fields that are to be set are owned by other field managers: pairs of manager and field."""
    told = "; ".join(f"{field} is owned by {manager}" for manager, field in conflicts)
    return ProviderError(
        Diagnostic(
            "Fields owned by another manager",
            f"The {kind} {name} is not changed, since others have a say in it: {told}.",
            "Let the other manager give the fields up, or let it have them and take the setting out "
            f"of the specs, or delete the object (kubectl delete {kind.lower()} {name}): the next apply "
            "makes it anew.",
            address=address,
        ),
    )


def gone(address: Address) -> ProviderError:
    """What is to be changed is not there."""
    return ProviderError(
        Diagnostic(
            "Deployment gone",
            f"The Deployment of {address} is no longer in the cluster.",
            "Run specr apply again: it makes a new one.",
            address=address,
        ),
    )


def no_claim(name: str, namespace: str) -> ProviderError:
    """The volume claim is not there, and specr was not told to make it."""
    return ProviderError(
        Diagnostic(
            "Volume claim not found",
            f"The namespace {namespace} has no persistent volume claim {name}, where bytes are to lie.",
            "Create it, correct the setting store.claim, or let specr create it by setting store.size.",
        ),
    )


def no_bytes(address: Address, digest: str) -> ProviderError:
    """Content is neither on the volume nor in the store."""
    return ProviderError(
        Diagnostic(
            "Bytes missing",
            f"{address} needs {digest}, which is neither on the volume nor in the store.",
            "Run specr plan again: it notices what is missing, and brings it back.",
            address=address,
        ),
    )


def helper_failed(name: str, why: str) -> ProviderError:
    """The pod that moves bytes does not come up."""
    return ProviderError(
        Diagnostic(
            "Helper pod does not start",
            f"The pod {name}, which moves bytes to and from the volume, is not ready: {why}.",
            "Check the settings helperImage and store, and the claim (kubectl describe pvc).",
        ),
    )


def volume_failed(what: str, output: str) -> ProviderError:
    """The script in the helper pod has failed."""
    return ProviderError(
        Diagnostic(
            "Volume can't be used",
            f"It was not possible to {what} on the volume: {output or 'nothing was said'}.",
            "Check the space on the volume, and that the user in the setting runAsUser may write to it.",
        ),
    )


def still_there(names: Sequence[str], seconds: float) -> ProviderError:
    """Objects were deleted, and won't go."""
    return ProviderError(
        Diagnostic(
            "Objects won't go",
            f"{', '.join(names)} were deleted {seconds:g} s ago and are still there.",
            "Look for finalizers and for nodes that are down (kubectl get pods -o wide), then apply again.",
        ),
    )

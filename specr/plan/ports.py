"""Fixed ports that several deployments ask for, where only one can have them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from specr.diagnostics import Diagnostic, Path
from specr.plan.observed import ProviderSchema
from specr.resources.deployment import Deployment
from specr.spec.model import Specs

_PORT: Final[Path] = ("spec", "endpoint", "port")


def check_ports(specs: Specs, schema_of: Callable[[str], ProviderSchema]) -> tuple[Diagnostic, ...]:
    """Deployments that ask for the fixed port of another at the same provider.

    `schema_of` tells of a provider by its name; it is asked only about those where a port is
    asked for twice.
    """
    first: dict[tuple[str, int], Deployment] = {}
    found = []
    for provider, port, deployment in _asked(specs):
        holder = first.setdefault((provider, port), deployment)
        if holder is not deployment and schema_of(provider).gap_on_fixed_port:
            found.append(_taken(specs, provider, port, holder, deployment))
    return tuple(found)


def _asked(specs: Specs) -> Iterator[tuple[str, int, Deployment]]:
    """Provider and fixed port of every deployment that runs and has one, as the files have them."""
    asking = [
        (port, resource)
        for resource in specs.resources.values()
        if isinstance(resource, Deployment)
        and (port := resource.endpoint.port) is not None
        and resource.replicas
    ]
    for port, deployment in sorted(asking, key=lambda item: _order(specs, item[1])):
        yield deployment.provider or specs.project.default_provider, port, deployment


def _order(specs: Specs, deployment: Deployment) -> tuple[str, int]:
    origin = specs.origins[deployment.address]
    return origin.file, origin.document


def _taken(specs: Specs, provider: str, port: int, holder: Deployment, deployment: Deployment) -> Diagnostic:
    return Diagnostic(
        "Fixed port is asked for twice",
        f"{deployment.address} asks for port {port} at the provider {provider}, as does {holder.address}"
        f"{_place(specs, holder)}: one port can't have two listeners.",
        "Give each its own port, or leave `endpoint.port` out for a free one.",
        address=deployment.address,
        path=_PORT,
    )


def _place(specs: Specs, holder: Deployment) -> str:
    """Where the port of the first is written, as the rest of a sentence."""
    span = specs.locate(Diagnostic("", "", address=holder.address, path=_PORT)).span
    return f" in {span.file}, line {span.line}" if span else ""

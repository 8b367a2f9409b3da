"""Routes: artifact -> processor -> model type -> runtime, found from what is declared.

A deployment names a model version; specr finds the way from its artifacts to a runtime.
No way, or several with nothing to choose between them, is an error that lists what there is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, TypeVar

from msgspec import Struct

from specr.diagnostics import Diagnostic, Severity, did_you_mean
from specr.resources.artifact import Artifact
from specr.resources.base import Resource
from specr.resources.deployment import Deployment
from specr.resources.types import ArtifactType, ModelType, Processor, Runtime

_T = TypeVar("_T")

_SLIP: Final = 0.8
"""How alike two types are of which one is the other misspelt."""


class Route(Struct, frozen=True):
    """One way from an artifact to a runtime."""

    artifact: Artifact
    processor: Processor
    runtime: Runtime

    def __str__(self) -> str:
        return f"{self.artifact.address} -> {self.processor.address} -> {self.runtime.address}"


def _group(pairs: Iterable[tuple[str, _T]]) -> dict[str, tuple[_T, ...]]:
    groups: dict[str, list[_T]] = defaultdict(list)
    for key, item in pairs:
        groups[key].append(item)
    return {key: tuple(items) for key, items in groups.items()}


class Catalogue(Struct, frozen=True):
    """Everything declared that routes are made of, by what leads to it."""

    artifacts: Mapping[str, tuple[Artifact, ...]]
    """By experiment."""
    deployable: Mapping[str, tuple[str, ...]]
    """Names of ArtifactTypes by the artifact type that they take up."""
    processors: Mapping[str, tuple[Processor, ...]]
    """By name of ArtifactType."""
    runtimes: Mapping[str, tuple[Runtime, ...]]
    """By name of ModelType."""
    runtime_hints: Mapping[str, str]
    """How to come by a runtime, by name of ModelType, where that tells."""

    @classmethod
    def of(cls, resources: Iterable[Resource]) -> Catalogue:
        """Index the resources, each list in the order of names."""
        ordered = sorted(resources, key=lambda r: r.address)
        return cls(
            artifacts=_group((r.experiment, r) for r in ordered if isinstance(r, Artifact)),
            deployable=_group((r.artifact_type, r.name) for r in ordered if isinstance(r, ArtifactType)),
            processors=_group((r.artifact_type, r) for r in ordered if isinstance(r, Processor)),
            runtimes=_group((r.model_type, r) for r in ordered if isinstance(r, Runtime)),
            runtime_hints={
                r.name: r.runtime_hint for r in ordered if isinstance(r, ModelType) and r.runtime_hint
            },
        )

    def routes(self, experiment: str) -> tuple[Route, ...]:
        """Every way from one of the experiment's artifacts to a runtime."""
        return tuple(
            Route(artifact, processor, runtime)
            for artifact in self.artifacts.get(experiment, ())
            for type_name in self.deployable.get(artifact.type, ())
            for processor in self.processors.get(type_name, ())
            for runtime in self.runtimes.get(processor.model_type, ())
        )


def find_route(deployment: Deployment, experiment: str, catalogue: Catalogue) -> Route | Diagnostic:
    """The one way that the deployment can go, or what stands against it."""
    routes = catalogue.routes(experiment)
    fitting = tuple(route for route in routes if _fits(deployment, route))
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        return _ambiguous(deployment, experiment, fitting)
    return _no_route(deployment, experiment, routes, catalogue)


def _fits(deployment: Deployment, route: Route) -> bool:
    wanted = (deployment.artifact, deployment.processor, deployment.runtime)
    found = (route.artifact.name, route.processor.name, route.runtime.name)
    return all(want in (None, name) for want, name in zip(wanted, found, strict=True))


def _ambiguous(deployment: Deployment, experiment: str, fitting: tuple[Route, ...]) -> Diagnostic:
    choices = [
        field
        for field in ("artifact", "processor", "runtime")
        if len({getattr(route, field).name for route in fitting}) > 1
    ]
    return Diagnostic(
        "Ambiguous route from artifact to runtime",
        f"{deployment.address} deploys experiment/{experiment}, and {len(fitting)} routes fit: "
        + "; ".join(map(str, fitting)),
        f"Choose one by setting {' or '.join(f'spec.{field}' for field in choices)} in the deployment.",
        address=deployment.address,
        path=("spec",),
    )


def _no_route(
    deployment: Deployment, experiment: str, routes: tuple[Route, ...], catalogue: Catalogue
) -> Diagnostic:
    summary = "No route from artifact to runtime"
    if routes:
        named = [f for f in ("artifact", "processor", "runtime") if getattr(deployment, f) is not None]
        asked = " and ".join(f"{field}/{getattr(deployment, field)}" for field in named)
        return Diagnostic(
            summary,
            f"{deployment.address} asks for {asked}. No route has that; "
            f"there is: {'; '.join(map(str, routes))}.",
            f"Change or leave out {' or '.join(f'spec.{field}' for field in named)}.",
            address=deployment.address,
            path=("spec", named[0]),
        )
    where, remedy = _break_in_the_chain(experiment, catalogue)
    return Diagnostic(
        summary,
        f"{deployment.address} deploys experiment/{experiment}. {where}",
        remedy,
        address=deployment.address,
        path=("spec", "model"),
    )


def _break_in_the_chain(experiment: str, catalogue: Catalogue) -> tuple[str, str]:
    """Say in sentences where the way ends: at the experiment, an artifact's type, or a model type."""
    artifacts = catalogue.artifacts.get(experiment, ())
    if not artifacts:
        return "No Artifact belongs to it.", f"Declare an Artifact with `experiment: {experiment}`."
    types = sorted({a.type for a in artifacts})
    names = [name for text in types for name in catalogue.deployable.get(text, ())]
    if not names:
        return _no_artifact_type(artifacts, types, catalogue)
    processors = [p for name in names for p in catalogue.processors.get(name, ())]
    if not processors:
        return (
            f"Its artifact is taken up by {_either('artifacttype', names)}, for which there is no Processor.",
            f"Declare a Processor with `artifactType: {names[0]}`.",
        )
    produced = sorted({p.model_type for p in processors})
    hints = [catalogue.runtime_hints[name] for name in produced if name in catalogue.runtime_hints]
    made_by = _either("processor", sorted({p.name for p in processors}))
    return (
        f"Its artifact becomes {_either('modeltype', produced)}, by {made_by}. No Runtime digests that.",
        " ".join([f"Declare a Runtime with `modelType: {produced[0]}`.", *hints]),
    )


def _no_artifact_type(
    artifacts: tuple[Artifact, ...], types: list[str], catalogue: Catalogue
) -> tuple[str, str]:
    """No ArtifactType takes up what the experiment has."""
    have = " and ".join(f"{artifact.address} of type {artifact.type}" for artifact in artifacts)
    known = sorted(catalogue.deployable)
    meant = next(filter(None, (did_you_mean(text, known) for text in types)), "")
    return (
        f"It has {have}. "
        + (
            f"The declared ArtifactTypes take up {', '.join(known)}."
            if known
            else "No ArtifactType is declared."
        ),
        meant
        or f"Add the pack that knows this type to the project's `packs`, or declare an ArtifactType with "
        f"`artifactType: {types[0]}`.",
    )


def _either(kind: str, names: list[str]) -> str:
    return " or ".join(f"{kind}/{name}" for name in names)


def misspelt_types(catalogue: Catalogue, deployed: AbstractSet[str]) -> Iterator[Diagnostic]:
    """Warnings of artifacts whose type is nearly one that is taken up, but for experiments deployed.

    An artifact may be of any type, and one that is not deployed needs no ArtifactType: so only what
    looks like a slip is told. What is deployed has an error of its own.
    """
    for artifact in (a for found in catalogue.artifacts.values() for a in found):
        if artifact.type in catalogue.deployable or artifact.experiment in deployed:
            continue
        meant = did_you_mean(artifact.type, catalogue.deployable, likeness=_SLIP)
        if meant:
            yield Diagnostic(
                "Artifact of an unknown type",
                f"{artifact.address} is of type {artifact.type}. No ArtifactType takes that up, "
                "so it can't be deployed.",
                meant,
                Severity.WARNING,
                artifact.address,
                ("spec", "type"),
            )

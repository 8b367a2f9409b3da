"""Where an experiment's model came from, as the sources of its artifacts tell it. Pure.

A registry knows at plan which of its models and versions an artifact is, so this can stand in the
experiment's own record; what readers find in the bytes stays with the artifact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from specr.address import Address
from specr.canonical import Json, JsonObject, digest_of
from specr.diagnostics import Diagnostic, Severity
from specr.plan.observed import SourceFacts
from specr.resources.artifact import Artifact
from specr.resources.base import Resource
from specr.resources.experiment import Experiment


class Origin(Struct, frozen=True):
    """What sources tell for an experiment's metadata, and which artifact each of it comes from."""

    metadata: JsonObject = field(default_factory=dict)
    upstream: Mapping[str, Address] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


Told = tuple[Address, JsonObject]
"""An artifact, and what its source tells of where it came from."""


def origins_told(
    resources: Mapping[Address, Resource], facts: Mapping[Address, SourceFacts]
) -> Mapping[str, tuple[Told, ...]]:
    """What sources tell, by the name of the experiment that it is about."""
    found: dict[str, list[Told]] = defaultdict(list)
    for address, known in sorted(facts.items()):
        artifact = resources.get(address)
        if known.origin and isinstance(artifact, Artifact):
            found[artifact.experiment].append((address, known.origin))
    return {name: tuple(told) for name, told in found.items()}


def find_origin(experiment: Experiment, told: Iterable[Told]) -> Origin:
    """What the sources of an experiment's artifacts say of it, made one.

    What the experiment declares itself stays as declared; where that, or another artifact,
    contradicts a source, there is a warning.
    """
    metadata: dict[str, Json] = {}
    upstream: dict[str, Address] = {}
    found: list[Diagnostic] = []
    for address, origin in told:
        for key, value in sorted(origin.items()):
            settled = experiment.metadata.get(key, metadata.get(key, value))
            if digest_of(settled) != digest_of(value):
                found.append(_contradiction(experiment, address, key, settled, value))
            elif key not in experiment.metadata:
                metadata[key] = value
                upstream.setdefault(f"metadata.{key}", address)
    return Origin(metadata, upstream, tuple(found))


def _contradiction(
    experiment: Experiment, artifact: Address, key: str, settled: Json, value: Json
) -> Diagnostic:
    declared = key in experiment.metadata
    return Diagnostic(
        "Contradictory origins of a model",
        f"{experiment.address} has {key} {settled!r} "
        f"{'by its spec' if declared else 'by another of its artifacts'}, and {value!r} by the source of "
        f"{artifact}.",
        f"Take {key} out of the metadata; the source tells it."
        if declared
        else "Give each version of a registered model an experiment of its own.",
        severity=Severity.WARNING,
        address=experiment.address,
        path=("spec", "metadata", key) if declared else (),
    )

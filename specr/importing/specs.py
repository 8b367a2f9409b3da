"""From a registry's models to resources: an experiment and an artifact a version, and a model. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from specr.diagnostics import Diagnostic, Severity
from specr.importing.naming import assign_names, fit_name
from specr.importing.protocol import Found, FoundModel, FoundVersion
from specr.resources.artifact import Artifact
from specr.resources.base import Resource
from specr.resources.deployment import Deployment
from specr.resources.experiment import Experiment
from specr.resources.model import Model

DESCRIPTION = "description"
"""The annotation that a registry's description becomes."""


class ImportedModel(Struct, frozen=True):
    """The specs of one registered model."""

    name: str
    resources: tuple[Resource, ...]


def make_specs(found: Found, *, deploy: str = "") -> tuple[tuple[ImportedModel, ...], tuple[Diagnostic, ...]]:
    """The specs of all models, and warnings about what could not be taken over.

    `deploy` is an alias of the registry: each model that has it gets a Deployment.
    """
    names = assign_names(model.name for model in found.models)
    warnings: list[Diagnostic] = []
    made = []
    for model in _each_once(found.models, warnings):
        aliases = _aliases(model, warnings)
        resources = tuple(_resources(model, names[model.name], found.artifact_type, aliases, deploy))
        made.append(ImportedModel(names[model.name], resources))
    return tuple(made), tuple(warnings)


def _each_once(models: Iterable[FoundModel], warnings: list[Diagnostic]) -> Iterator[FoundModel]:
    """Every model and version once: registries whose lists move under the reader tell some of them twice."""
    seen = set[str]()
    for model in models:
        if model.name in seen:
            continue
        seen.add(model.name)
        versions = dict[int, FoundVersion]()
        told = [v for v in model.versions if versions.setdefault(v.number, v) != v]
        warnings += [_twice(model, version) for version in told]
        yield replace(model, versions=tuple(versions.values()))


def _resources(
    model: FoundModel, name: str, artifact_type: str, aliases: Mapping[str, int], deploy: str
) -> Iterator[Resource]:
    for version in model.versions:
        yield from _version(version, f"{name}-v{version.number}", artifact_type)
    yield Model(
        name=name,
        annotations=_described(model.description),
        versions={version.number: f"{name}-v{version.number}" for version in model.versions},
        aliases=dict(aliases),
    )
    if deploy and fit_name(deploy) in aliases:
        yield Deployment(name=name, model=name, alias=fit_name(deploy))


def _version(version: FoundVersion, name: str, artifact_type: str) -> Iterator[Resource]:
    yield Experiment(
        name=name,
        annotations=_described(version.description),
        metadata=dict(version.metadata),
        parameters=dict(version.parameters),
        statistics=dict(version.statistics),
    )
    yield Artifact(name=name, experiment=name, type=artifact_type, source=version.source)


def _described(text: str) -> dict[str, Any]:
    return {DESCRIPTION: text} if text else {}


def _aliases(model: FoundModel, warnings: list[Diagnostic]) -> Mapping[str, int]:
    """Aliases of imported versions, under names that specs may have."""
    there = {version.number for version in model.versions}
    aliases: dict[str, int] = {}
    for alias, number in sorted(model.aliases.items(), key=lambda pair: (fit_name(pair[0]) != pair[0], pair)):
        if number not in there:
            continue
        name = fit_name(alias)
        if not name or name in aliases:
            warnings.append(_lost(model, alias))
        else:
            aliases[name] = number
    return dict(sorted(aliases.items()))


def _twice(model: FoundModel, version: FoundVersion) -> Diagnostic:
    return Diagnostic(
        "Version told twice",
        f"The registry tells of version {version.number} of {model.name!r} twice, and not the same; the first"
        " is imported.",
        "Compare the specs with the registry, and import again if it was being changed.",
        severity=Severity.WARNING,
    )


def _lost(model: FoundModel, alias: str) -> Diagnostic:
    return Diagnostic(
        "Alias left out",
        f"The alias {alias!r} of {model.name!r} can't be told from another, or has no letters that names of "
        "specs may have.",
        "Give the version another alias in the spec of the Model.",
        severity=Severity.WARNING,
    )

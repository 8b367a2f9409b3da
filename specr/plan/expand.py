"""From resources to desired objects: arguments in full, builds derived.

Pure: facts about artifacts, known build outputs and what images mean are handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from specr.address import Address
from specr.canonical import JsonObject, digest_of
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.plan.desired import RUNTIME_EFFECT, Desired, Resources, effect_of
from specr.plan.observed import ProviderSchema, SourceFacts
from specr.plan.origin import find_origin, origins_told
from specr.plan.route import Catalogue, Route, find_route, misspelt_types
from specr.plan.schemas import check_golden_rows, schema_disagrees, schema_unknown
from specr.plan.unknown import find_placeholders, placeholder
from specr.resources.artifact import Artifact
from specr.resources.base import Resource
from specr.resources.catalog import BUILD
from specr.resources.deployment import Deployment
from specr.resources.experiment import Experiment
from specr.resources.experiment_schema import experiment_schema
from specr.resources.model import Model
from specr.resources.project import Project
from specr.resources.types import Processor, Runtime


class Expansion(Struct, frozen=True):
    """The result of expanding: desired objects by address, and what is wrong."""

    desired: Mapping[Address, Desired]
    diagnostics: tuple[Diagnostic, ...]


class Expander:
    """Expands one project. Pure; made once for one planning and then dropped.

    Args:
        resources: the user's and the packs', without the Project.
        project: its settings.
        facts: what is known of each artifact.
        schemas: facts about providers by the provider's name.
        build_output: the digest that a build with this fingerprint gave, if its output is there.
        image_id: what an image means to the provider of this name, if it can tell.
    """

    def __init__(
        self,
        resources: Resources,
        project: Project,
        facts: Mapping[Address, SourceFacts],
        schemas: Mapping[str, ProviderSchema],
        build_output: Callable[[Address, str], str | None],
        image_id: Callable[[str, str], str | None] = lambda _provider, _image: None,
    ) -> None:
        self._resources = resources
        self._project = project
        self._facts = facts
        self._origins = origins_told(resources, facts)
        self._schemas = schemas
        self._build_output = build_output
        self._image_id = image_id
        self._catalogue = Catalogue.of(resources.values())
        self._desired: dict[Address, Desired] = {}
        self._diagnostics: list[Diagnostic] = []
        self._deployed: set[str] = set()

    def expand(self) -> Expansion:
        """Turn every resource into its desired object, and add the builds that deployments need."""
        for address, resource in sorted(self._resources.items()):
            match resource:
                case Deployment():
                    self._deployment(resource)
                case Artifact():
                    self._artifact(resource)
                case Experiment():
                    self._experiment(resource)
                case _:
                    self._add(address, resource.arguments(), _targets(resource))
        self._diagnostics += misspelt_types(self._catalogue, self._deployed)
        return Expansion(self._desired, tuple(self._diagnostics))

    def _add(
        self,
        address: Address,
        arguments: JsonObject,
        dependencies: tuple[Address, ...],
        *,
        provider: str = "",
        upstream: Mapping[str, Address] | None = None,
    ) -> Desired:
        schema = self._schemas.get(provider, ProviderSchema())
        added = Desired(
            address,
            arguments,
            digest_of(arguments),
            effect_of(address, arguments, schema),
            dependencies,
            provider,
            upstream or {},
            has_unknown=any(True for _ in find_placeholders(arguments)),
        )
        self._desired[address] = added
        return added

    def _artifact(self, artifact: Artifact) -> None:
        address = artifact.address
        facts = self._facts.get(address, SourceFacts(None))
        digest = facts.digest or artifact.digest
        if artifact.digest and facts.digest and artifact.digest != facts.digest:
            self._diagnostics.append(
                Diagnostic(
                    "Artifact differs from its pin",
                    f"{address} is pinned to {artifact.digest}, but {artifact.source} holds {facts.digest}.",
                    "Restore the bytes, or change or remove spec.digest if the new ones are meant.",
                    address=address,
                    path=("spec", "digest"),
                ),
            )
        arguments = {
            **artifact.arguments(),
            "source": facts.reference or artifact.source,
            **({"resolved": facts.pinned} if facts.pinned else {}),
            "digest": digest or placeholder(address, "digest"),
        }
        self._add(address, arguments, _targets(artifact))

    def _experiment(self, experiment: Experiment) -> None:
        origin = find_origin(experiment, self._origins.get(experiment.name, ()))
        self._diagnostics += origin.diagnostics
        arguments = experiment.arguments()
        if origin.metadata:
            arguments["metadata"] = {**origin.metadata, **experiment.metadata}
        self._add(experiment.address, arguments, _targets(experiment), upstream=origin.upstream)

    def _deployment(self, deployment: Deployment) -> None:
        model = self._resources[Address("model", deployment.model)]
        assert isinstance(model, Model)
        version = deployment.version or model.aliases[deployment.alias or ""]
        experiment = self._resources[Address("experiment", model.versions[version])]
        assert isinstance(experiment, Experiment)
        self._deployed.add(experiment.name)
        route = find_route(deployment, experiment.name, self._catalogue)
        if isinstance(route, Diagnostic):
            self._diagnostics.append(route)
            return
        provider = deployment.provider or self._project.default_provider
        schema = self._schema(deployment, experiment, route.artifact)
        if schema is None:
            return
        self._diagnostics += check_golden_rows(deployment, schema)
        build = self._build(route, provider)
        arguments = {
            **deployment.arguments(),
            "version": version,
            "experiment": experiment.name,
            "modelId": f"{model.name}-v{version}",
            "build": str(build),
            "modelDigest": self._output_of(build),
            "runtime": {**_runtime_arguments(route.runtime), **self._image(route.runtime, provider)},
            "provider": provider,
            "replicas": deployment.replicas,
            "schema": schema,
            "schemaFrom": "artifact" if experiment_schema(experiment) is None else "experiment",
        }
        named = (experiment.address, route.artifact.address, build, route.runtime.address)
        self._add(
            deployment.address,
            arguments,
            tuple(dict.fromkeys((*_targets(deployment), *named))),
            provider=provider,
            upstream=_upstream(deployment, model, experiment, build, route),
        )

    def _build(self, route: Route, provider: str) -> Address:
        key = "" if provider == self._project.default_provider else provider
        address = Address(BUILD, f"{route.artifact.name}.{route.processor.name}", key=key)
        if address not in self._desired:
            digest = self._artifact_digest(route.artifact)
            policy = self._project.policy.arguments()
            self._add(
                address,
                {
                    "artifact": route.artifact.name,
                    "source": digest,
                    "artifactType": route.artifact.type,
                    "processor": {
                        **_processor_arguments(route.processor),
                        **self._image(route.processor, provider),
                    },
                    "modelType": route.processor.model_type,
                    "timeout": route.processor.timeout,
                    "provider": provider,
                    **({"policy": policy} if policy else {}),
                },
                (route.artifact.address, route.processor.address),
                provider=provider,
                upstream={
                    "source": route.artifact.address,
                    "artifactType": route.artifact.address,
                    "processor": route.processor.address,
                    "modelType": route.processor.address,
                    "timeout": route.processor.address,
                },
            )
        return address

    def _artifact_digest(self, artifact: Artifact) -> Any:
        facts = self._facts.get(artifact.address)
        digest = facts.digest if facts else None
        return digest or artifact.digest or placeholder(artifact.address, "digest")

    def _output_of(self, build: Address) -> Any:
        desired = self._desired[build]
        known = None if desired.has_unknown else self._build_output(build, desired.effect)
        return known or placeholder(build, "digest")

    def _image(self, program: Runtime | Processor, provider: str) -> dict[str, str]:
        """What its image means now, where the provider can tell."""
        try:
            found = self._image_id(provider, program.image) if program.image else None
        except DiagnosticError as error:
            self._diagnostics += [
                replace(d, address=program.address, path=("spec", "image")) for d in error.diagnostics
            ]
            return {}
        return {"imageId": found} if found else {}

    def _schema(self, deployment: Deployment, experiment: Experiment, artifact: Artifact) -> Any:
        declared = experiment_schema(experiment)
        facts = self._facts.get(artifact.address)
        told = facts.schema if facts else None
        if declared is not None:
            stated = declared.dump()
            if told is not None and told["input"] != stated["input"]:
                self._diagnostics.append(schema_disagrees(experiment, artifact))
            return stated
        if told is not None:
            return told
        if facts is None or not facts.is_read:
            return placeholder(artifact.address, "schema")
        self._diagnostics.append(schema_unknown(deployment, experiment, artifact, facts.notes))
        return None


def _targets(resource: Resource) -> tuple[Address, ...]:
    return tuple(dict.fromkeys(reference.target for reference in resource.references()))


def _runtime_arguments(runtime: Runtime) -> dict[str, Any]:
    spec = runtime.arguments()
    kept: dict[str, Any] = {key: spec[key] for key in (*RUNTIME_EFFECT, "modelType") if key in spec}
    return {
        "name": runtime.name,
        **kept,
        "readiness": runtime.readiness.dump(),
    }


def _processor_arguments(processor: Processor) -> dict[str, Any]:
    spec = processor.arguments()
    return {key: spec[key] for key in ("image", "command", "env", "resources") if key in spec}


def _upstream(
    deployment: Deployment, model: Model, experiment: Experiment, build: Address, route: Route
) -> dict[str, Address]:
    """Which arguments of a deployment come from elsewhere."""
    found = {
        "experiment": model.address,
        "build": route.artifact.address,
        "modelDigest": build,
        "runtime": route.runtime.address,
        "schema": experiment.address,
    }
    if deployment.alias is not None:
        found |= {"version": model.address, "modelId": model.address}
    return found

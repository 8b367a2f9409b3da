"""Desired objects: arguments in full, and the digests by which they are compared.

Every object's arguments hold, in values rather than in names, all that its effect depends
on, so that comparing arguments is all there is to finding changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from specr.address import Address
from specr.canonical import JsonObject, digest_of
from specr.plan.observed import ProviderSchema, SourceFacts
from specr.resources.base import Resource
from specr.resources.project import Project

Resources = Mapping[Address, Resource]

_BUILD_EFFECT: Final = ("source", "artifactType", "processor", "modelType")
_DEPLOYMENT_EFFECT: Final = ("modelId", "modelDigest", "runtime", "env", "resources", "endpoint", "replicas")
RUNTIME_EFFECT: Final = ("image", "command", "env", "resources")
"""What of a runtime decides how it runs."""


class Desired(Struct, frozen=True):
    """One object as it should be.

    `effect` is the digest of what its effect at the provider depends on, for objects that
    have one. `upstream` says, for arguments that were taken from another resource, which; an
    argument inside another has a dot in its name.
    """

    address: Address
    arguments: JsonObject
    fingerprint: str
    effect: str = ""
    dependencies: tuple[Address, ...] = ()
    provider: str = ""
    upstream: Mapping[str, Address] = field(default_factory=dict)
    has_unknown: bool = False


def effect_of(address: Address, arguments: JsonObject, schema: ProviderSchema) -> str:
    """The digest of what an object's effect at its provider depends on; "" for records.

    What the provider changes in place is left out: it needs no new object. So are names,
    labels, time limits and golden rows, which change nothing in what runs.
    """
    match address.kind:
        case "artifact":
            pinned = {"resolved": arguments["resolved"]} if "resolved" in arguments else {}
            return digest_of({"digest": arguments["digest"], **pinned})
        case "build":
            policy = {"policy": arguments["policy"]} if "policy" in arguments else {}
            return digest_of({**{key: arguments.get(key) for key in _BUILD_EFFECT}, **policy})
        case "deployment":
            kept = {key: arguments.get(key) for key in _DEPLOYMENT_EFFECT if key not in schema.in_place}
            runtime = arguments["runtime"]
            image = {"imageId": runtime["imageId"]} if "imageId" in runtime else {}
            kept["runtime"] = {**{key: runtime.get(key) for key in RUNTIME_EFFECT}, **image}
            kept["readiness"] = runtime["readiness"]["path"]
            kept["provider"] = arguments["provider"]
            if arguments.get("schemaFrom") == "experiment" and "schema" not in schema.in_place:
                kept["schema"] = arguments["schema"]  # the runtime was told it
            return digest_of(kept)
        case _:
            return ""


def fixed_port(arguments: JsonObject) -> int | None:
    """The port of the provider's host that a deployment's arguments ask for, if they do."""
    port: int | None = (arguments.get("endpoint") or {}).get("port")
    return port


def readiness_path(arguments: JsonObject) -> str:
    """Where a deployment with these arguments says that it is ready."""
    path: str = arguments["runtime"]["readiness"]["path"]
    return path


def digest_specs(
    resources: Resources, project: Project, facts: Mapping[Address, SourceFacts], resolved: JsonObject
) -> str:
    """The digest of all that planning reads but recorded state and the world.

    `resolved` is what each source told of itself, by address. A saved plan whose digest
    is not this one any more is stale.
    """
    return digest_of(
        {
            "project": project.arguments(),
            "resources": [[str(address), r.arguments()] for address, r in sorted(resources.items())],
            "references": {str(address): f.reference for address, f in facts.items()},
            "sources": resolved,
        },
    )

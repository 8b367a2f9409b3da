"""The memory provider: builds and deployments are entries of a dict, and ready at once.

For rehearsal (`provider: memory`), tests and benchmarks. It starts nothing, reads no
secret and needs no store: a build's output is made up from what the build depends on,
and requests are answered in the place of the runtime (see `rehearsal`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from specr.address import Address
from specr.canonical import JsonObject, digest_of_bytes, encode_json
from specr.diagnostics import Diagnostic
from specr.plan.observed import Observation, ProviderSchema
from specr.providers.memory_world import FileWorld, MemoryObject, World
from specr.providers.orders import encode_order
from specr.providers.protocol import (
    BuildOrder,
    DeploymentOrder,
    Order,
    ProviderError,
    Readiness,
    ScorerRequest,
    ScorerResponse,
    TransientError,
)
from specr.providers.rehearsal import Answer, rehearse
from specr.providers.settings import ProviderContext, decode_settings
from specr.resources.base import Filled, Part
from specr.state.model import ObjectRef
from specr.workfolder import Kept

# What verification will ask for is part of an object here: its answers come from it.
_SCHEMA: Final = ProviderSchema(in_place=frozenset({"replicas", "schema", "verify"}))

_BUILD_INPUTS: Final = ("source", "image", "command", "env", "resources")


class MemorySettings(Part, frozen=True, kw_only=True):
    """Settings of a provider of type `memory`."""

    path: Filled = Kept.MEMORY.path
    """The file that keeps what was rehearsed, relative to the project."""


def open_memory(context: ProviderContext, settings: JsonObject) -> MemoryProvider:
    """A memory provider whose objects outlive the process, in the file `path`."""
    decoded = decode_settings(MemorySettings, context, settings)
    return MemoryProvider(FileWorld(context.root / decoded.path), lineage=context.lineage)


class MemoryProvider:
    """Keeps objects in a world, which several providers may share.

    Attributes of a build: `digest`, `size` (bytes). Of a deployment: `replicas`, and
    `endpoint` (`memory://deployment/fraud`) once it is promoted, None before.

    Args:
        world: where the objects are.
        lineage: whose objects these are; objects of other lineages are not seen.
        answer: answers requests in the place of a runtime.
        troubles: by token, what `readiness` says instead of success; looked at on each call.
        schema: the facts that it states.
    """

    def __init__(
        self,
        world: World,
        *,
        lineage: str,
        answer: Answer = rehearse,
        troubles: Mapping[str, Readiness] | None = None,
        schema: ProviderSchema = _SCHEMA,
    ) -> None:
        self._world = world
        self._lineage = lineage
        self._answer = answer
        self._troubles = troubles if troubles is not None else {}
        self._schema = schema

    @property
    def schema(self) -> ProviderSchema:
        """Facts about the provider."""
        return self._schema

    def create(self, order: Order) -> JsonObject:
        """Enter what is ordered, or adopt the entry with its token."""
        found = self._world.get(self._lineage, order.token)
        if found is not None:
            # What verification will ask for may have changed since.
            self._world.put(replace(found, order=order))
            return found.attributes
        if isinstance(order, BuildOrder):
            attributes = _output(order)
            line = f"made up the output of {order.address}"
        else:
            attributes = {**_promoted(order), "endpoint": None}
            line = f"{order.address} answers for {order.model_id}"
        self._world.put(MemoryObject(self._lineage, order, attributes, (line,)))
        return attributes

    def readiness(self, ref: ObjectRef, order: Order) -> Readiness:  # noqa: ARG002 - asked for by Provider
        """Success, at once."""
        known = self._world.attributes_of(self._lineage, ref.token)
        if known is None:
            return Readiness(done=True, message="it is gone")
        success = Readiness(done=True, succeeded=True, attributes=known)
        return self._troubles.get(ref.token, success)

    def promote(self, ref: ObjectRef, order: DeploymentOrder, previous: Sequence[ObjectRef]) -> JsonObject:
        """Give the deployment its endpoint, and take it from the previous ones."""
        self._insist(ref)
        for other in previous:
            old = self._world.attributes_of(self._lineage, other.token)
            if old is not None and other.token != ref.token:
                self._world.set_attributes(self._lineage, other.token, {**old, "endpoint": None})
        promoted = _promoted(order)
        self._world.set_attributes(self._lineage, ref.token, promoted)
        return promoted

    def update(self, ref: ObjectRef, order: DeploymentOrder) -> JsonObject:
        """Make the entry what is ordered."""
        self._insist(ref)
        promoted = _promoted(order)
        line = f"{order.address} answers for {order.model_id}"
        self._world.put(MemoryObject(self._lineage, replace(order, token=ref.token), promoted, (line,)))
        return promoted

    def delete(self, ref: ObjectRef) -> None:
        """Remove the entry."""
        self._world.remove(self._lineage, ref.token)

    def read(self, refs: Sequence[ObjectRef]) -> Mapping[Address, Observation]:
        """Look all entries up at once."""
        found = self._world.attributes(self._lineage) if refs else {}
        return {ref.address: _observed(found.get(ref.token)) for ref in refs}

    def request(self, ref: ObjectRef, request: ScorerRequest) -> ScorerResponse:
        """Answer in the runtime's place."""
        found = self._world.get(self._lineage, ref.token)
        if found is None or not isinstance(found.order, DeploymentOrder) or not found.attributes["replicas"]:
            raise TransientError(f"nothing runs for {ref.address}")
        return self._answer(found.order, request)

    def logs(self, ref: ObjectRef, *, tail: int | None = None) -> Sequence[str]:
        """What was entered for the object."""
        found = self._world.get(self._lineage, ref.token)
        lines = found.lines if found else ()
        return lines if tail is None else lines[max(0, len(lines) - tail) :]

    def _insist(self, ref: ObjectRef) -> None:
        if self._world.attributes_of(self._lineage, ref.token) is None:
            raise ProviderError(
                Diagnostic(
                    "Deployment gone",
                    f"{ref.address} is no longer at the provider {ref.provider}.",
                    "Run specr apply again: it makes a new one.",
                    address=ref.address,
                ),
            )


def _output(order: BuildOrder) -> JsonObject:
    """The output's digest and size; the output is the canonical JSON of what the build depends on."""
    encoded = encode_order(order)
    output = encode_json({key: encoded[key] for key in _BUILD_INPUTS})
    return {"digest": digest_of_bytes(output), "size": len(output)}


def _promoted(order: DeploymentOrder) -> JsonObject:
    port = f":{order.port}" if order.port else ""
    endpoint = f"memory://{order.address}{port}" if order.replicas else None
    return {"replicas": order.replicas, "endpoint": endpoint}


def _observed(attributes: JsonObject | None) -> Observation:
    if attributes is None:
        return Observation(exists=False, message="it is no longer in memory")
    return Observation(exists=True, attributes=attributes)

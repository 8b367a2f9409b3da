"""What planning needs to know of the world: observations, facts about providers and sources."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from specr.address import Address
from specr.canonical import Json, JsonObject
from specr.diagnostics import Diagnostic


class Observation(Struct, frozen=True):
    """What a provider sees of one object.

    `attributes` are compared, key by key, with those recorded under the same keys; so a
    provider reports here what can drift and nothing that changes by itself. `message`
    says in a few words what is wrong with an object that is gone or not as it should be.
    `silent` says that one which is as it was applied does not answer. That is told and nothing
    more: it may only be busy, so no plan ends it unless somebody asks for that.
    """

    exists: bool
    attributes: JsonObject = field(default_factory=dict)
    message: str = ""
    silent: str = ""


class ProviderSchema(Struct, frozen=True):
    """Facts about a provider.

    `in_place` are the deployment arguments that `update` changes without a new object:
    a change of any other starts a new object beside the old. `interrupting` are the
    arguments whose change can't be made without a gap in service. `renewing` are the
    attributes whose drift can't be undone where it is found: it takes a new object.
    `gap_on_fixed_port` says that a fixed port is one of a machine's, which one listener has at
    a time: every new object costs such a gap, and no two deployments can ask for it. And
    `moves_endpoint` says that a new object on a free port is reached at another address.
    `fixed_endpoint` is the URL of a deployment on a fixed port, with `{port}` for that;
    empty where only the platform knows it. `secrets` are the places of `valueFrom` that it can use:
    of `env` and `file`, which lie on this machine, apply looks for all before anything begins.
    """

    in_place: frozenset[str] = frozenset()
    interrupting: frozenset[str] = frozenset()
    renewing: frozenset[str] = frozenset()
    gap_on_fixed_port: bool = False
    moves_endpoint: bool = False
    fixed_endpoint: str = ""
    secrets: frozenset[str] = frozenset()


class SourceFacts(Struct, frozen=True):
    """What is known of an artifact before its change is applied.

    `digest` is None where only a fetch can tell. `schema` (`{input, output}` as specs write
    it) and `metadata` are what a reader found; `is_read` says that a reader has looked, so
    that a missing schema is known to be missing. `reference` is the source as recorded: a
    relative path starts at the project's folder, wherever in it the artifact is declared.
    `notes` say why there is no schema, where a reader can tell. `pinned` and `origin` are
    those of `specr.sources.protocol.Resolved`.
    """

    digest: str | None
    reference: str = ""
    size: int | None = None
    identity: JsonObject = field(default_factory=dict)
    schema: JsonObject | None = None
    metadata: JsonObject = field(default_factory=dict)
    is_read: bool = False
    notes: tuple[str, ...] = ()
    pinned: str = ""
    origin: JsonObject = field(default_factory=dict)


class SourceReport(Struct, frozen=True):
    """What is known of all artifacts, and what each source told of itself."""

    facts: Mapping[Address, SourceFacts] = field(default_factory=dict)
    resolved: Mapping[str, Json] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()

"""What every provider promises: it makes one platform match a plan, one object at a time.

Two kinds of object live at providers: builds (a processor run to its end) and
deployments (runtimes that answer). Optional powers are Protocols of one method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct, field

from specr.address import Address
from specr.canonical import JsonObject
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.plan.observed import Observation, ProviderSchema
from specr.resources.compute import Compute, Environment
from specr.resources.deployment import GoldenRow
from specr.state.model import ObjectRef

__all__ = [
    "Provider",
    "ProviderSchema",
    "Observation",
    "Readiness",
    "Order",
    "BuildOrder",
    "DeploymentOrder",
    "ProviderError",
    "TransientError",
    "Reachable",
    "ScorerRequest",
    "ScorerResponse",
    "Prober",
    "StrayFinder",
    "LogKeeper",
    "Watcher",
    "ImageResolver",
]


class BuildOrder(Struct, frozen=True):
    """A processor to run once.

    `source` is the digest of the artifact, which lies in the store. The output goes to
    the store too, and its digest is the attribute `digest` once the build has succeeded.
    `timeout` is in seconds. `image_id` is what `image` meant when it was planned, where the
    provider could tell (see `ImageResolver`): then that very image runs, and no other.
    """

    address: Address
    token: str
    source: str
    image: str | None
    command: tuple[str, ...]
    env: Environment
    resources: Compute
    timeout: int
    image_id: str | None = None


class DeploymentOrder(Struct, frozen=True):
    """A runtime to keep running.

    `model` is the digest of the build's output, in the store. `port` is None for any
    free port. `labels` are the user's own, for platforms that have labels.
    `readiness_timeout` is in seconds: how long loading may take, where a provider itself
    has to wait for it (see `promote`). `image_id` is as for builds.

    `schema` (`{input, output}` as specs write it) and `golden` are what verification will
    ask for; only a platform that runs nothing needs them, to answer in a runtime's place.
    """

    address: Address
    token: str
    model: str
    model_id: str
    image: str | None
    command: tuple[str, ...]
    env: Environment
    resources: Compute
    replicas: int
    port: int | None
    readiness_path: str
    labels: Mapping[str, str] = field(default_factory=dict)
    readiness_timeout: int = 120
    schema: JsonObject | None = None
    golden: tuple[GoldenRow, ...] = ()
    image_id: str | None = None


Order = BuildOrder | DeploymentOrder


class Readiness(Struct, frozen=True):
    """How far an object has come. `attributes` are those known now, to be recorded."""

    done: bool
    succeeded: bool = False
    message: str = ""
    attributes: JsonObject = field(default_factory=dict)


class ProviderError(DiagnosticError):
    """The platform can't do what was asked; trying again would not help."""


class TransientError(Exception):
    """The platform did not answer properly this time; the same call may be made again."""


class Provider(Protocol):
    """Makes one platform match a plan, one object at a time.

    Calls come from several threads, never two for one address. Any call may be the
    repeat of one whose answer was lost, so each must be safe to make twice: objects are
    marked with lineage, address and token, and `create` with a token that exists already
    adopts the object instead of making another.

    Every method may raise ProviderError (give up) or TransientError (the engine retries
    with backoff).
    """

    @property
    def schema(self) -> ProviderSchema:
        """Facts about the provider. No I/O."""

    def create(self, order: Order) -> JsonObject:
        """Start what is ordered, beside anything that runs for the same address.

        Returns at once with the attributes known so far; the engine polls `readiness`.
        A deployment made here is not yet the one that callers reach: see `promote`.
        """

    def readiness(self, ref: ObjectRef, order: Order) -> Readiness:
        """Report progress at once; the engine does the waiting and knows the time limit."""

    def promote(self, ref: ObjectRef, order: DeploymentOrder, previous: Sequence[ObjectRef]) -> JsonObject:
        """Make this deployment the one that callers reach, instead of the previous ones.

        Previous objects are still there, unless they are in the way of this; the engine
        deletes them afterwards. Returns the attributes to record, with `endpoint`.
        """

    def update(self, ref: ObjectRef, order: DeploymentOrder) -> JsonObject:
        """Bring an existing deployment to what is ordered, in place, and undo drift."""

    def delete(self, ref: ObjectRef) -> None:
        """Remove an object and all that belongs to it, whatever state it is in.

        The token alone must be enough. What is gone already is no error. A build's output
        stays in the store, where builds are shared.
        """

    def read(self, refs: Sequence[ObjectRef]) -> Mapping[Address, Observation]:
        """Observe objects: one bulk call a kind, whatever their number.

        Every address asked for is answered.
        """


class ScorerRequest(Struct, frozen=True):
    """An HTTP request to a deployment's scorer API. `timeout` is in seconds."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 30.0


class ScorerResponse(Struct, frozen=True):
    """What a deployment answered."""

    status: int
    body: bytes


@runtime_checkable
class Reachable(Protocol):
    """A provider whose deployments can be asked before callers reach them."""

    def request(self, ref: ObjectRef, request: ScorerRequest) -> ScorerResponse:
        """Ask one deployment, promoted or not.

        Raises:
            TransientError: no answer came.
        """


@runtime_checkable
class Prober(Protocol):
    """A provider whose runtimes nobody else asks whether they answer."""

    def probe(self, asked: Sequence[tuple[ObjectRef, str]], seconds: float) -> Mapping[Address, str]:
        """Ask deployments, each at its readiness path, all at once and for so many seconds in all.

        What does not answer is told in a few words, and what does is left out. What does not run is
        not asked: see `read`.
        """


@runtime_checkable
class StrayFinder(Protocol):
    """A provider whose place is this project's own, so that whatever else is there was left behind."""

    def check_strays(self) -> Sequence[Diagnostic]:
        """Warn of what runs there for another state than the provider's. Cheap: every plan asks."""


@runtime_checkable
class LogKeeper(Protocol):
    """A provider that keeps what its objects print."""

    def logs(self, ref: ObjectRef, *, tail: int | None = None) -> Sequence[str]:
        """The lines printed so far, oldest first, or the last `tail` of them.

        Values of secrets that were handed to the object are masked.
        """


@runtime_checkable
class Watcher(Protocol):
    """A provider that hears of changes on its platform, so that waiting need not be guessing."""

    def await_change(self, ref: ObjectRef, seconds: float) -> None:
        """Return once something has happened to an object since `readiness` looked at it.

        At the latest after so many seconds; when in doubt, then and not earlier.
        """


@runtime_checkable
class ImageResolver(Protocol):
    """A provider that can tell which image a reference means now."""

    def resolve_image(self, image: str) -> str | None:
        """What an image reference means: a text that changes when another image is meant, and only then.

        It goes into the arguments of what runs the image, and comes back in orders as
        `image_id`. None where the platform can't tell. Reads only: nothing is pulled.

        Raises:
            ProviderError: there is no such image.
        """

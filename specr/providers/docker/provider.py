"""The Docker provider: builds and deployments are containers of one Docker daemon.

The daemon may be on this machine or elsewhere. Everything that specr makes there carries
labels (see `marks`), by which it is found again by whoever has the state. Several `replicas` are several
containers, each on a port of its own, told as `endpoints`; nothing spreads requests over them,
and `endpoint` is the first.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from specr.address import Address
from specr.canonical import JsonObject
from specr.plan.observed import Observation, ProviderSchema
from specr.providers.content import ByteStore
from specr.providers.docker.builds import DockerBuilds
from specr.providers.docker.containers import Container
from specr.providers.docker.content import Bytes
from specr.providers.docker.daemon import Daemon, NotThereError
from specr.providers.docker.deployments import DockerDeployments
from specr.providers.docker.images import Images
from specr.providers.docker.logs import Logs
from specr.providers.docker.marks import Kind, object_labels
from specr.providers.docker.settings import DockerSettings
from specr.providers.docker.starting import Place, Starter
from specr.providers.docker.takeover import Takeover
from specr.providers.protocol import (
    BuildOrder,
    DeploymentOrder,
    Order,
    Readiness,
    ScorerRequest,
    ScorerResponse,
    TransientError,
)
from specr.providers.settings import ProviderContext, decode_settings
from specr.resources.catalog import BUILD
from specr.state.model import ObjectRef

_SCHEMA: Final = ProviderSchema(
    in_place=frozenset({"replicas"}),
    gap_on_fixed_port=True,
    moves_endpoint=True,
    secrets=frozenset({"env", "file"}),
)


def open_docker(context: ProviderContext, settings: JsonObject) -> DockerProvider:
    """The provider for one lineage's containers at one daemon."""
    decoded = decode_settings(DockerSettings, context, settings)
    return DockerProvider(context.lineage, context.root, context.store, decoded)


class DockerProvider:
    """Runs processors and runtimes in containers.

    Attributes of a build: `digest`, `size` (bytes). Of a deployment: `endpoint` (the URL of
    replica 0, None without replicas), `endpoints` (those of all), `replicas` (how many run),
    `imageId` (of the image that they run), `containers` (their names).

    Args:
        lineage: that of the state which the objects belong to.
        root: the project's folder.
        store: where sources and models are, and outputs go.
        settings: which daemon, and how.
        clock: seconds that never go back.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        lineage: str,
        root: Path,
        store: ByteStore,
        settings: DockerSettings | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        settings = settings or DockerSettings()
        self._daemon = Daemon(settings.host, settings.timeout)
        self._place = Place(self._daemon, lineage, root.resolve(), settings)
        self._images = Images(self._daemon)
        starter = Starter(self._place, self._images, Bytes(self._daemon, store, settings.bytes))
        self._logs = Logs(self._place)
        self._builds = DockerBuilds(self._place, starter, self._logs, store)
        self._deployments = DockerDeployments(self._place, starter)
        self._takeover = Takeover(self._daemon, starter, self._deployments, clock, sleep)

    @property
    def schema(self) -> ProviderSchema:
        """Facts about the provider."""
        host = self._place.set_reach
        return replace(_SCHEMA, fixed_endpoint=f"http://{host}:{{port}}") if host else _SCHEMA

    def create(self, order: Order) -> JsonObject:
        """Start what is ordered, or adopt what has its token."""
        with _vanishing(order.address):
            if isinstance(order, BuildOrder):
                return self._builds.create(order)
            return self._deployments.create(order)

    def readiness(self, ref: ObjectRef, order: Order) -> Readiness:
        """Whether the processor has ended, or all replicas answer."""
        with _vanishing(order.address):
            if isinstance(order, BuildOrder):
                return self._builds.readiness(ref, order)
            return self._deployments.readiness(ref, order)

    def promote(self, ref: ObjectRef, order: DeploymentOrder, previous: Sequence[ObjectRef]) -> JsonObject:  # noqa: ARG002 - who has the port is asked of the daemon
        """Bring the deployment to its fixed port, if it has one; waits until it is ready there."""
        with _vanishing(order.address):
            return self._takeover.promote(ref, order)

    def update(self, ref: ObjectRef, order: DeploymentOrder) -> JsonObject:
        """Start replicas that are missing or run a wrong image, stop those that are too many."""
        with _vanishing(order.address):
            return self._deployments.update(ref, order)

    def delete(self, ref: ObjectRef) -> None:
        """Stop and remove all containers of an object, and their volumes."""
        containers = self._place.containers(ref.token)
        self._deployments.stop([c for c in containers if c.mark.kind is Kind.DEPLOYMENT])
        for container in containers:
            self._daemon.remove(container.id)
        self._daemon.remove_volumes(object_labels(self._place.lineage, ref.token))

    def read(self, refs: Sequence[ObjectRef]) -> Mapping[Address, Observation]:
        """Look at all objects: one call to the daemon, whatever their number."""
        if not refs:
            return {}
        found = self._by_token()
        return {
            ref.address: (self._builds if ref.address.kind == BUILD else self._deployments).observe(
                ref, found[ref.token]
            )
            for ref in refs
        }

    def request(self, ref: ObjectRef, request: ScorerRequest) -> ScorerResponse:
        """Ask the first replica that runs."""
        return self._deployments.request(ref, request)

    def probe(self, asked: Sequence[tuple[ObjectRef, str]], seconds: float) -> Mapping[Address, str]:
        """Ask every replica that runs whether it is ready; one call to the daemon says where they are."""
        found = self._by_token()
        return self._deployments.silent([(ref, path, found[ref.token]) for ref, path in asked], seconds)

    def logs(self, ref: ObjectRef, *, tail: int | None = None) -> Sequence[str]:
        """What its containers have printed, replica by replica."""
        return self._logs.of_object(ref.token, tail)

    def resolve_image(self, image: str) -> str:
        """The digest or id of the image that a reference leads to now."""
        return self._images.resolve(image)

    def _by_token(self) -> Mapping[str, list[Container]]:
        """All containers of the lineage, by their object's token."""
        found: dict[str, list[Container]] = defaultdict(list)
        for container in self._place.containers():
            found[container.mark.token].append(container)
        return found


@contextmanager
def _vanishing(address: Address) -> Iterator[None]:
    """A container that goes between two calls is looked for again."""
    try:
        yield
    except NotThereError as error:
        raise TransientError(f"a container of {address} went away meanwhile: {error}") from error

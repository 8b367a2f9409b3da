"""Makes containers from orders, and starts them: the only place where secrets' values are.

Variables reach a program through its container's environment, so whoever may inspect
containers at the daemon can read them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from specr.providers.docker.containers import PORT, Container, Recipe, decode_container
from specr.providers.docker.content import CONTENT, Bytes, Supply
from specr.providers.docker.daemon import (
    Daemon,
    NameTakenError,
    NotSharedError,
    NotStartedError,
    NotThereError,
    PortTakenError,
)
from specr.providers.docker.images import Images
from specr.providers.docker.marks import PREFIX, Kind, Mark, object_labels
from specr.providers.docker.problems import name_taken, no_free_port, port_taken, program_refused, refused
from specr.providers.docker.settings import DockerSettings
from specr.providers.environment import resolve_environment
from specr.providers.protocol import DeploymentOrder, Order, TransientError
from specr.resources.compute import SecretValue

MODEL: Final = "/specr/model"
"""The folder, in a runtime's container, that the model is in."""

_PORTS: Final = range(20000, 30000)
"""Where deployments are published: below the ports that systems give out by themselves, and chosen
here, since a port of the daemon's choice changes whenever a container is started again."""

_ATTEMPTS: Final = 30


class Place(Struct, frozen=True):
    """Where a provider's containers are: one daemon, one lineage, one project."""

    daemon: Daemon
    lineage: str
    root: Path
    settings: DockerSettings

    def containers(self, token: str | None = None) -> list[Container]:
        """All containers of the lineage, or of one of its objects. One call."""
        labels = {f"{PREFIX}lineage": self.lineage} if token is None else object_labels(self.lineage, token)
        decoded = map(decode_container, self.daemon.containers(labels))
        return [container for container in decoded if container is not None]

    @property
    def reach(self) -> str:
        """The host name or address under which published ports are reached from here."""
        return self.set_reach or urlsplit(self.daemon.host).hostname or "127.0.0.1"

    @property
    def set_reach(self) -> str:
        """The same, as far as the settings tell it; empty where it takes knowing the daemon."""
        loopback = self.settings.publish if self.settings.publish.startswith("127.") else ""
        return self.settings.address or loopback


class Starter:
    """Makes and starts containers."""

    def __init__(self, place: Place, images: Images, content: Bytes) -> None:
        self._place = place
        self._daemon = place.daemon
        self._images = images
        self._bytes = content

    def forget_probes(self, containers: Sequence[Container]) -> None:
        """Remove what a process left that died while it asked whether the daemon shares its disk."""
        for container in containers:
            if container.mark.kind is Kind.PROBE:
                self._daemon.remove(container.id)

    def image(self, order: Order) -> str:
        """The id of the image that an order is for; pulled if need be."""
        return self._images.ensure(order)

    def supply(self, order: Order, mark: Mark, what: str, digest: str, folder: str) -> Supply:
        """Content of the store for one container."""
        return self._bytes.supply(mark, self.image(order), what, digest, folder)

    def make(
        self,
        order: Order,
        mark: Mark,
        mounts: Sequence[Mapping[str, Any]],
        given: Mapping[str, str],
        port: int | None = None,
    ) -> str:
        """Make a container, and return its id; nothing is started.

        A container of the same name is what a process left that died while making it: it goes.

        Raises:
            ProviderError: a secret is missing, there is no image, or Docker refuses.
        """
        resolved = resolve_environment(order.env, address=order.address, base=self._place.root)
        settings = self._place.settings
        recipe = Recipe(
            mark=mark,
            image=self.image(order),
            command=order.command,
            # There is no home for a user that the image does not know.
            env={"HOME": "/tmp", **resolved.values, **given},  # noqa: S108 - inside the container
            resources=order.resources,
            labels=_labels(order, port),
            mounts=mounts,
            user=settings.user,
            network=settings.network,
            publish=(settings.publish, port) if port else None,
        )
        try:
            return self._create(order, mark, recipe)
        except NotSharedError as error:
            raise refused(self._daemon.host, "mount the store's content", str(error)) from error
        except NotThereError as error:
            raise refused(self._daemon.host, f"make a container of {order.address}", str(error)) from error

    def start(self, order: Order, container: str) -> None:
        """Start a container. PortTakenError if somebody has its port."""
        try:
            self._daemon.start(container)
        except NotStartedError as error:
            raise program_refused(order.address, str(error)) from error

    def runtime(
        self,
        order: DeploymentOrder,
        replica: int,
        run: int,
        *,
        fixed: int | None = None,
        had: int | None = None,
    ) -> str:
        """Start a replica and return its container's id: on the fixed port, or on a free one.

        `had` is the port that it would best have if it is free.

        Raises:
            ProviderError: the fixed port is taken, or no free one was found.
        """
        free = [*([had] if had else []), *random.sample(_PORTS, _ATTEMPTS)]
        for port in [fixed] if fixed else free:
            container = self.prepare(order, replica, run, port)
            try:
                self.start(order, container)
            except PortTakenError:
                self._daemon.remove(container)
            else:
                return container
        raise port_taken(order.address, fixed, self.holder(fixed)) if fixed else no_free_port(order.address)

    def anchor(self, order: DeploymentOrder, run: int) -> str:
        """Make what stands for a deployment without replicas: a container that is never started."""
        mark = self._mark(order, 0, run)
        return self.make(order, mark, (), _given(order))

    def prepare(self, order: DeploymentOrder, replica: int, run: int, port: int) -> str:
        """Make a replica's container, ready to be started."""
        mark = self._mark(order, replica, run)
        supply = self.supply(order, mark, "model", order.model, MODEL)
        container = self.make(order, mark, (supply.mount,), _given(order), port)
        supply.fill(self._daemon, container)
        return container

    def holder(self, port: int) -> str:
        """Who has a port, as far as the daemon knows."""
        name = self._daemon.publisher(port)
        return f"the container {name}" if name else "another program"

    def _mark(self, order: DeploymentOrder, replica: int, run: int) -> Mark:
        return Mark(self._place.lineage, order.address, order.token, Kind.DEPLOYMENT, replica, run)

    def _create(self, order: Order, mark: Mark, recipe: Recipe) -> str:
        try:
            return self._daemon.create(mark.name, recipe.config())
        except NameTakenError:
            self._clear(order, mark)
        try:
            return self._daemon.create(mark.name, recipe.config())
        except NameTakenError as error:
            raise TransientError(f"the container {mark.name} is being made by somebody else") from error

    def _clear(self, order: Order, mark: Mark) -> None:
        """Remove the container that has a name which is ours."""
        try:
            found = self._daemon.inspect(mark.name)
        except NotThereError:
            return
        labels = found["Config"]["Labels"] or {}
        if any(labels.get(key) != value for key, value in mark.labels.items()):
            raise name_taken(order.address, mark.name)
        self._daemon.remove(found["Id"])


def _given(order: DeploymentOrder) -> dict[str, str]:
    return {"MODEL_PATH": f"{MODEL}/{CONTENT}", "MODEL_ID": order.model_id, "PORT": str(PORT)}


def _labels(order: Order, port: int | None) -> dict[str, str]:
    """The user's labels, and those that say more than whose the container is. No values of secrets."""
    secrets = sorted(name for name, value in order.env.items() if isinstance(value, SecretValue))
    users = order.labels if isinstance(order, DeploymentOrder) else {}
    own = {
        f"{PREFIX}image": order.image or "",
        f"{PREFIX}secrets": ",".join(secrets),
        f"{PREFIX}port": str(port or ""),
    }
    return {**users, **own}

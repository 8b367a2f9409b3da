"""Containers as the daemon lists them, and what they are made of. Pure."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from specr.address import Address, parse_address
from specr.providers.docker.marks import PREFIX, Kind, Mark
from specr.providers.docker.quantities import host_limits
from specr.resources.compute import Compute

PORT: Final = 8080
"""Where runtimes listen in their containers."""

_ENDED: Final = re.compile(r"\((\d+)\)")
_BY_SIGNAL: Final = 128


class Container(Struct, frozen=True):
    """One of an object's containers, as a list call tells.

    `image` is the image's id. `state` is the daemon's word: created, running, paused,
    restarting, exited, removing or dead; `status` its sentence, such as `Exited (3) 5 s ago`.
    """

    id: str
    name: str
    mark: Mark
    port: int | None
    image: str
    state: str
    status: str
    labels: Mapping[str, str]

    @property
    def is_running(self) -> bool:
        """Whether its program runs."""
        return self.state == "running"

    @property
    def has_port(self) -> bool:
        """Whether it is in a state in which its port is its own."""
        return self.state in {"running", "restarting", "paused"}

    @property
    def ended(self) -> str:
        """What has become of a container that does not run, in a few words."""
        code = _ENDED.search(self.status)
        match self.state:
            case "created":
                return f"container {self.name} was never started"
            case "paused" | "removing" | "dead":
                return f"container {self.name} is {self.state}"
            case "restarting":
                status = f", and exits with status {code[1]}" if code else ""
                return f"container {self.name} is started again and again{status}"
        return tell_exit(self.name, int(code[1])) if code else f"container {self.name} does not run"


class Recipe(Struct, frozen=True):
    """What a container is made of. `env` holds secret values; so it is never shown."""

    mark: Mark
    image: str
    command: Sequence[str]
    env: Mapping[str, str]
    resources: Compute
    labels: Mapping[str, str]
    mounts: Sequence[Mapping[str, Any]]
    user: str | None
    network: str | None
    publish: tuple[str, int] | None = None

    def config(self) -> dict[str, Any]:
        """The body of the API's call that makes a container.

        The program gets no rights beyond its user's, a root that it can't write to, and a
        /tmp in memory. It may run what it writes there: libraries that bring code of their
        machine's own unpack it there.
        """
        host: dict[str, Any] = {
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "Tmpfs": {"/tmp": "rw,exec,nosuid,nodev,mode=1777"},  # noqa: S108 - inside the container
            "Mounts": list(self.mounts),
            **host_limits(self.resources),
        }
        config: dict[str, Any] = {
            "Image": self.image,
            "Env": [f"{name}={value}" for name, value in self.env.items()],
            "Labels": {**self.labels, **self.mark.labels},
            "HostConfig": host,
        }
        if self.command:
            config["Entrypoint"] = list(self.command)
        if self.user is not None:
            config["User"] = self.user
        if self.network is not None:
            host["NetworkMode"] = self.network
        if self.publish is not None:
            address, port = self.publish
            config["ExposedPorts"] = {f"{PORT}/tcp": {}}
            host["PortBindings"] = {f"{PORT}/tcp": [{"HostIp": address, "HostPort": str(port)}]}
        return config


def decode_container(listed: Mapping[str, Any]) -> Container | None:
    """A container from the API's list; None for one whose labels make no sense."""
    labels: Mapping[str, str] = listed["Labels"] or {}
    try:
        mark = Mark(
            labels[f"{PREFIX}lineage"],
            parse_address(labels[f"{PREFIX}address"]),
            labels[f"{PREFIX}token"],
            Kind(labels[f"{PREFIX}kind"]),
            int(labels[f"{PREFIX}replica"]),
            int(labels[f"{PREFIX}run"]),
        )
        port = labels.get(f"{PREFIX}port")
        return Container(
            id=listed["Id"],
            name=(listed["Names"] or [listed["Id"][:12]])[0].lstrip("/"),
            mark=mark,
            port=int(port) if port else None,
            image=listed["ImageID"],
            state=listed["State"],
            status=listed["Status"],
            labels=labels,
        )
    except (KeyError, ValueError):
        return None


def newest(containers: Iterable[Container], replica: int) -> Container | None:
    """The container that counts for a replica: the newest that runs, else the newest."""
    own = [c for c in containers if c.mark.replica == replica and c.mark.kind is Kind.DEPLOYMENT]
    return max(own, key=lambda c: (c.is_running, c.mark.run), default=None)


def next_run(containers: Iterable[Container], replica: int) -> int:
    """The number of a replica's next run."""
    return max((c.mark.run for c in containers if c.mark.replica == replica), default=0) + 1


def of_address(containers: Iterable[Container], address: Address) -> list[Container]:
    """The containers of one address, whatever their token."""
    return [c for c in containers if c.mark.address == address]


def tell_exit(name: str, code: int, *, out_of_memory: bool = False, limit: str | None = None) -> str:
    """How a container has ended, in a few words."""
    if out_of_memory:
        allowed = f", {limit}" if limit else ""
        return f"container {name} was killed because it needed more memory than it may have{allowed}"
    told = f"container {name} has exited with status {code}"
    if code <= _BY_SIGNAL:
        return told
    try:
        number = signal.Signals(code - _BY_SIGNAL)
    except ValueError:
        return told
    return f"{told} ({number.name})"

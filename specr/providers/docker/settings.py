"""What a project may say of a provider of type `docker`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from specr.resources.base import Filled, Part, form

Host = Annotated[str, form(r"^(unix|http\+unix|npipe|ssh|tcp|http|https)://\S+$")]
"""The address of a daemon, as Docker's own tools take it."""


class DockerSettings(Part, frozen=True, kw_only=True):
    """Settings of a provider of type `docker`."""

    host: Host | None = None
    """The daemon, such as `unix:///var/run/docker.sock`, `tcp://build:2376` or `ssh://me@build`; left
    out, `DOCKER_HOST` and its companions count, then the Docker context in use."""

    network: Filled | None = None
    """An existing network that containers join; left out, Docker's default one."""

    publish: Filled = "127.0.0.1"
    """The address, on the daemon's machine, at which deployments' ports are published."""

    address: Filled | None = None
    """The name or address under which specr and callers reach those ports; left out, 127.0.0.1, or
    the host in `host` where ports are published at another address."""

    bytes: Literal["auto", "mount", "copy"] = "auto"
    """How artifacts and models get into containers: `mount` from a disk shared with the daemon, `copy`
    through its API, or `auto`: by mount if the daemon is found to share the disk."""

    user: Filled | None = "65532:65532"
    """The user and group that programs run as; null for those that the image says."""

    stop_seconds: Annotated[int, Meta(ge=0, le=3600)] = 10
    """Seconds that a runtime gets to end after it was told to, before it is killed."""

    timeout: Annotated[int, Meta(gt=0)] = 60
    """Seconds that the daemon gets for an answer."""

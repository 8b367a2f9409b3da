"""The Docker daemon: the few calls that are made, with errors as specr's own.

The only importer of the package `docker`, on the first call. It knows nothing of builds and
deployments. What the daemon refuses is a ProviderError; where it does not answer properly, a
TransientError.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from specr.providers.docker.problems import (
    bad_connection,
    check_address,
    no_client,
    no_permission,
    refused,
    roots,
)
from specr.providers.protocol import ProviderError, TransientError

_log = logging.getLogger(__name__)

DEFAULT_HOST: Final = "unix:///var/run/docker.sock"

_PORT_TAKEN: Final = ("port is already allocated", "address already in use", "ports are not available")
_PASSING: Final = ("already in progress", "is restarting", "is being removed", "volume is in use")
"""Refusals that another attempt a moment later does not meet."""

_GOING: Final = ("dead or marked for removal", "marked for removal and cannot be")
"""Refusals of what is as good as gone: a daemon that was killed while it removed a container leaves it so."""

_CONNECTIONS: Final = 32


class PortTakenError(Exception):
    """A container could not be started, since somebody has its port."""


class NameTakenError(Exception):
    """A container of this name exists."""


class NotStartedError(Exception):
    """A container could not be started; the text says why."""


class NotThereError(Exception):
    """There is no such container, or nothing at that path in it."""


class NotSharedError(Exception):
    """The daemon does not see, or may not mount, a path on this machine."""


class Daemon:
    """Talks to one daemon. Nothing is opened before the first call. Safe for several threads."""

    def __init__(self, host: str | None, timeout: int) -> None:
        self._host = host
        self._timeout = timeout
        self._opening = threading.Lock()
        self._client: Any = None  # an APIClient; the stubs of its package leave out half of what is called
        self._opened = ""

    @property
    def host(self) -> str:
        """Where the daemon is, for messages and for reaching published ports."""
        return self._opened or self._host or os.environ.get("DOCKER_HOST") or DEFAULT_HOST

    def containers(self, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        """All containers with these labels, running or not, as the API lists them. One call."""
        filters = {"label": [f"{key}={value}" for key, value in labels.items()]}
        with self._asking("list containers") as client:
            found: list[dict[str, Any]] = client.containers(all=True, filters=filters)
            return found

    def publisher(self, port: int) -> str | None:
        """The name of the running container that has this port published, if one has."""
        with self._asking("list containers") as client:
            for container in client.containers():
                if any(one.get("PublicPort") == port for one in container["Ports"] or ()):
                    return str(container["Names"][0]).lstrip("/")
        return None

    def inspect(self, container: str) -> dict[str, Any]:
        """All about a container. NotThereError if it is gone."""
        with self._asking("look at a container") as client:
            found: dict[str, Any] = client.inspect_container(container)
            return found

    def create(self, name: str, config: Mapping[str, Any]) -> str:
        """Make a container, and return its id; nothing is started.

        Raises:
            NameTakenError: a container of this name exists.
            NotSharedError: what is to be mounted is not on the daemon's disk.
        """
        with self._asking(f"create the container {name}") as client:
            made = client.create_container_from_config(dict(config), name)
            return str(made["Id"])

    def start(self, container: str) -> None:
        """Start a container; one that runs already is fine.

        Raises:
            PortTakenError: somebody has its port.
            NotStartedError: its program can't be started.
        """
        from docker.errors import APIError  # noqa: PLC0415 - only who uses Docker has it

        with self._asking("start a container") as client:
            try:
                client.start(container)
            except APIError as error:
                text = _told(error)
                if any(words in text for words in _PORT_TAKEN):
                    raise PortTakenError(text) from error
                if error.status_code == 400 or "OCI runtime" in text:
                    raise NotStartedError(text) from error
                raise

    def keep_running(self, container: str) -> None:
        """Let the daemon start a container again whenever it ends by itself, and after a reboot."""
        with self._asking("set a restart policy") as client:
            client.update_container(container, restart_policy={"Name": "unless-stopped"})

    def stop(self, container: str, seconds: int) -> None:
        """Tell a container to end, and kill it after so many seconds."""
        try:
            with self._asking("stop a container") as client:
                client.stop(container, timeout=seconds)
        except NotThereError:
            return

    def remove(self, container: str) -> None:
        """Kill and remove a container with its unnamed volumes; one that is gone already is no error."""
        try:
            with self._asking("remove a container") as client:
                client.remove_container(container, force=True, v=True)
        except NotThereError:
            return

    def remove_volumes(self, labels: Mapping[str, str]) -> None:
        """Remove the volumes with these labels."""
        filters = {"label": [f"{key}={value}" for key, value in labels.items()]}
        with self._asking("list volumes") as client:
            volumes = client.volumes(filters=filters)["Volumes"] or []
        for volume in volumes:
            try:
                with self._asking("remove a volume") as client:
                    client.remove_volume(volume["Name"], force=True)
            except NotThereError:
                continue

    def put(self, container: str, folder: str, archive: bytes | Iterable[bytes]) -> None:
        """Unpack a tar archive in a folder of a container that exists, running or not."""
        with self._asking("copy into a container") as client:
            client.put_archive(container, folder, archive)

    @contextmanager
    def get(self, container: str, path: str) -> Iterator[Iterable[bytes]]:
        """What is at a path in a container, as a tar archive. NotThereError if nothing is."""
        with self._asking("copy out of a container") as client:
            pieces, _ = client.get_archive(container, path)
            yield pieces

    def logs(self, container: str, tail: int | None) -> bytes:
        """What a container has printed; NotThereError if it is gone."""
        with self._asking("read a container's log") as client:
            text: bytes = client.logs(container, tail="all" if tail is None else tail)
            return text

    def image(self, reference: str) -> dict[str, Any] | None:
        """All about an image that the daemon has; None if it has not."""
        try:
            with self._asking("look at an image") as client:
                found: dict[str, Any] = client.inspect_image(reference)
                return found
        except NotThereError:
            return None

    def distribution(self, reference: str) -> str:
        """The digest that the registry gives for an image, asked with the user's credentials.

        Raises:
            NotThereError: it gives none; the text says why.
        """
        from docker.errors import APIError  # noqa: PLC0415 - only who uses Docker has it

        with self._asking("ask a registry") as client:
            try:
                return str(client.inspect_distribution(reference)["Descriptor"]["digest"])
            except APIError as error:
                raise NotThereError(_told(error)) from error

    def pull(self, reference: str) -> None:
        """Get an image from its registry, with the user's credentials.

        Raises:
            NotThereError: it can't be had; the text says why.
        """
        from docker.errors import APIError  # noqa: PLC0415 - only who uses Docker has it

        repository, tag = split_reference(reference)
        with self._asking("pull an image") as client:
            try:
                for line in client.pull(repository, tag=tag or "latest", stream=True, decode=True):
                    if "error" in line:
                        raise NotThereError(str(line["error"]))
            except APIError as error:
                raise NotThereError(_told(error)) from error

    def tag(self, image: str, reference: str) -> None:
        """Give an image a name."""
        repository, tag = split_reference(reference)
        with self._asking("name an image") as client:
            client.tag(image, repository, tag or "latest")

    def now(self) -> str:
        """The daemon's time, as its API writes times."""
        with self._asking("tell the time") as client:
            return str(client.info()["SystemTime"])

    @contextmanager
    def _asking(self, doing: str) -> Iterator[Any]:
        """Give the client, and turn what it raises into errors that say what to do."""
        try:
            from docker.errors import APIError, DockerException  # noqa: PLC0415 - 75 ms, and not everybody has it
            from requests.exceptions import RequestException  # noqa: PLC0415
            from urllib3.exceptions import HTTPError  # noqa: PLC0415
        except ImportError as error:
            raise no_client() from error
        try:
            _log.debug("docker: %s", doing)
            yield self._open()
        except APIError as error:
            raise self._translated(error, doing) from error
        except (RequestException, HTTPError, ConnectionError) as error:
            raise self._unreached(error) from error
        except DockerException as error:
            raise self._unopened(error) from error

    def _open(self) -> Any:
        with self._opening:
            if self._client is None:
                from docker import APIClient  # noqa: PLC0415 - see `_asking`
                from docker.context import ContextAPI  # noqa: PLC0415
                from docker.utils import kwargs_from_env  # noqa: PLC0415

                found: dict[str, Any] = {**kwargs_from_env()}
                if self._host:
                    found["base_url"] = self._host
                elif "base_url" not in found:
                    found |= ContextAPI.kwargs_from_context()
                self._opened = str(found.get("base_url") or DEFAULT_HOST)
                check_address(self._opened)
                self._client = APIClient(
                    **found,
                    version="auto",
                    timeout=self._timeout,
                    use_ssh_client=True,
                    max_pool_size=_CONNECTIONS,
                )
            return self._client

    def _translated(self, error: Any, doing: str) -> Exception:
        status, text = error.status_code, _told(error)
        if status == 404 or (status == 409 and any(words in text for words in _GOING)):
            return NotThereError(text)
        if status == 409 and "is already in use by container" in text:
            return NameTakenError(text)
        if status in {400, 403} and "mount" in text:
            return NotSharedError(text)
        if status is None or status == 429 or status >= 500 or any(words in text for words in _PASSING):
            return TransientError(f"the Docker daemon at {self.host} could not {doing}: {text}")
        return refused(self.host, doing, text)

    def _unreached(self, error: Exception) -> ProviderError | TransientError:
        if any(isinstance(root, PermissionError) for root in roots(error)):
            return no_permission(self.host)
        deepest = [root for root in roots(error) if isinstance(root, OSError) and root.strerror]
        why = deepest[-1].strerror if deepest else str(error)
        return TransientError(f"the Docker daemon at {self.host} does not answer: {why}")

    def _unopened(self, error: Exception) -> ProviderError | TransientError:
        """The client could not be made: because of the connection, or of how it is configured."""
        if any(isinstance(root, OSError) for root in roots(error)):
            return self._unreached(error)
        return bad_connection(self.host, str(error))


def split_reference(reference: str) -> tuple[str, str | None]:
    """An image reference as its repository and its tag or digest (`sha256:…`), if it has one."""
    if "@" in reference:
        repository, _, digest = reference.partition("@")
        return split_reference(repository)[0], digest
    repository, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        return reference, None
    return repository, tag


def _told(error: Any) -> str:
    return str(error.explanation or error).strip().rstrip(".")

"""How bytes get into containers: from a disk that the daemon shares, or through its API.

Where the disk is shared, a container mounts the store's content, read-only. Elsewhere it gets
a volume of its own, which is filled before it is started and goes when it goes. Either way
the content is at the same place in the container.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import Struct

from specr.address import Address
from specr.diagnostics import DiagnosticError
from specr.providers.content import ByteStore
from specr.providers.docker.archives import ArchiveError, pack, read_file
from specr.providers.docker.daemon import Daemon, NotSharedError, NotThereError
from specr.providers.docker.marks import Kind, Mark
from specr.providers.docker.problems import as_provider_error, no_bytes

CONTENT: Final = "content"
"""The name of a file or folder in its place."""

_PROBE: Final = "/specr/probe"


class Supply(Struct, frozen=True):
    """One content for one container: what is to be mounted, and what is to be copied after that."""

    path: Path
    folder: str
    mount: Mapping[str, Any]
    copied: bool

    def fill(self, daemon: Daemon, container: str) -> None:
        """Copy the content into a container that was made with this mount, if it has to be."""
        if self.copied:
            daemon.put(container, self.folder, pack(self.path, CONTENT))


class Bytes:
    """Brings content of a store into containers of one daemon."""

    def __init__(self, daemon: Daemon, store: ByteStore, how: Literal["auto", "mount", "copy"]) -> None:
        self._daemon = daemon
        self._store = store
        self._deciding = threading.Lock()
        self._shared: bool | None = {"auto": None, "mount": True, "copy": False}[how]

    def supply(self, mark: Mark, image: str, what: str, digest: str, folder: str) -> Supply:
        """Content for a container; it will be at `<folder>/content`.

        Args:
            mark: whose container it is.
            image: an image that the daemon has, should it have to be asked.
            what: what the content is, for messages.
            digest: which content of the store.
            folder: where in the container.

        Raises:
            ProviderError: the store does not have it, or it is damaged.
        """
        path = self._find(mark.address, what, digest)
        if self._is_shared(mark, image):
            mount = {"Type": "bind", "Source": str(path), "Target": f"{folder}/{CONTENT}", "ReadOnly": True}
            return Supply(path, folder, mount, copied=False)
        return Supply(path, folder, volume(mark, folder), copied=True)

    def _find(self, address: Address, what: str, digest: str) -> Path:
        try:
            return self._store.path(digest)
        except LookupError:
            raise no_bytes(address, what, digest) from None
        except DiagnosticError as error:
            raise as_provider_error(error) from error

    def _is_shared(self, mark: Mark, image: str) -> bool:
        """Whether the daemon sees the store's disk; asked once."""
        with self._deciding:
            if self._shared is None:
                self._shared = self._ask(mark, image)
            return self._shared

    def _ask(self, mark: Mark, image: str) -> bool:
        """Write a secret word into the store's folder, and have the daemon read it there.

        The container is never started. It carries the object's marks, so that it is found
        and removed with the object, should this process die meanwhile.
        """
        word = os.urandom(16).hex().encode()
        probe = Mark(mark.lineage, mark.address, mark.token, Kind.PROBE, 0, int.from_bytes(os.urandom(4)))
        with self._staging() as folder:
            (folder / "word").write_bytes(word)
            config = {
                "Image": image,
                "Entrypoint": ["specr-probe"],
                "Labels": probe.labels,
                "HostConfig": {
                    "Mounts": [{"Type": "bind", "Source": str(folder), "Target": _PROBE, "ReadOnly": True}]
                },
            }
            try:
                container = self._daemon.create(probe.name, config)
            except NotSharedError:
                return False
            try:
                with self._daemon.get(container, f"{_PROBE}/word") as pieces:
                    return read_file(pieces) == word
            except (NotThereError, ArchiveError):
                return False
            finally:
                self._daemon.remove(container)

    @contextmanager
    def _staging(self) -> Any:
        try:
            with self._store.staging() as folder:
                yield folder
        except DiagnosticError as error:
            raise as_provider_error(error) from error


def volume(mark: Mark, folder: str) -> dict[str, Any]:
    """A new volume without a name, for one container: it goes when the container goes."""
    return {
        "Type": "volume",
        "Target": folder,
        "VolumeOptions": {"NoCopy": True, "Labels": mark.labels},
    }

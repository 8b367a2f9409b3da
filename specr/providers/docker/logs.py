"""What containers have printed, with the values of secrets masked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from specr.providers.docker.archives import ArchiveError, pack_file, read_file
from specr.providers.docker.containers import Container, newest
from specr.providers.docker.daemon import NotThereError
from specr.providers.docker.marks import PREFIX, Kind
from specr.providers.docker.starting import Place
from specr.providers.masking import Mask

_FILE: Final = "specr.log"
"""Where, in the container that stands for an output, the log of its build is."""


class Logs:
    """Reads logs of one daemon's containers."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._daemon = place.daemon

    def of_object(self, token: str, tail: int | None) -> list[str]:
        """The lines of all of an object's containers that count, replica by replica."""
        if tail == 0:
            return []
        containers = self._place.containers(token)
        outputs = [c for c in containers if c.mark.kind is Kind.OUTPUT]
        builds = [c for c in containers if c.mark.kind is Kind.BUILD]
        if outputs or builds:
            # A build's own log is whole for as long as it is there.
            return list(self.of_container((builds or outputs)[-1], tail))
        replicas = _current(containers)
        lines = [
            f"replica {container.mark.replica}: {line}" if len(replicas) > 1 else line
            for container in replicas
            for line in self.of_container(container, tail)
        ]
        return lines if tail is None else lines[max(0, len(lines) - tail) :]

    def of_container(self, container: Container, tail: int | None) -> Sequence[str]:
        """The lines of one container, or the last `tail` of them; none if it is gone."""
        try:
            if container.mark.kind is Kind.OUTPUT:
                with self._daemon.get(container.id, f"/{_FILE}") as pieces:
                    data = read_file(pieces)
            else:
                data = self._mask(container).in_bytes(self._daemon.logs(container.id, tail))
        except (NotThereError, ArchiveError):
            return []
        return split_lines(data, tail)

    def _mask(self, container: Container) -> Mask:
        names = [name for name in container.labels.get(f"{PREFIX}secrets", "").split(",") if name]
        if not names:
            return Mask(())
        env = dict(entry.partition("=")[::2] for entry in self._daemon.inspect(container.id)["Config"]["Env"])
        return Mask(env[name] for name in names if name in env)


def pack_log(lines: Sequence[str]) -> bytes:
    """An archive with a log, for the container that stands for an output."""
    return pack_file(_FILE, "".join(f"{line}\n" for line in lines).encode(errors="replace"))


def split_lines(data: bytes, tail: int | None) -> list[str]:
    """The lines of a log. Not at all that Unicode calls line ends: programs print those within lines."""
    lines = [line.rstrip("\r") for line in data.decode(errors="replace").removesuffix("\n").split("\n")]
    if lines == [""]:
        return []
    return lines if tail is None else lines[max(0, len(lines) - tail) :]


def _current(containers: Sequence[Container]) -> list[Container]:
    """The container that counts of each replica."""
    replicas = sorted({c.mark.replica for c in containers if c.mark.kind is Kind.DEPLOYMENT})
    return [found for replica in replicas if (found := newest(containers, replica)) is not None]

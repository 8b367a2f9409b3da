"""Builds on Docker: a processor runs in a container to its end, and what it wrote goes to the store.

The output is copied out through the API wherever the daemon is: files that a container's user
wrote may be read, moved or removed by nobody else. Once the output is in the store, the
container and its volumes go, and a small one stays in their place that is never started: its
labels tell the output's digest and size, and it holds the log, in which no secret is left.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Final

from specr.canonical import JsonObject
from specr.diagnostics import DiagnosticError
from specr.plan.observed import Observation
from specr.providers.content import ByteStore, Content
from specr.providers.docker.archives import ArchiveError, pack_folder, unpack
from specr.providers.docker.containers import Container, tell_exit
from specr.providers.docker.content import CONTENT, volume
from specr.providers.docker.daemon import NotThereError
from specr.providers.docker.logs import Logs, pack_log
from specr.providers.docker.marks import PREFIX, Kind, Mark
from specr.providers.docker.problems import as_provider_error, bad_output
from specr.providers.docker.starting import Place, Starter
from specr.providers.protocol import BuildOrder, Readiness
from specr.state.model import ObjectRef

_SOURCE: Final = "/specr/source"
_TARGET: Final = "/specr/target"
_OUTPUT: Final = "output"
_WORK: Final = "work"


class DockerBuilds:
    """Starts processors and collects what they write."""

    def __init__(self, place: Place, starter: Starter, logs: Logs, store: ByteStore) -> None:
        self._place = place
        self._daemon = place.daemon
        self._starter = starter
        self._logs = logs
        self._store = store
        self._behind: timedelta | None = None

    def create(self, order: BuildOrder) -> JsonObject:
        """Start the processor, or take up the build with this token.

        What an earlier attempt left that did not end well is not taken up: who wants the build
        now wants it run again.
        """
        containers = self._place.containers(order.token)
        self._starter.forget_probes(containers)
        output = _find(containers, Kind.OUTPUT)
        if output is not None:
            return _attributes(output)
        runs = [c for c in containers if c.mark.kind is Kind.BUILD]
        if any(c.is_running or c.status.startswith("Exited (0)") for c in runs):
            return {}
        for container in containers:
            self._daemon.remove(container.id)
        self._start(order, max((c.mark.run for c in runs), default=0) + 1)
        return {}

    def readiness(self, ref: ObjectRef, order: BuildOrder) -> Readiness:
        """How far it is; when the processor has ended, its output goes to the store here."""
        containers = self._place.containers(ref.token)
        build, output = _find(containers, Kind.BUILD), _find(containers, Kind.OUTPUT)
        if output is not None:
            self._settle(build, output)
            return Readiness(done=True, succeeded=True, attributes=_attributes(output))
        if build is None:
            return Readiness(done=True, message="it is gone")
        if build.is_running:
            return self._in_time(build, order)
        if build.state != "exited":
            return Readiness(done=build.state == "dead", message=build.ended)
        told = self._exit(build, order)
        if told:
            return Readiness(done=True, message=told)
        return self._collect(build, order)

    def observe(self, ref: ObjectRef, containers: list[Container]) -> Observation:
        """Whether the output is there."""
        output = _find(containers, Kind.OUTPUT)
        found = {**(_attributes(output) if output else {}), **ref.attributes}
        digest = found.get("digest")
        if digest is None:
            return Observation(exists=bool(containers), message="" if containers else "it never ran")
        if not self._store.has(digest):
            return Observation(exists=False, message="its output is no longer in the store")
        return Observation(exists=True, attributes={"digest": digest})

    def _start(self, order: BuildOrder, run: int) -> None:
        mark = Mark(self._place.lineage, order.address, order.token, Kind.BUILD, 0, run)
        source = self._starter.supply(order, mark, "artifact", order.source, _SOURCE)
        given = {"SOURCE_PATH": f"{_SOURCE}/{CONTENT}", "TARGET_PATH": f"{_TARGET}/{_WORK}/{_OUTPUT}"}
        container = self._starter.make(order, mark, (source.mount, volume(mark, _TARGET)), given)
        source.fill(self._daemon, container)
        # The volume is root's, and the program's user may be any: it gets a folder that all may use.
        self._daemon.put(container, _TARGET, pack_folder(_WORK, 0o777))
        self._starter.start(order, container)

    def _in_time(self, build: Container, order: BuildOrder) -> Readiness:
        """A processor is stopped here at its time limit: the daemon has no notion of one."""
        since = self._daemon.inspect(build.id)["State"]["StartedAt"]
        if self._now() - _moment(since) >= timedelta(seconds=order.timeout):
            self._daemon.stop(build.id, 0)
            return Readiness(done=True, message=_late(build, order))
        return Readiness(done=False, message=f"container {build.name} is at work")

    def _exit(self, build: Container, order: BuildOrder) -> str:
        """What stands against the way a processor has ended; nothing if it ended well."""
        state = self._daemon.inspect(build.id)["State"]
        code = state["ExitCode"]
        if code == 0:
            return ""
        took = _moment(state["FinishedAt"]) - _moment(state["StartedAt"])
        if took >= timedelta(seconds=order.timeout) and not state["OOMKilled"]:
            return _late(build, order)
        limit = order.resources.limits.memory
        return tell_exit(build.name, code, out_of_memory=state["OOMKilled"], limit=limit)

    def _collect(self, build: Container, order: BuildOrder) -> Readiness:
        try:
            stored = self._take(build, order)
        except NotThereError:
            return Readiness(
                done=True,
                message=f"container {build.name} has exited with status 0, but wrote nothing at TARGET_PATH",
            )
        mark = Mark(self._place.lineage, order.address, order.token, Kind.OUTPUT, 0, build.mark.run)
        labels = {
            **mark.labels,
            f"{PREFIX}digest": stored.digest,
            f"{PREFIX}size": str(stored.size),
            f"{PREFIX}image": order.image or "",
        }
        lines = self._logs.of_container(build, None)
        kept = self._daemon.create(mark.name, {"Image": build.image, "Entrypoint": ["-"], "Labels": labels})
        self._daemon.put(kept, "/", pack_log(lines))
        self._daemon.remove(build.id)
        attributes = {"digest": stored.digest, "size": stored.size}
        return Readiness(done=True, succeeded=True, attributes=attributes)

    def _take(self, build: Container, order: BuildOrder) -> Content:
        """Copy the output out of its container into the store. NotThereError if there is none."""
        try:
            with self._store.staging() as staging:
                output = staging / _OUTPUT
                with self._daemon.get(build.id, f"{_TARGET}/{_WORK}/{_OUTPUT}") as pieces:
                    unpack(pieces, output)
                return self._store.add(output, move=True)
        except ArchiveError as error:
            raise bad_output(order.address, str(error)) from error
        except DiagnosticError as error:
            raise as_provider_error(error) from error

    def _settle(self, build: Container | None, output: Container) -> None:
        """Finish what a process began that died while it put the output's container in place.

        A build whose removal was begun has no log any more: it is with the output already.
        """
        if build is None:
            return
        lines = self._logs.of_container(build, None)
        if lines:
            self._daemon.put(output.id, "/", pack_log(lines))
        self._daemon.remove(build.id)

    def _now(self) -> datetime:
        """The daemon's time: asked once, since then it goes like this machine's."""
        if self._behind is None:
            here = datetime.fromtimestamp(time.time()).astimezone()
            self._behind = here - _moment(self._daemon.now())
        return datetime.fromtimestamp(time.time()).astimezone() - self._behind


def _find(containers: list[Container], kind: Kind) -> Container | None:
    """The newest container of a kind."""
    return max((c for c in containers if c.mark.kind is kind), key=lambda c: c.mark.run, default=None)


def _attributes(output: Container) -> JsonObject:
    return {"digest": output.labels[f"{PREFIX}digest"], "size": int(output.labels[f"{PREFIX}size"])}


def _late(build: Container, order: BuildOrder) -> str:
    return f"container {build.name} was stopped at its time limit of {order.timeout} s"


def _moment(text: str) -> datetime:
    """A time as the API writes it: RFC 3339, with up to nine digits of a second."""
    whole, _, rest = text.partition(".")
    if not rest:
        return datetime.fromisoformat(text)
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return datetime.fromisoformat(f"{whole}.{digits[:6]:0<6}{rest[len(digits) :]}")

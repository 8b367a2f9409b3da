"""What the writes of one transaction come to: the same for every backend.

Pure: the serial, the newest run and the time are handed in, and nothing is stored here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from specr.address import Address
from specr.backends.protocol import Begin, Done, FinishRun, Put, Remove, Settle, StartRun, Write
from specr.canonical import Json, JsonObject, decode_json, encode_json
from specr.state.codec import (
    DamagedStateError,
    decode_pending,
    decode_recorded,
    decode_run,
    encode_pending,
    encode_recorded,
    encode_run,
)
from specr.state.model import Pending, RecordedObject, Run

ENDINGS: Final = frozenset({"succeeded", "failed", "interrupted"})
"""What a run may be finished as."""


class Changeset(Struct, frozen=True):
    """What to store, each entry once. None means: take it away, if it is there.

    `runs` are new or changed, by number, and hold no addresses in `done`: those are in
    `done`, each with the number of its run.
    """

    objects: Mapping[Address, RecordedObject | None] = field(default_factory=dict)
    pending: Mapping[Address, Pending | None] = field(default_factory=dict)
    runs: Mapping[int, Run] = field(default_factory=dict)
    done: tuple[tuple[int, Address], ...] = ()


def needs_run(writes: Sequence[Write]) -> bool:
    """Whether folding these writes depends on the newest run."""
    return any(isinstance(write, StartRun | Done | FinishRun) for write in writes)


def fold_writes(writes: Sequence[Write], newest: Run | None, *, serial: int, now: str) -> Changeset:
    """Carry writes out in their order; of two for one address the later one counts.

    Args:
        writes: those of one transaction.
        newest: the newest run, whatever its status; only asked for where `needs_run`.
        serial: that of the state before the transaction.
        now: the time, UTC, in ISO 8601 with seconds.

    Raises:
        ValueError: a run is finished or added to, and none is running; or it is finished
            as something unknown.
    """
    objects: dict[Address, RecordedObject | None] = {}
    pending: dict[Address, Pending | None] = {}
    runs: dict[int, Run] = {}
    done: list[tuple[int, Address]] = []
    for write in writes:
        match write:
            case Put(recorded):
                objects[recorded.address] = recorded
            case Remove(address):
                objects[address] = None
            case Begin(intent):
                pending[intent.address] = intent
            case Settle(address):
                pending[address] = None
            case Done(address):
                done.append((_running(newest).number, address))
            case StartRun():
                if newest is not None and newest.status == "running":
                    runs[newest.number] = replace(newest, status="interrupted", last=serial)
                newest = _started(write, newest, serial, now)
                runs[newest.number] = newest
            case FinishRun():
                newest = _finished(write, newest, serial, now)
                runs[newest.number] = newest
    return Changeset(objects, pending, runs, tuple(done))


def recorded_body(recorded: RecordedObject) -> bytes:
    """Canonical JSON of an object.

    Raises:
        TypeError, ValueError: it can't be recorded.
    """
    return _body(encode_recorded(recorded), decode_recorded)


def pending_body(pending: Pending) -> bytes:
    """Canonical JSON of an intent.

    Raises:
        TypeError, ValueError: it can't be recorded.
    """
    return _body(encode_pending(pending), decode_pending)


def run_body(run: Run) -> bytes:
    """Canonical JSON of a run.

    Raises:
        TypeError, ValueError: it can't be recorded.
    """
    return _body(encode_run(run), decode_run)


def _body(value: JsonObject, decode: Callable[[Json], object]) -> bytes:
    """The text, seen to decode again: what can't be read must never be written."""
    body = encode_json(value)
    try:
        decode(decode_json(body))
    except DamagedStateError as error:
        raise ValueError(f"this can't be recorded: {error}") from error
    return body


def _running(newest: Run | None) -> Run:
    if newest is None or newest.status != "running":
        raise ValueError("no run is running")
    return newest


def _started(write: StartRun, newest: Run | None, serial: int, now: str) -> Run:
    return Run(
        number=1 if newest is None else newest.number + 1,
        operation=write.operation,
        plan=write.plan,
        actor=write.actor,
        started=now,
        first=serial,
        last=serial + 1,
    )


def _finished(write: FinishRun, newest: Run | None, serial: int, now: str) -> Run:
    if write.status not in ENDINGS:
        raise ValueError(f"a run can't be finished as {write.status!r}, only {', '.join(sorted(ENDINGS))}")
    return replace(
        _running(newest),
        status=write.status,
        summary=dict(write.summary),
        finished=now,
        last=serial + 1,
    )

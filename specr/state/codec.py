"""Recorded state as JSON and back: the form that backends keep and that people pull.

Decoding checks every field, since what it reads may be damaged or written by hand, but
not whether the parts fit together: `checks` does that. No disk, no clock.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from specr.address import Address, parse_address
from specr.canonical import Json, JsonObject, decode_json, encode_pretty
from specr.state.model import FORMAT_VERSION, ObjectRef, Pending, RecordedObject, Run, State

T = TypeVar("T")

_RECORDED_FIELDS: Final = 8
_PENDING_FIELDS: Final = 7
_REF_FIELDS: Final = 4
_RUN_FIELDS: Final = 11
_STATE_FIELDS: Final = 6


class DamagedStateError(ValueError):
    """What was read is no recorded state; the message says which part and why."""


class NewerStateError(DamagedStateError):
    """The state has a format that this specr does not know yet."""

    def __init__(self, found: int) -> None:
        super().__init__(f"it has format {found}, and this specr knows formats up to {FORMAT_VERSION}")
        self.found = found


class AddressBook(dict[str, Address]):
    """Parsed addresses by their text, so that those that come often are parsed once."""

    def __missing__(self, text: str) -> Address:
        address = parse_address(text)
        self[text] = address
        return address


@contextmanager
def collection_paused() -> Iterator[None]:
    """Keep the cyclic garbage collector off.

    Making many objects that all stay makes no garbage, and is several times faster so.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def encode_recorded(recorded: RecordedObject) -> dict[str, Any]:
    """The JSON form of a recorded object, every field present."""
    return {
        "address": str(recorded.address),
        "arguments": dict(recorded.arguments),
        "attributes": dict(recorded.attributes),
        "fingerprint": recorded.fingerprint,
        "dependencies": [str(address) for address in recorded.dependencies],
        "provider": recorded.provider,
        "token": recorded.token,
        "tainted": recorded.tainted,
    }


def decode_recorded(value: Json, addresses: AddressBook | None = None) -> RecordedObject:
    """The inverse of `encode_recorded`; who decodes many hands in one book for all.

    Raises:
        DamagedStateError: a field is missing, unknown, or of the wrong type.
    """
    book = AddressBook() if addresses is None else addresses

    def decode() -> RecordedObject:
        _expect_count(value, _RECORDED_FIELDS)
        return RecordedObject(
            book[_text(value, "address")],
            _object(value, "arguments"),
            _object(value, "attributes"),
            _text(value, "fingerprint"),
            tuple([book[text] for text in _texts(value, "dependencies")]),
            _text(value, "provider"),
            _text(value, "token"),
            _flag(value, "tainted"),
        )

    return _decoded("object", value, decode)


def encode_ref(ref: ObjectRef) -> dict[str, Any]:
    """The JSON form of the way to an object."""
    return {
        "address": str(ref.address),
        "provider": ref.provider,
        "token": ref.token,
        "attributes": dict(ref.attributes),
    }


def decode_ref(value: Json, addresses: AddressBook | None = None) -> ObjectRef:
    """The inverse of `encode_ref`.

    Raises:
        DamagedStateError: a field is missing, unknown, or of the wrong type.
    """
    book = AddressBook() if addresses is None else addresses

    def decode() -> ObjectRef:
        _expect_count(value, _REF_FIELDS)
        return ObjectRef(
            book[_text(value, "address")],
            _text(value, "provider"),
            _text(value, "token"),
            _object(value, "attributes"),
        )

    return _decoded("leftover", value, decode)


def encode_pending(pending: Pending) -> dict[str, Any]:
    """The JSON form of an intent."""
    return {
        "address": str(pending.address),
        "action": pending.action,
        "provider": pending.provider,
        "token": pending.token,
        "effect": pending.effect,
        "plan": pending.plan,
        "leftovers": [encode_ref(ref) for ref in pending.leftovers],
    }


def decode_pending(value: Json, addresses: AddressBook | None = None) -> Pending:
    """The inverse of `encode_pending`.

    Raises:
        DamagedStateError: a field is missing, unknown, or of the wrong type.
    """
    book = AddressBook() if addresses is None else addresses

    def decode() -> Pending:
        _expect_count(value, _PENDING_FIELDS)
        return Pending(
            book[_text(value, "address")],
            _text(value, "action"),
            _text(value, "provider"),
            _text(value, "token"),
            _text(value, "effect"),
            _text(value, "plan"),
            tuple([decode_ref(ref, book) for ref in _list(value, "leftovers")]),
        )

    return _decoded("pending record", value, decode)


def encode_run(run: Run) -> dict[str, Any]:
    """The JSON form of an entry of the history; `done` is sorted."""
    return {
        "number": run.number,
        "operation": run.operation,
        "plan": run.plan,
        "actor": run.actor,
        "started": run.started,
        "first": run.first,
        "last": run.last,
        "finished": run.finished,
        "status": run.status,
        "summary": dict(run.summary),
        "done": sorted(map(str, run.done)),
    }


def decode_run(value: Json, addresses: AddressBook | None = None) -> Run:
    """The inverse of `encode_run`.

    Raises:
        DamagedStateError: a field is missing, unknown, or of the wrong type.
    """
    book = AddressBook() if addresses is None else addresses

    def decode() -> Run:
        _expect_count(value, _RUN_FIELDS)
        summary = _object(value, "summary")
        return Run(
            _count(value, "number"),
            _text(value, "operation"),
            _text(value, "plan"),
            _text(value, "actor"),
            _text(value, "started"),
            _count(value, "first"),
            _count(value, "last"),
            _text(value, "finished"),
            _text(value, "status"),
            {action: _count(summary, action) for action in summary},
            frozenset([book[text] for text in _texts(value, "done")]),
        )

    return _decoded("run", value, decode, name="number")


def encode_state(state: State) -> dict[str, Any]:
    """The JSON form of a whole state: what `specr state pull` prints. Objects are sorted by address."""
    return {
        "format": FORMAT_VERSION,
        "lineage": state.lineage,
        "serial": state.serial,
        "objects": [encode_recorded(state.objects[address]) for address in sorted(state.objects)],
        "pending": [encode_pending(state.pending[address]) for address in sorted(state.pending)],
        "run": None if state.run is None else encode_run(state.run),
    }


def decode_state(value: Json) -> State:
    """The inverse of `encode_state`.

    Raises:
        NewerStateError: a later specr wrote it.
        DamagedStateError: it is no state, or a field is missing, unknown, or of the wrong type.
    """
    _expect_format(value)
    book = AddressBook()

    def decode() -> State:
        _expect_count(value, _STATE_FIELDS)
        run = value["run"]
        return State(
            _text(value, "lineage"),
            _count(value, "serial"),
            _by_address([decode_recorded(item, book) for item in _list(value, "objects")]),
            _by_address([decode_pending(item, book) for item in _list(value, "pending")]),
            None if run is None else decode_run(run, book),
        )

    with collection_paused():
        return _decoded("state", value, decode, name="lineage")


def state_to_text(state: State) -> str:
    """The text of a whole state, for people and files."""
    with collection_paused():
        return encode_pretty(encode_state(state))


def state_from_text(text: str | bytes) -> State:
    """The inverse of `state_to_text`.

    Raises:
        NewerStateError: a later specr wrote it.
        DamagedStateError: it is not JSON, or no state.
    """
    with collection_paused():
        try:
            value = decode_json(text)
        except ValueError as error:
            raise DamagedStateError("it is not JSON") from error
        return decode_state(value)


def _expect_format(value: Json) -> None:
    found = value.get("format") if isinstance(value, dict) else None
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise DamagedStateError("it does not say which format of recorded state it has")
    if found > FORMAT_VERSION:
        raise NewerStateError(found)


_Placed = TypeVar("_Placed", RecordedObject, Pending)


def _by_address(items: list[_Placed]) -> Mapping[Address, _Placed]:
    found = {item.address: item for item in items}
    if len(found) < len(items):
        raise ValueError("one address comes twice")
    return found


def _decoded(what: str, value: Json, decode: Callable[[], T], *, name: str = "address") -> T:
    """Run a decoder and say, should it fail, in which part of the state."""
    try:
        return decode()
    except DamagedStateError:
        raise
    except KeyError as error:
        why = f"its field {error} is missing"
    except (TypeError, ValueError) as error:
        why = str(error)
    known = value.get(name) if isinstance(value, dict) else None
    raise DamagedStateError(f"{what} {known!r}: {why}" if known is not None else f"{what}: {why}")


def _expect_count(value: Json, fields: int) -> None:
    """Refuse what is no object; with all fields present, a larger count means unknown ones."""
    if type(value) is not dict:
        raise TypeError("it is not a JSON object")
    if len(value) > fields:
        raise ValueError("it has unknown fields")


def _text(value: JsonObject, key: str) -> str:
    found = value[key]
    if type(found) is str:
        return found
    raise TypeError(f"its field {key!r} is not a string")


def _object(value: JsonObject, key: str) -> dict[str, Any]:
    found = value[key]
    if type(found) is dict:
        return found
    raise TypeError(f"its field {key!r} is not an object")


def _list(value: JsonObject, key: str) -> list[Any]:
    found = value[key]
    if type(found) is list:
        return found
    raise TypeError(f"its field {key!r} is not a list")


def _texts(value: JsonObject, key: str) -> list[str]:
    found = _list(value, key)
    for item in found:
        if type(item) is not str:
            raise TypeError(f"its field {key!r} does not hold strings only")
    return found


def _flag(value: JsonObject, key: str) -> bool:
    found = value[key]
    if type(found) is bool:
        return found
    raise TypeError(f"its field {key!r} is neither true nor false")


def _count(value: JsonObject, key: str) -> int:
    found = value[key]
    if type(found) is int and found >= 0:
        return found
    raise TypeError(f"its field {key!r} is not a whole number from 0")

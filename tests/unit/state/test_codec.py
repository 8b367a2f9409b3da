"""What decoding recorded state refuses, and that encoding loses nothing."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.address import Address
from specr.canonical import decode_json, encode_json
from specr.state.codec import (
    DamagedStateError,
    NewerStateError,
    collection_paused,
    decode_pending,
    decode_recorded,
    decode_ref,
    decode_run,
    decode_state,
    encode_pending,
    encode_recorded,
    encode_ref,
    encode_run,
    encode_state,
    state_from_text,
    state_to_text,
)
from specr.state.model import ObjectRef, Pending, RecordedObject, Run, State

names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
addresses = st.builds(
    Address,
    st.sampled_from(["model", "runtime", "deployment", "build"]),
    names,
    st.just("") | names,
    st.just("") | st.from_regex(r"[A-Za-z0-9_.-]{1,6}", fullmatch=True),
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=4)
refs = st.builds(ObjectRef, addresses, texts, texts, objects)
recordeds = st.builds(
    RecordedObject,
    addresses,
    objects,
    objects,
    texts,
    st.lists(addresses, max_size=3).map(tuple),
    texts,
    texts,
    st.booleans(),
)
pendings = st.builds(
    Pending, addresses, texts, texts, texts, texts, texts, st.lists(refs, max_size=2).map(tuple)
)
counts = st.integers(0, 2**53)
runs = st.builds(
    Run,
    number=counts,
    operation=texts,
    plan=texts,
    actor=texts,
    started=texts,
    first=counts,
    last=counts,
    finished=texts,
    status=texts,
    summary=st.dictionaries(texts, counts, max_size=3),
    done=st.frozensets(addresses, max_size=3),
)
states = st.builds(
    State,
    texts,
    counts,
    st.lists(recordeds, max_size=3).map(lambda entries: {entry.address: entry for entry in entries}),
    st.lists(pendings, max_size=2).map(lambda entries: {entry.address: entry for entry in entries}),
    st.none() | runs,
)


def through_text(value: Any) -> Any:
    return decode_json(encode_json(value))


@given(states)
def test_a_state_survives_its_text(state: State) -> None:
    again = state_from_text(state_to_text(state))
    assert again == state
    # `1`, `1.0` and `True` are equal to ==, but not in text.
    assert state_to_text(again) == state_to_text(state)


@given(recordeds, pendings, refs, runs)
def test_each_part_survives_its_json(
    recorded: RecordedObject, pending: Pending, ref: ObjectRef, run: Run
) -> None:
    assert decode_recorded(through_text(encode_recorded(recorded))) == recorded
    assert decode_pending(through_text(encode_pending(pending))) == pending
    assert decode_ref(through_text(encode_ref(ref))) == ref
    assert decode_run(through_text(encode_run(run))) == run


@given(states)
def test_every_state_has_one_text(state: State) -> None:
    turned = State(
        state.lineage,
        state.serial,
        dict(reversed(list(state.objects.items()))),
        dict(reversed(list(state.pending.items()))),
        state.run,
    )
    assert state_to_text(turned) == state_to_text(state)


OBJECT = encode_recorded(
    RecordedObject(Address("model", "fraud"), {"a": 1}, {}, "sha256:f", (Address("runtime", "r"),))
)
PENDING = encode_pending(
    Pending(
        Address("build", "b"), "create", "local", "t", "e", "p", (ObjectRef(Address("build", "b"), "l", "u"),)
    )
)
RUN = encode_run(Run(1, "apply", "p", "ann", "s", 0, 1, summary={"create": 1}))
STATE = encode_state(State("abc", 1, {}, {}, None))

WRONG: list[tuple[Any, dict[str, Any], dict[str, Any], str]] = [
    (
        decode_recorded,
        OBJECT,
        {"tainted": 0},
        "object 'model/fraud': its field 'tainted' is neither true nor",
    ),
    (decode_recorded, OBJECT, {"arguments": []}, "'arguments' is not an object"),
    (decode_recorded, OBJECT, {"attributes": None}, "'attributes' is not an object"),
    (decode_recorded, OBJECT, {"fingerprint": 7}, "'fingerprint' is not a string"),
    (decode_recorded, OBJECT, {"dependencies": "model/a"}, "'dependencies' is not a list"),
    (decode_recorded, OBJECT, {"dependencies": [["model/a"]]}, "'dependencies' does not hold strings only"),
    (decode_recorded, OBJECT, {"dependencies": ["model"]}, "'model' is not an address"),
    (decode_recorded, OBJECT, {"address": 7}, "'address' is not a string"),
    (decode_recorded, OBJECT, {"address": "Model/x y"}, "'Model/x y' is not an address"),
    (decode_recorded, OBJECT, {"extra": 1}, "unknown fields"),
    (decode_pending, PENDING, {"leftovers": [{}]}, "leftover: its field 'address' is missing"),
    (decode_pending, PENDING, {"token": None}, "pending record 'build/b': its field 'token' is not a string"),
    (decode_run, RUN, {"number": -1}, "run -1: its field 'number' is not a whole number from 0"),
    (decode_run, RUN, {"first": True}, "'first' is not a whole number"),
    (decode_run, RUN, {"last": 1.0}, "'last' is not a whole number"),
    (decode_run, RUN, {"summary": {"create": "1"}}, "'create' is not a whole number"),
    (decode_run, RUN, {"done": [1]}, "'done' does not hold strings only"),
    (decode_state, STATE, {"objects": [OBJECT, OBJECT]}, "one address comes twice"),
    (decode_state, STATE, {"pending": {}}, "'pending' is not a list"),
    (decode_state, STATE, {"run": []}, "run: it is not a JSON object"),
    (decode_state, STATE, {"serial": "1"}, "state 'abc': its field 'serial' is not a whole number"),
    (decode_state, STATE, {"more": 1}, "unknown fields"),
    (decode_state, STATE, {"format": "1"}, "does not say which format"),
    (decode_state, STATE, {"format": True}, "does not say which format"),
    (decode_state, STATE, {"format": 0}, "does not say which format"),
]


@pytest.mark.parametrize(("decode", "sound", "change", "message"), WRONG, ids=[w[3] for w in WRONG])
def test_a_wrong_field_is_named(
    decode: Any, sound: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    decode(sound)
    with pytest.raises(DamagedStateError) as caught:
        decode({**sound, **change})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("decode", "sound"),
    [(decode_recorded, OBJECT), (decode_pending, PENDING), (decode_run, RUN), (decode_state, STATE)],
)
def test_no_field_may_be_missing(decode: Any, sound: dict[str, Any]) -> None:
    for missing in sound:
        with pytest.raises(DamagedStateError):
            decode({key: value for key, value in sound.items() if key != missing})


@pytest.mark.parametrize("decode", [decode_recorded, decode_pending, decode_ref, decode_run, decode_state])
@pytest.mark.parametrize("value", [None, [], "x", 1, {}])
def test_what_is_no_part_of_a_state_is_refused(decode: Any, value: Any) -> None:
    with pytest.raises(DamagedStateError):
        decode(value)


def test_a_newer_format_is_refused_whatever_else_it_holds() -> None:
    with pytest.raises(NewerStateError) as caught:
        decode_state({"format": 2, "shape": "of the future"})
    assert caught.value.found == 2


def test_text_that_is_not_json_is_refused() -> None:
    with pytest.raises(DamagedStateError, match="not JSON"):
        state_from_text('{"format": 1,')


def nest_and_fail() -> None:
    with collection_paused():
        with collection_paused():
            pass
        assert not gc.isenabled()
        raise DamagedStateError


def test_the_garbage_collector_comes_back_even_after_a_failure() -> None:
    assert gc.isenabled()
    with pytest.raises(DamagedStateError):
        nest_and_fail()
    assert gc.isenabled()

"""What the machine sees, beside what a real unpickler looks up."""

import contextlib
import io
import pickle
import pickletools
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from specr_processor.pickles.machine import _DO, follow
from specr_processor.pickles.opcodes import BrokenPickleError, read_instruction


class StandIn:
    """Takes everything that a pickle can do to an object, and does nothing."""

    def __call__(self, *_: Any, **__: Any) -> "StandIn":
        return StandIn()

    def __setstate__(self, _: Any) -> None: ...

    def __setitem__(self, *_: Any) -> None: ...

    def append(self, _: Any) -> None: ...

    def add(self, _: Any) -> None: ...

    def extend(self, _: Any) -> None: ...


class StandInType(StandIn):
    """In place of whatever a global would be: can be called, and made with NEWOBJ."""


def look_up_with(base: type, data: bytes) -> list[tuple[str, str]]:
    """What an unpickler asks `find_class` for, in order, until it ends or fails."""
    asked: list[tuple[str, str]] = []

    class Recording(base):  # type: ignore[misc]  # both unpicklers of the standard library
        def find_class(self, module: str, name: str) -> Any:
            asked.append((module, name))
            return type("Found", (StandIn,), {"__new__": lambda cls, *_, **__: object.__new__(cls)})

        def persistent_load(self, _: Any) -> Any:
            return StandIn()

    with contextlib.suppress(Exception):  # broken pickles fail in every way
        Recording(io.BytesIO(data), buffers=[b"x"] * 3).load()
    return asked


UNPICKLERS = {"C": pickle.Unpickler, "Python": pickle._Unpickler}  # type: ignore[attr-defined]


def seen(data: bytes) -> list[tuple[str, str]]:
    return [(found.module, found.name) for found in follow(data, 0, len(data)).globals]


def test_every_instruction_is_carried_out() -> None:
    assert set(_DO) == {opcode.name for opcode in pickletools.opcodes}


class Call:
    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> Any:
        return self.reduced


@pytest.mark.parametrize("protocol", range(6))
def test_calls_are_seen_in_every_protocol(protocol: int) -> None:
    import os

    for function, names in ((os.system, {"posix", "nt"}), (eval, {"builtins"})):
        data = pickle.dumps([{"a": Call(function, "1")}], protocol)
        (module, name), *rest = [pair for pair in seen(data) if pair[0] != "_codecs"]
        assert (name, rest) == (function.__name__, [])
        assert module in names


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


SYSTEM = b"S'true'\n\x85R."
TRICKS = {
    "global": b"cposix\nsystem\n" + SYSTEM,
    "inst": b"(S'true'\niposix\nsystem\n.",
    "obj": b"(cposix\nsystem\nS'true'\no.",
    "stack global": b"\x80\x04" + text("posix") + text("system") + b"\x93" + SYSTEM,
    "names from the memo": b"\x80\x04"
    + text("posix")
    + b"\x94"
    + text("system")
    + b"\x9400h\x00h\x01\x93"
    + SYSTEM,
    "names copied in the memo": b"\x80\x04"
    + text("posix")
    + b"\x94"
    + text("system")
    + b"\x94h\x00q\x05h\x01q\x06h\x05h\x06\x93"
    + SYSTEM,
    "names doubled": b"\x80\x04" + text("posix") + b"2" + text("system") + b"\x93" + SYSTEM,
    "others popped": b"\x80\x04" + text("posix") + text("system") + text("collections") + b"0\x93" + SYSTEM,
    "others popped to a mark": b"\x80\x04"
    + text("posix")
    + text("system")
    + b"("
    + text("os")
    + b"1\x93"
    + SYSTEM,
    "a mark popped": b"\x80\x04" + text("posix") + text("system") + b"(0\x93" + SYSTEM,
    "memo replaced": b"\x80\x04"
    + text("collections")
    + b"q\x000"
    + text("posix")
    + b"q\x000h\x00"
    + text("system")
    + b"\x93"
    + SYSTEM,
    "a number that pickletools refuses": b"I0x1\n0cposix\nsystem\n" + SYSTEM,
    "an old string": b"\x80\x04U\x05posix" + text("system") + b"\x93" + SYSTEM,
    "an old string with escapes": b"\x80\x04S'po\\x73ix'\nS'system'\n\x93" + SYSTEM,
    "unicode with escapes": b"\x80\x04Vpo\\u0073ix\nVsystem\n\x93" + SYSTEM,
    "a long text": b"\x80\x04X\x05\0\0\0posix" + text("system") + b"\x93" + SYSTEM,
    "in frames": b"\x80\x04\x95\x07\0\0\0\0\0\0\0" + text("posix") + text("system") + b"\x93" + SYSTEM,
    "at the end of all": b"cposix\nsystem.",
    "before the damage": b"cposix\nsystem\n(S'true'\ntR\xff\xff",
}


@pytest.mark.parametrize("data", TRICKS.values(), ids=TRICKS)
@pytest.mark.parametrize("unpickler", UNPICKLERS)
def test_no_trick_hides_a_call(data: bytes, unpickler: str) -> None:
    if unpickler == "Python" or data != TRICKS["at the end of all"]:  # the other one wants a newline
        assert ("posix", "system") in look_up_with(UNPICKLERS[unpickler], data)
    assert ("posix", "system") in seen(data)


def test_the_memo_is_a_pickle_s_own() -> None:
    first = b"\x80\x04" + text("collections") + b"\x94" + text("OrderedDict") + b"\x94\x93."
    second = b"\x80\x04" + text("posix") + b"\x94" + text("system") + b"\x94h\x00h\x01\x93" + SYSTEM
    data = first + second
    end = follow(data, 0, len(data)).end
    assert end == len(first)
    found = follow(data, end, len(data)).globals
    assert [(g.module, g.name, g.at) for g in found] == [("posix", "system", len(first) + 23)]


def test_names_of_python_2_are_told_by_their_names_of_today() -> None:
    assert seen(b"c__builtin__\neval\n.") == [("builtins", "eval")]
    assert seen(b"ccopy_reg\n_reconstructor\n.") == [("copyreg", "_reconstructor")]
    assert seen(b"\x80\x03c__builtin__\neval\n.") == [("__builtin__", "eval")]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x80\x04cfoo\nbar\n)R" + text("x") + b"\x93.", "computes the name"),
        (b"\x80\x04" + text("os") + b"cfoo\nbar\n\x93.", "computes the name"),
        (
            b"\x80\x04ctyping\nText\n"
            + text("os")
            + b"\x85Rctyping\nText\n"
            + text("system")
            + b"\x85R\x93.",
            "computes the name",
        ),
        (b"\x80\x04" + text("os") + b"csklearn.base\nClone\n\x93.", "computes the name"),
        (b"\x80\x04P1\n" + text("x") + b"\x93.", "computes the name"),
        (b"\x82\x05.", "refers to the extension 5"),
        (b"csklearn.base\nBaseEstimator\n}b.", "changes sklearn.base.BaseEstimator itself"),
        (b"csklearn.base\nBaseEstimator\nVa\nNs.", "changes sklearn.base.BaseEstimator itself"),
        (
            b"ctorch.storage\n_load_from_bytes\n(cbuiltins\nbytes\n)Rt\x52.",
            "unpickles bytes that it computes",
        ),
        (
            b"cfunctools\npartial\n(ctorch.storage\n_load_from_bytes\ntR.",
            "keeps torch.storage._load_from_bytes",
        ),
        (b"(lctorch.storage\n_load_from_bytes\na.", "keeps torch.storage._load_from_bytes"),
    ],
)
def test_what_cant_be_followed_is_told(data: bytes, why: str) -> None:
    assert any(why in doubt.why for doubt in follow(data, 0, len(data)).doubts)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"0.",
        b"t.",
        b"s.",
        b"\x93.",
        b"h\x05.",
        b"\x85.",
        b"R.",
        b"b.",
        b"\x80\x06N.",
        b"p-1\n",
        b"NN\x93.",
    ],
)
def test_what_the_real_one_refuses_comes_to_no_end(data: bytes) -> None:
    for unpickler in UNPICKLERS.values():
        with pytest.raises(Exception):  # noqa: B017, PT011 - of many kinds
            unpickler(io.BytesIO(data)).load()
    assert not follow(data, 0, len(data)).stopped


def test_nothing_is_evaluated() -> None:
    """Hashing these keys would take longer than the universe has."""
    layers = b"".join(b"2\x86" for _ in range(200))
    data = b"\x80\x04})" + layers + b"Ns."
    assert follow(data, 0, len(data)).stopped


def test_instructions_end_where_they_should() -> None:
    assert read_instruction(b"cos\nsystem\n.", 0, 12).end == 11
    assert read_instruction(b"\x8e" + struct.pack("<Q", 3) + b"abc.", 0, 13)[2:] == (9, 12, 12)
    assert (
        read_instruction(b"cos\nsystem", 0, 10).end == 10
    )  # as unpicklers take a name that the end cuts off
    for data in (
        b"\x8e" + struct.pack("<Q", 2**63),
        b"\x8b" + struct.pack("<i", -1),
        b"\xff",
        b"",
    ):
        with pytest.raises(BrokenPickleError):
            read_instruction(data, 0, len(data))


NAMES = ["posix", "system", "collections", "OrderedDict", "a", "__builtin__", "eval", "os.path"]
words = st.sampled_from(NAMES)
pieces = st.one_of(
    st.sampled_from(
        [op.code.encode("latin-1") for op in pickletools.opcodes if op.arg is None and op.code != "."]
    ),
    words.map(text),
    words.map(lambda word: f"V{word}\n".encode()),
    words.map(lambda word: f"S'{word}'\n".encode()),
    st.tuples(words, words).map(lambda pair: f"c{pair[0]}\n{pair[1]}\n".encode()),
    st.tuples(words, words).map(lambda pair: f"i{pair[0]}\n{pair[1]}\n".encode()),
    st.integers(0, 4).map(lambda n: b"q" + bytes([n])),
    st.integers(0, 4).map(lambda n: b"h" + bytes([n])),
    st.integers(0, 4).map(lambda n: f"g{n}\n".encode()),
    st.integers(0, 4).map(lambda n: f"p{n}\n".encode()),
    st.integers(0, 255).map(lambda n: b"K" + bytes([n])),
    st.sampled_from(
        [b"I0x10\n", b"L5L\n", b"F1.5\n", b"\x80\x04", b"\x80\x02", b"P1\n", b"C\x02ab", b"\x8a\x01\x05"]
    ),
)
streams = st.lists(pieces, max_size=25).map(lambda parts: b"".join(parts) + b".")


@settings(deadline=None, max_examples=100)
@given(streams)
@example(b"iposix\nsystem\n.")
@example(b"\x80\x04" + text("posix") + text("system") + b"(0\x93" + SYSTEM)
def test_whatever_is_looked_up_was_seen(data: bytes) -> None:
    """No stream makes a real unpickler look up more than the machine has seen, in the same order."""
    trace = follow(data, 0, len(data))
    found = [(g.module, g.name) for g in trace.globals]
    for unpickler in UNPICKLERS.values():
        asked = look_up_with(unpickler, data)
        if not trace.doubts:
            assert len(asked) <= len(found)
            assert [pair for pair in asked if pair[0] != "__builtin__"] == [
                pair for looked, pair in zip(asked, found, strict=False) if looked[0] != "__builtin__"
            ]


REAL = [
    pickle.dumps({"a": [1, 2.5, None, True, b"x", "é"], "b": {1, 2}, "c": frozenset({3})}, protocol)
    for protocol in range(6)
] + [pickle.dumps(Call(print, "x"), protocol) for protocol in range(6)]


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(REAL), st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=4))
def test_spoilt_pickles_are_followed_as_far_as_they_go(whole: bytes, changes: list[tuple[int, int]]) -> None:
    spoilt = bytearray(whole)
    for position, byte in changes:
        spoilt[position % len(spoilt)] = byte
    data = bytes(spoilt)
    trace = follow(data, 0, len(data))
    for unpickler in UNPICKLERS.values():
        asked = look_up_with(unpickler, data)
        assert trace.doubts or len(asked) <= len(trace.globals)


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200))
def test_any_bytes_are_followed_without_a_crash(data: bytes) -> None:
    assert follow(data, 0, len(data)).end <= len(data)
    assert follow(data, 0, len(data), joblib=True).end <= len(data)

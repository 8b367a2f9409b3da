"""The stack and the memo of an unpickling, as the real unpickler has them, with stand-ins for objects."""

# ruff: noqa: D102 - the methods are named after the instructions that they carry out

import codecs
import pickle
from typing import Final

from specr_processor.pickles.arrays import is_wrapper
from specr_processor.pickles.opcodes import BrokenPickleError, Buffer, Instruction
from specr_processor.pickles.trace import Doubt, Trace
from specr_processor.pickles.values import OPAQUE, Items, Ref, Span, Table

LOADS_BYTES: Final = "torch.storage._load_from_bytes"
"""What unpickles bytes that it is given: torch's tensors inside of other objects."""


class Stack:
    """The state of one unpickling, and the instructions that only move values about."""

    def __init__(self, data: Buffer, start: int, end: int, *, joblib: bool) -> None:
        self.trace = Trace(end=start)
        self._data = data
        self._end = end
        self._joblib = joblib
        self._protocol = 0
        self._frame_end = start
        self._stack: list[object] = []
        self._metastack: list[list[object]] = []
        self._memo: dict[int, object] = {}

    def _bytes(self, at: Instruction) -> bytes:
        return self._data[at.start : at.stop]

    def _number(self, at: Instruction) -> int:
        return int.from_bytes(self._bytes(at), "little")

    def _pop_mark(self) -> list[object]:
        items = self._stack
        self._stack = self._metastack.pop()
        return items

    def _doubt(self, at: Instruction, why: str) -> None:
        self.trace.doubts.append(Doubt(why, at.at))

    def proto(self, at: Instruction) -> None:
        self._protocol = self._number(at)
        if self._protocol > pickle.HIGHEST_PROTOCOL:
            raise BrokenPickleError("its protocol is not known")

    def frame(self, at: Instruction) -> None:
        """What is read in one piece; where it ends matters to joblib's arrays alone."""
        self._frame_end = at.end + self._number(at)

    def skip(self, _: Instruction) -> None:
        """READONLY_BUFFER: changes nothing that matters here."""

    def stop(self, _: Instruction) -> None:
        self._stack.pop()
        self.trace.stopped = True

    def opaque(self, _: Instruction) -> None:
        self._stack.append(OPAQUE)

    def none(self, _: Instruction) -> None:
        self._stack.append(None)

    def true(self, _: Instruction) -> None:
        self._stack.append(True)

    def false(self, _: Instruction) -> None:
        self._stack.append(False)

    def binint(self, at: Instruction) -> None:
        self._stack.append(int.from_bytes(self._bytes(at), "little", signed=at.name == "BININT"))

    def long1(self, at: Instruction) -> None:
        few = at.stop - at.start <= 16
        self._stack.append(int.from_bytes(self._bytes(at), "little", signed=True) if few else OPAQUE)

    def text_number(self, at: Instruction) -> None:
        text = self._bytes(at)
        digits = text.removesuffix(b"L")
        plain = len(digits) < 20 and digits.isdigit() and text not in {b"00", b"01"}
        self._stack.append(int(digits) if plain else OPAQUE)

    def text(self, at: Instruction) -> None:
        if at.name == "UNICODE":
            self._push_text(self._bytes(at).decode("raw-unicode-escape"))
        else:
            self._push_text(self._bytes(at).decode("utf-8", "surrogatepass"))

    def string(self, at: Instruction) -> None:
        """Text of Python 2, in quotes and with escapes; what it decodes to depends on the caller."""
        text = self._bytes(at).strip()
        if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in {b"'", b'"'}:
            raise BrokenPickleError("a text has no quotes")
        self._push_text(codecs.escape_decode(text[1:-1])[0].decode("latin-1"))

    def binstring(self, at: Instruction) -> None:
        self._push_text(self._bytes(at).decode("latin-1"))

    def _push_text(self, text: str) -> None:
        self._stack.append(text)
        self.trace.constants.append(text)

    def span(self, at: Instruction) -> None:
        span = Span(at.start, at.stop)
        self._stack.append(span)
        self.trace.constants.append(span)

    def mark(self, _: Instruction) -> None:
        self._metastack.append(self._stack)
        self._stack = []

    def pop(self, _: Instruction) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._pop_mark()

    def pop_mark(self, _: Instruction) -> None:
        self._pop_mark()

    def dup(self, _: Instruction) -> None:
        self._stack.append(self._stack[-1])

    def _keep(self, at: Instruction, *values: object) -> None:
        """Values become part of an object, from where they may be called later, unseen.

        For most that does not matter: what they are is judged anyway. These two are allowed for the
        one thing that is followed here.
        """
        for value in values:
            if isinstance(value, Ref) and (is_wrapper(value) or value.is_one_of(LOADS_BYTES)):
                self._doubt(at, f"it keeps {value.module}.{value.name} for later")

    def tuple_(self, at: Instruction) -> None:
        if at.name == "TUPLE":
            items = self._pop_mark()
            self._keep(at, *items)
            self._stack.append(tuple(items))
            return
        count = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}[at.name]
        items = [self._stack.pop() for _ in range(count)]
        self._keep(at, *items)
        self._stack.append(tuple(reversed(items)))

    def collect(self, at: Instruction) -> None:
        """LIST and FROZENSET: what lies above the mark becomes one object."""
        values = self._pop_mark()
        self._keep(at, *values)
        if at.name == "LIST":
            self._new_list(values)
        else:
            self._stack.append(OPAQUE)

    def empty_list(self, _: Instruction) -> None:
        self._new_list([])

    def _new_list(self, values: list[object]) -> None:
        items = Items()
        items.add(values)
        self._stack.append(items)

    def empty_dict(self, _: Instruction) -> None:
        self._stack.append(Table())

    def dict_(self, at: Instruction) -> None:
        items = self._pop_mark()
        table = Table()
        self._stack.append(table)
        self._put(at, items)

    def append(self, at: Instruction) -> None:
        self._extend(at, [self._stack.pop()])

    def appends(self, at: Instruction) -> None:
        self._extend(at, self._pop_mark())

    def _extend(self, at: Instruction, values: list[object]) -> None:
        self._keep(at, *values)
        self._change(at)
        target = self._stack[-1]
        if isinstance(target, Items):
            target.add(values)

    def setitem(self, at: Instruction) -> None:
        value = self._stack.pop()
        key = self._stack.pop()
        self._put(at, [key, value])

    def setitems(self, at: Instruction) -> None:
        self._put(at, self._pop_mark())

    def _put(self, at: Instruction, items: list[object]) -> None:
        self._keep(at, *items)
        self._change(at)
        target = self._stack[-1]
        if isinstance(target, Table):
            for key, value in zip(items[::2], items[1::2], strict=False):
                target.put(key, value)

    def _change(self, at: Instruction) -> None:
        """What is on top of the stack is changed; an object of the model's own, or else."""
        target = self._stack[-1]
        if isinstance(target, Ref):
            self.trace.calls = True
            self._doubt(at, f"it changes {target.module}.{target.name} itself")

    def put(self, at: Instruction) -> None:
        index = int(self._bytes(at)) if at.name == "PUT" else self._number(at)
        if index < 0:
            raise BrokenPickleError("it remembers under a negative number")
        self._memo[index] = self._stack[-1]

    def memoize(self, _: Instruction) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def get(self, at: Instruction) -> None:
        index = int(self._bytes(at)) if at.name == "GET" else self._number(at)
        if index not in self._memo:
            raise BrokenPickleError("it takes what it did not remember")
        self._stack.append(self._memo[index])

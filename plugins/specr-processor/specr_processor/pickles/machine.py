"""A pickle followed instruction by instruction, without doing what it says.

It knows every global that unpickling would look up, by whatever way the name got there. What it
can't follow it says, so that nobody takes silence for harmlessness.
"""

import _compat_pickle
import re
from collections.abc import Callable
from typing import Final

from specr_processor.pickles.arrays import array_size, is_wrapper
from specr_processor.pickles.opcodes import (
    BrokenPickleError,
    Buffer,
    CutPickleError,
    Instruction,
    read_instruction,
)
from specr_processor.pickles.stack import LOADS_BYTES, Stack
from specr_processor.pickles.states import States, makes_class
from specr_processor.pickles.trace import Global, Trace
from specr_processor.pickles.values import OPAQUE, Made, Ref, Span

_CLASS: Final = re.compile(r"_*[A-Z]\w*")
"""How classes are named: `PCA` and `RFE`, too."""


def follow(data: Buffer, start: int, end: int, *, joblib: bool = False) -> Trace:
    """Follow the pickle at `start`.

    With `joblib`, as joblib loads it, where the bytes of an array lie between instructions.
    """
    machine = _Machine(data, start, end, joblib=joblib)
    machine.run()
    return machine.trace


class _Machine(Stack):
    """What looks up and calls. The names of its parts are those of the standard library."""

    def __init__(self, data: Buffer, start: int, end: int, *, joblib: bool) -> None:
        super().__init__(data, start, end, joblib=joblib)
        self._states = States()

    def run(self) -> None:
        """Go on to the end, or as far as it goes."""
        self._follow()
        self.trace.doubts += self._states.doubts()

    def _follow(self) -> None:
        trace = self.trace
        try:
            while not trace.stopped:
                instruction = read_instruction(self._data, trace.end, self._end)
                trace.end = instruction.end
                _DO[instruction.name](self, instruction)
        except CutPickleError:
            trace.cut = True
        except (BrokenPickleError, IndexError, ValueError):
            # IndexError: too little on the stack. ValueError: text or a number that is none.
            return

    def global_(self, at: Instruction) -> None:
        self._stack.append(self._look_up(at, *self._two_lines(at)))

    def stack_global(self, at: Instruction) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        if isinstance(module, str) and isinstance(name, str):
            self._stack.append(self._look_up(at, module, name))
        elif _may_be_text(module) and _may_be_text(name):
            self._doubt(at, "it computes the name of what it refers to")
            self._stack.append(_unknown())
        else:
            raise BrokenPickleError("a name is no text")

    def _two_lines(self, at: Instruction) -> tuple[str, str]:
        """A module and a name. At the very end, Python's unpickler takes any letter for a newline."""
        module, newline, name = self._bytes(at).partition(b"\n")
        if at.stop == at.end:
            module, name = (module, name[:-1]) if newline else (module[:-1], b"")
        return module.decode("utf-8"), name.decode("utf-8")

    def _look_up(self, at: Instruction, module: str, name: str) -> Ref:
        self.trace.globals.append(Global(*_renamed(module, name, self._protocol), at.at))
        found = self.trace.globals[-1]
        ref = Ref(found.module, found.name)
        self.trace.wraps_arrays = self.trace.wraps_arrays or is_wrapper(ref)
        return ref

    def extension(self, at: Instruction) -> None:
        code = self._number(at)
        self._doubt(at, f"it refers to the extension {code}, which only the runtime's process knows")
        self._stack.append(_unknown())

    def persistent(self, at: Instruction) -> None:
        """An id that the loader turns into an object: torch's storages."""
        if at.name == "BINPERSID":
            self._stack.pop()
        self._stack.append(_unknown())

    def reduce(self, at: Instruction) -> None:
        arguments, callee = self._stack.pop(), self._stack.pop()
        self._call(at, callee, arguments)

    def newobj_ex(self, at: Instruction) -> None:
        self._keep(at, self._stack.pop())
        self.reduce(at)

    def inst(self, at: Instruction) -> None:
        ref = self._look_up(at, *self._two_lines(at))  # first, as the real one does: what follows may fail
        self._call(at, ref, tuple(self._pop_mark()))

    def obj(self, at: Instruction) -> None:
        callee, *arguments = self._pop_mark()
        self._call(at, callee, tuple(arguments))

    def _call(self, at: Instruction, callee: object, arguments: object) -> None:
        self.trace.calls = True
        self._keep(at, arguments, *(arguments if isinstance(arguments, tuple) else ()))
        if isinstance(callee, Ref) and callee.is_one_of(LOADS_BYTES):
            self._load_bytes(at, arguments)
        if makes_class(callee, arguments):
            self._doubt(at, "it makes a class")
        self._stack.append(Made(callee, arguments))

    def _load_bytes(self, at: Instruction, arguments: object) -> None:
        """Bytes are loaded as a pickle; constants are looked into, others can't be."""
        match arguments:
            case (Span() as span,):
                self.trace.loaded.append(span)
            case (Made(callee=Ref() as callee, arguments=(str() as text, str())),) if callee.is_one_of(
                "_codecs.encode"
            ):
                self.trace.loaded.append(text.encode("latin-1", "replace"))
            case _:
                self._doubt(at, "it unpickles bytes that it computes")

    def build(self, at: Instruction) -> None:
        state = self._stack.pop()
        self._keep(at, state)
        self._change(at)
        target = self._stack[-1]
        self.trace.calls = True
        if isinstance(target, Made):
            target.state = state
            self._states.set_on(target, at.at)
            if self._joblib and is_wrapper(target.callee):
                self._pass_array(at, target)

    def _pass_array(self, at: Instruction, wrapper: Made) -> None:
        """Go on behind the bytes of an array, or follow the pickle that it consists of.

        They follow in the file: if a frame goes on, joblib takes the instructions from there and the
        array from behind it.
        """
        trace = self.trace
        size = array_size(wrapper, self._data, trace.end, self._end)
        if size is None or self._frame_end > trace.end:
            self._doubt(at, "it has an array whose size can't be told")
            raise BrokenPickleError("an array can't be passed")
        if trace.end + size > self._end:
            self._doubt(at, "it has an array that goes on where the file ends")
            raise CutPickleError("an array ends too early")
        if size >= 0:
            trace.end += size
        else:
            self._follow_inner()
        self._stack[-1] = OPAQUE

    def _follow_inner(self) -> None:
        """An array of objects is a pickle of its own, loaded by pickle itself."""
        trace = self.trace
        inner = follow(self._data, trace.end, self._end)
        trace.globals += inner.globals
        trace.doubts += inner.doubts
        trace.constants += inner.constants
        trace.loaded += inner.loaded
        trace.calls = trace.calls or inner.calls
        trace.end = inner.end
        if inner.cut:
            raise CutPickleError("an array of objects ends too early")
        if not inner.stopped:
            raise BrokenPickleError("an array of objects is no pickle")


def _unknown() -> Made:
    """An object of which nothing is known; it may be text, or something that can be called."""
    return Made(None, None)


def _may_be_text(value: object) -> bool:
    """Whether it may be text when it is unpickled. Nothing else can be a name.

    What a call gives may be, and what a module has, whatever it is called: `typing.Text` is `str`.
    But what a class makes out of nothing is no name: if it is a text after all, it is an empty one.
    """
    if isinstance(value, Made) and isinstance(value.callee, Ref) and value.arguments == ():
        return _CLASS.fullmatch(value.callee.name.rpartition(".")[2]) is None
    return isinstance(value, str | Made | Ref)


def _renamed(module: str, name: str, protocol: int) -> tuple[str, str]:
    """The names of today for those of Python 2, as unpickling maps them below protocol 3."""
    if protocol < 3:
        if (module, name) in _compat_pickle.NAME_MAPPING:
            return _compat_pickle.NAME_MAPPING[module, name]
        return _compat_pickle.IMPORT_MAPPING.get(module, module), name
    return module, name


_Do = Callable[[_Machine, Instruction], None]

_GROUPS: Final[dict[_Do, str]] = {
    _Machine.proto: "PROTO",
    _Machine.frame: "FRAME",
    _Machine.skip: "READONLY_BUFFER",
    _Machine.stop: "STOP",
    _Machine.opaque: "FLOAT BINFLOAT LONG4 EMPTY_SET NEXT_BUFFER",
    _Machine.empty_list: "EMPTY_LIST",
    _Machine.none: "NONE",
    _Machine.true: "NEWTRUE",
    _Machine.false: "NEWFALSE",
    _Machine.binint: "BININT BININT1 BININT2",
    _Machine.long1: "LONG1",
    _Machine.text_number: "INT LONG",
    _Machine.text: "UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8",
    _Machine.string: "STRING",
    _Machine.binstring: "BINSTRING SHORT_BINSTRING",
    _Machine.span: "SHORT_BINBYTES BINBYTES BINBYTES8 BYTEARRAY8",
    _Machine.mark: "MARK",
    _Machine.pop: "POP",
    _Machine.pop_mark: "POP_MARK",
    _Machine.dup: "DUP",
    _Machine.tuple_: "EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3",
    _Machine.collect: "LIST FROZENSET",
    _Machine.empty_dict: "EMPTY_DICT",
    _Machine.dict_: "DICT",
    _Machine.append: "APPEND",
    _Machine.appends: "APPENDS ADDITEMS",
    _Machine.setitem: "SETITEM",
    _Machine.setitems: "SETITEMS",
    _Machine.put: "PUT BINPUT LONG_BINPUT",
    _Machine.memoize: "MEMOIZE",
    _Machine.get: "GET BINGET LONG_BINGET",
    _Machine.global_: "GLOBAL",
    _Machine.stack_global: "STACK_GLOBAL",
    _Machine.extension: "EXT1 EXT2 EXT4",
    _Machine.persistent: "PERSID BINPERSID",
    _Machine.reduce: "REDUCE NEWOBJ",
    _Machine.newobj_ex: "NEWOBJ_EX",
    _Machine.inst: "INST",
    _Machine.obj: "OBJ",
    _Machine.build: "BUILD",
}
_DO: Final[dict[str, _Do]] = {name: do for do, names in _GROUPS.items() for name in names.split()}

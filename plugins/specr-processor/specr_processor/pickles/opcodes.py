"""One instruction of a pickle at a time: its name, where it lies, and what it carries.

The table of instructions is the standard library's; the reading is not, since `pickletools` stops
at arguments that the real unpickler takes (`I0x1`), and what comes after would go unseen. So
nothing that can't be told from the bytes is judged here: a number is a line of text.
"""

import pickletools
from dataclasses import dataclass
from mmap import mmap
from typing import Final, NamedTuple

Buffer = bytes | mmap
"""What pickles are read from; both find and slice within bounds."""


class BrokenPickleError(Exception):
    """The bytes are no pickle from here on: the real unpickler would fail here too."""


class CutPickleError(BrokenPickleError):
    """The bytes end before the pickle does."""


@dataclass(frozen=True, slots=True)
class _Form:
    """How the argument of an instruction is written."""

    name: str
    lines: int
    size: int
    counted: bool
    signed: bool


class Instruction(NamedTuple):
    """An instruction: `start` and `stop` bound its argument, `end` is where the next one begins.

    Where the pickle ends within a line, `stop` is `end`; otherwise a newline lies between them.
    """

    name: str
    at: int
    start: int
    stop: int
    end: int


_COUNTS: Final = {
    pickletools.TAKEN_FROM_ARGUMENT1: (1, False),
    pickletools.TAKEN_FROM_ARGUMENT4: (4, True),
    pickletools.TAKEN_FROM_ARGUMENT4U: (4, False),
    pickletools.TAKEN_FROM_ARGUMENT8U: (8, False),
}


def _form(opcode: pickletools.OpcodeInfo) -> _Form:
    argument = opcode.arg
    if argument is None:
        return _Form(opcode.name, 0, 0, counted=False, signed=False)
    if argument.n == pickletools.UP_TO_NEWLINE:
        lines = 2 if argument.name == "stringnl_noescape_pair" else 1
        return _Form(opcode.name, lines, 0, counted=False, signed=False)
    if argument.n in _COUNTS:
        size, signed = _COUNTS[argument.n]
        return _Form(opcode.name, 0, size, counted=True, signed=signed)
    return _Form(opcode.name, 0, argument.n, counted=False, signed=False)


_FORMS: Final = {ord(opcode.code): _form(opcode) for opcode in pickletools.opcodes}


def read_instruction(data: Buffer, at: int, end: int) -> Instruction:
    """Read the instruction at a position; nothing from `end` on belongs to the pickle.

    Raises:
        BrokenPickleError: there is none.
        CutPickleError: there is none, or not all of it, since nothing follows.
    """
    if at >= end:
        raise CutPickleError("it ends without its last instruction")
    form = _FORMS.get(data[at])
    if form is None:
        raise BrokenPickleError(f"0x{data[at]:02x} is no instruction")
    start = at + 1
    if form.lines:
        stop = start - 1
        for _ in range(form.lines):
            stop = data.find(b"\n", stop + 1, end)
            if stop < 0:
                return Instruction(form.name, at, start, end, end)
        return Instruction(form.name, at, start, stop, stop + 1)
    stop = start + form.size
    if form.counted:
        length = int.from_bytes(data[start:stop], "little", signed=form.signed)
        if length < 0:
            raise BrokenPickleError("it has a negative length")
        start, stop = stop, stop + length
    if stop > end:
        raise CutPickleError("it ends within an instruction")
    return Instruction(form.name, at, start, stop, stop)

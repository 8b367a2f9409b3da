"""Arrays in joblib's files, whose bytes lie between the instructions of a pickle.

How they are written: joblib's `numpy_pickle.NumpyArrayWrapper`, and numpy's `dtype.__reduce__`.
"""

import math
import re
from typing import Final

from specr_processor.pickles.opcodes import Buffer
from specr_processor.pickles.values import Made, Ref, Table

_WRAPPER: Final = "NumpyArrayWrapper"
"""joblib's class after whose BUILD the bytes of an array follow, from wherever it is imported."""

OBJECTS: Final = -1
"""The size of an array of Python objects: a pickle of its own follows."""

_CODE: Final = re.compile(r"[<>=|]?([a-zA-Z])(\d+)")
_FLEXIBLE: Final = frozenset("SUV")
"""Types whose size in bytes stands in the state; others have it in their code."""
_HAS_OBJECT: Final = 1
"""NPY_ITEM_HASOBJECT of numpy's flags."""


def is_wrapper(value: object) -> bool:
    """Whether it is the class that joblib has in place of arrays."""
    return isinstance(value, Ref) and value.name.rpartition(".")[2] == _WRAPPER


def array_size(wrapper: Made, data: Buffer, at: int, end: int) -> int | None:
    """How many bytes an array takes at a position, padding included.

    `OBJECTS` for an array of objects, None where it can't be told. All that tells has
    to stand in the state: what a wrapper is made with would fill in what is not there.
    """
    state = wrapper.state
    if not isinstance(state, Table) or wrapper.arguments != ():
        return None
    shape, item = state.entries.get("shape"), _item_size(state.entries.get("dtype"))
    if item is None or not isinstance(shape, tuple):
        return None
    if item == OBJECTS:
        return OBJECTS
    sizes = [size for size in shape if type(size) is int and size >= 0]
    if len(sizes) != len(shape):
        return None
    padding = 0
    if state.entries.get("numpy_array_alignment_bytes") is not None:
        padding = 1 + (data[at] if at < end else 0)
    return padding + item * math.prod(sizes)


def _item_size(dtype: object) -> int | None:
    """Bytes of one item, `OBJECTS`, or None."""
    if not isinstance(dtype, Made) or not isinstance(dtype.callee, Ref):
        return None
    arguments, state = dtype.arguments, dtype.state
    if not dtype.callee.is_one_of("numpy.dtype") or not isinstance(arguments, tuple) or not arguments:
        return None
    code = _CODE.fullmatch(arguments[0]) if isinstance(arguments[0], str) else None
    if code is None or not isinstance(state, tuple) or len(state) < 8 or state[2] is not None:
        return None
    letter, size, flags = code[1], int(code[2]), state[7]
    if type(flags) is not int or (letter == "O" and not flags & _HAS_OBJECT):
        return None
    if flags & _HAS_OBJECT:
        return OBJECTS
    if letter in _FLEXIBLE:
        return state[5] if type(state[5]) is int and state[5] >= 0 else None
    return size

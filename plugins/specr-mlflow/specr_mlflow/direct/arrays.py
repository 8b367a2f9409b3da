"""The scorer's columns as one numpy array, of the type and layout that a data frame of them has.

Libraries turn a data frame into such an array themselves, whose columns lie one after the other in
memory. The layout is kept because the order in which BLAS adds up a row depends on it, and with it
the last bit of a linear model's answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any, Final, Self

import numpy as np
from specr_scorer import Cell, DataType

from specr_mlflow.frames import DTYPES, Part, model_input, stacked
from specr_mlflow.schema import Side

NUMBERS: Final = frozenset({DataType.INT32, DataType.INT64, DataType.FLOAT32, DataType.FLOAT64})
_EXACT: Final = 2.0**53
"""The least whole number whose neighbour no double tells from it."""


@cache
def table_type(types: frozenset[DataType]) -> str:
    """The numpy type that holds columns of these types; booleans among numbers are 0 and 1."""
    return np.result_type(*(DTYPES[kind] for kind in types)).name


@dataclass(frozen=True, slots=True)
class _Mixture:
    """What columns of several types make together: the table's type, and who must be brought to it how."""

    dtype: str
    singles: list[int]
    longs: list[int]

    @classmethod
    def of(cls, types: Sequence[DataType]) -> Self:
        dtype = table_type(frozenset(types))
        if dtype != "float64":
            return cls(dtype, [], [])
        return cls(dtype, _places(types, DataType.FLOAT32), _places(types, DataType.INT64))


@dataclass(frozen=True, slots=True)
class Columns:
    """The numbers and booleans of a request in the order in which the model knows them."""

    names: tuple[str, ...]
    types: tuple[DataType, ...]
    _whole: _Mixture
    _take: Callable[[Mapping[str, list[Cell]]], Sequence[list[Cell]]]

    @classmethod
    def of(cls, side: Side) -> Self | None:
        """The columns of a side, or None where one is no number: text, times."""
        types = tuple(field.type for field in side.fields)
        if side.tensors or not set(types) <= NUMBERS | {DataType.BOOL}:
            return None
        names = tuple(field.name for field in side.fields)
        return cls(names, types, _Mixture.of(types), _taker(names))

    @property
    def dtype(self) -> str:
        """The numpy type of rows without gaps."""
        return self._whole.dtype

    def types_in(self, part: Part) -> tuple[DataType, ...]:
        """The types that a data frame of these rows has: Float64 where a column is missing throughout."""
        if not part.gaps:
            return self.types
        return tuple(
            DataType.FLOAT64 if name in part.gaps else kind
            for name, kind in zip(self.names, self.types, strict=True)
        )

    def array(self, part: Part) -> Any:
        """The rows as an array of shape (rows, columns), columns contiguous.

        None where a whole number among floats is too large for a double: a library may convert it
        from its own type, and round it only once.
        """
        mixture = _Mixture.of(self.types_in(part)) if part.gaps else self._whole
        array = stacked(self._take(part.frame.columns), mixture.dtype)
        if mixture.singles:
            array[mixture.singles] = array[mixture.singles].astype("float32")
        if mixture.longs and np.abs(array[mixture.longs]).max() >= _EXACT:
            return None
        return array.T


def array_or_frame(part: Part, columns: Columns | None, side: Side) -> Any:
    """An array of the columns where there is one, else a data frame, or the tensors of a side of them."""
    array = None if columns is None else columns.array(part)
    return model_input(part, side) if array is None else array


def _taker(names: Sequence[str]) -> Callable[[Mapping[str, list[Cell]]], Sequence[list[Cell]]]:
    """Takes so many columns by name, without a turn of Python's for each."""
    if len(names) == 1:
        return lambda columns: [columns[names[0]]]
    return itemgetter(*names)


def _places(types: Sequence[DataType], wanted: DataType) -> list[int]:
    return [place for place, kind in enumerate(types) if kind is wanted]

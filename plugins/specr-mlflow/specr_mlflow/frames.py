"""The scorer's columns to what MLflow's predict takes: a data frame or arrays of exact types.

MLflow compares each column's type with the signature and refuses what it can't widen safely, so each
column gets the very type that the signature names. Missing cells become NaN in floats and text (as
pandas reads them from files) and NaT in times. Integers and booleans have no room for one; see
`split_missing`.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, chain
from typing import Any, Final, NamedTuple

import numpy as np
from specr_scorer import Cell, DataType, Field, Frame, InputError

from specr_mlflow.schema import Side, Tensor

DTYPES: Final[Mapping[DataType, str]] = {
    DataType.BOOL: "bool",
    DataType.INT32: "int32",
    DataType.INT64: "int64",
    DataType.FLOAT32: "float32",
    DataType.FLOAT64: "float64",
}
"""The numpy types of numbers and booleans."""
_NAT: Final = np.iinfo(np.int64).min
_GAPLESS: Final = frozenset({DataType.BOOL, DataType.INT32, DataType.INT64})
_NO_GAPS: Final[frozenset[str]] = frozenset()


class Part(NamedTuple):
    """Rows of a request that lack the same integers and booleans.

    `rows` are their positions in the request, None for all of it.
    """

    frame: Frame
    rows: Sequence[int] | None
    gaps: frozenset[str]


def gapless(fields: Iterable[Field]) -> tuple[str, ...]:
    """The columns that may be missing although their numpy type has no room for it."""
    return tuple(field.name for field in fields if field.type in _GAPLESS and field.nullable)


def split_missing(frame: Frame, names: Sequence[str]) -> list[Part]:
    """Group the rows by which of their `gapless` columns they lack; one part with no gaps, mostly.

    In a column that is missing throughout, a float NaN can stand for the missing value, as in
    pandas, while the columns of the other rows keep their exact type. So a row's prediction does
    not depend on its neighbours.
    """
    columns = frame.columns
    holed = [name for name in names if None in columns[name]]
    if not holed:
        return [Part(frame, None, _NO_GAPS)]
    rows_of: dict[frozenset[str], list[int]] = {}
    for row in range(frame.rows):
        gaps = frozenset(name for name in holed if columns[name][row] is None)
        rows_of.setdefault(gaps, []).append(row)
    return [Part(_take(frame, rows), rows, gaps) for gaps, rows in rows_of.items()]


def cut(frame: Frame, counts: Sequence[int]) -> list[Frame]:
    """The rows of several requests, of so many each, in frames of their own."""
    ends = accumulate(counts)
    return [
        Frame({name: cells[end - count : end] for name, cells in frame.columns.items()}, count)
        for count, end in zip(counts, ends, strict=True)
    ]


def _take(frame: Frame, rows: Sequence[int]) -> Frame:
    return Frame({name: [cells[row] for row in rows] for name, cells in frame.columns.items()}, len(rows))


def model_input(part: Part, side: Side) -> Any:
    """What predict takes for these rows: a DataFrame, or for tensors an array or a dict of them.

    Raises:
        InputError: a number does not fit a tensor's narrower type.
    """
    columns = part.frame.columns
    if not side.tensors:
        return _data_frame(part, side)
    if side.tensors[0].name is None:  # mlflow allows one tensor without a name, and then no other
        return _tensor(side.tensors[0], columns)
    return {tensor.name: _tensor(tensor, columns) for tensor in side.tensors}


def _data_frame(part: Part, side: Side) -> Any:
    import pandas as pd  # noqa: PLC0415 - half a second, and many models are asked without a frame

    types = {field.type for field in side.fields}
    if len(types) == 1 and not part.gaps and types <= DTYPES.keys():
        # one block, which is how pandas holds columns of one type, and six times faster than one by one
        cells = [part.frame.columns[field.name] for field in side.fields]
        frame = pd.DataFrame(stacked(cells, DTYPES[types.pop()]).T, copy=False)
    else:
        data = [column_array(part, field) for field in side.fields]
        series = [pd.Series(cells, dtype=object) if cells.dtype == object else cells for cells in data]
        frame = pd.DataFrame(dict(enumerate(series)), copy=False)
    if side.labels[0] is not None:
        frame.columns = _index(side.labels)
    return frame


def stacked(columns: Sequence[Sequence[Any]], dtype: str) -> Any:
    """Columns of numbers or booleans, at least one, as an array of shape (columns, rows).

    What `np.array` makes of them, None among floats being NaN, without its look at each cell's type first.
    """
    count = len(columns) * len(columns[0])
    return np.fromiter(chain.from_iterable(columns), dtype, count).reshape(len(columns), -1)


@lru_cache(maxsize=8)
def _index(labels: tuple[object, ...]) -> Any:
    """Columns' names as pandas keeps them; they never change, so frames may share them."""
    import pandas as pd  # noqa: PLC0415 - as above

    return pd.Index(labels)


def column_array(part: Part, field: Field) -> Any:
    """One column as the array of the type that its signature names, text as objects."""
    cells = part.frame.columns[field.name]
    if field.name in part.gaps:
        return np.full(len(cells), math.nan)
    if field.type is DataType.STR:
        array = np.empty(len(cells), dtype=object)
        array[:] = [math.nan if cell is None else cell for cell in cells] if None in cells else cells
        return array
    if field.type is DataType.TIME64:
        return _times(cells)
    return np.array(cells, dtype=DTYPES[field.type])


def _times(cells: Sequence[Cell]) -> Any:
    nanoseconds = [_NAT if cell is None else cell for cell in cells] if None in cells else cells
    return np.array(nanoseconds, dtype="int64").view("datetime64[ns]")


def _tensor(tensor: Tensor, columns: Mapping[str, Sequence[Cell]]) -> Any:
    cells = [columns[field.name] for field in tensor.fields]
    kind = tensor.fields[0].type  # a tensor's columns are of one
    if not tensor.shape:
        return _tensor_column(cells[0], kind, tensor.dtype)
    if kind in DTYPES:
        wide = stacked(cells, DTYPES[kind])
        made = np.ascontiguousarray(_narrow(wide, tensor.dtype).T)
    else:
        made = np.stack([_tensor_column(column, kind, tensor.dtype) for column in cells], axis=1)
    return made.reshape(-1, *tensor.shape)


def _tensor_column(cells: Sequence[Cell], data_type: DataType, dtype: str) -> Any:
    if data_type is DataType.TIME64:
        return _times(cells)
    if data_type is DataType.STR:
        return np.array([math.nan if cell is None else cell for cell in cells], dtype=dtype)
    return _narrow(np.array(cells, dtype=DTYPES[data_type]), dtype)


def _narrow(wide: Any, dtype: str) -> Any:
    """Cells, or columns of them, as an array of a tensor's own type."""
    narrow = wide.astype(dtype, copy=False)
    if narrow is not wide and not _same(wide, narrow):
        raise InputError(f"A number does not fit the model's tensor of {dtype}.")
    return narrow


def _same(wide: Any, narrow: Any) -> bool:
    """Whether narrowing kept integers as they are and floats finite."""
    if wide.dtype.kind == "f":
        return not bool(np.isinf(narrow).any())
    return bool((wide == narrow).all())


def join_parts(parts: Sequence[Part], made: Sequence[Mapping[str, Sequence[Cell]]]) -> dict[str, list[Cell]]:
    """The parts' output columns as one, each row back in its place."""
    rows = sum(part.frame.rows for part in parts)
    joined: dict[str, list[Cell]] = {name: [None] * rows for name in made[0]}
    for part, columns in zip(parts, made, strict=True):
        for name, cells in columns.items():
            for row, cell in zip(_rows(part), cells, strict=True):
                joined[name][row] = cell
    return joined


def _rows(part: Part) -> Iterator[int]:
    return iter(range(part.frame.rows) if part.rows is None else part.rows)

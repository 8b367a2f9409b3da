"""Whatever a model's predict returns to named columns of plain values.

Models return arrays, frames, series, lists and dicts. Here they become columns first (`columns_of`),
then cells (`cells_of`). Nothing is rounded or guessed: a value that is not of its column's type is
told by the scorer.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from specr_scorer import Cell, DataType, Field

from specr_mlflow.nested import lay_open
from specr_mlflow.schema import unnamed

_NUMBERS: Final = frozenset("fiu")
_BY_KIND: Final = {"b": DataType.BOOL, "M": DataType.TIME64}


class PredictionError(Exception):
    """A prediction that is no table, or not the table that the signature announces."""


def only_column(predicted: Any) -> Any:
    """The column of a prediction of one, as most models give it: an array, perhaps by name; else None."""
    if type(predicted) is dict and len(predicted) == 1:
        (predicted,) = predicted.values()
    plain = type(predicted) is np.ndarray and predicted.ndim > 0 and predicted.size == len(predicted)
    return predicted.reshape(-1) if plain else None


def columns_of(predicted: Any) -> dict[object, Any]:
    """The columns of a prediction by label; the labels are positions where it names none.

    An array of more dimensions is as many columns as a row has cells, the last dimension running fastest.

    Raises:
        PredictionError: it has no rows.
    """
    if type(predicted) is dict:
        return _columns_of_mapping(predicted)
    predicted = lay_open(predicted)
    if _is_pandas(predicted, "DataFrame"):
        return {label: predicted.iloc[:, position] for position, label in enumerate(predicted.columns)}
    if _is_pandas(predicted, "Series"):
        return {0: predicted}
    if isinstance(predicted, Mapping):
        return _columns_of_mapping(predicted)
    if isinstance(predicted, (list, tuple)) and predicted and isinstance(predicted[0], Mapping):
        import pandas as pd  # noqa: PLC0415 - half a second, and most models return arrays

        return columns_of(pd.DataFrame(list(predicted)))
    if hasattr(predicted, "toarray"):  # scipy's sparse matrices
        predicted = predicted.toarray()
    array = np.asarray(predicted)
    if array.ndim == 0:
        raise PredictionError(f"predict gave a single {type(predicted).__name__}, which is no table")
    if array.ndim == 1:
        return {0: array}
    return dict(enumerate(_flat_rows(array).T))


def _flat_rows(array: Any) -> Any:
    return array.reshape(len(array), math.prod(array.shape[1:]))


def _is_pandas(value: Any, name: str) -> bool:
    """Whether a value is of a class of pandas, without importing it: who made one has."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, getattr(pandas, name))


def _columns_of_mapping(predicted: Mapping[Any, Any]) -> dict[object, Any]:
    columns: dict[object, Any] = {}
    for name, value in predicted.items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):  # a class's chance by class
            columns |= {f"{name}_{key}": np.asarray([row[key] for row in value]) for key in value[0]}
            continue
        array = value.toarray() if hasattr(value, "toarray") else np.asarray(value)
        if array.ndim == 0:
            raise PredictionError(f"predict gave {name!r} as a single value, which is no column")
        if array.ndim == 1:
            columns[name] = array
        else:
            columns |= {f"{name}_{index}": column for index, column in enumerate(_flat_rows(array).T)}
    return columns


def match(columns: Mapping[object, Any], fields: Sequence[Field]) -> dict[str, Any]:
    """Give each declared output its column: by name where all are named so, else in order.

    Raises:
        PredictionError: there are more or fewer columns than declared.
    """
    named = {str(label): column for label, column in columns.items()}
    if len(named) == len(columns) and all(field.name in named for field in fields):
        return {field.name: named[field.name] for field in fields}
    if len(columns) != len(fields):
        raise PredictionError(
            f"predict gave {len(columns)} columns, but the signature declares {len(fields)} outputs"
        )
    return {field.name: column for field, column in zip(fields, columns.values(), strict=True)}


def cells_of(column: Any, data_type: DataType) -> list[Cell]:
    """A column as plain Python values, with None for NaN, NaT, NA and None."""
    if type(column) is np.ndarray and column.dtype.kind in _NUMBERS:
        plain: list[Cell] = column.tolist()
        return plain
    if _is_pandas(column, "Series"):
        column = column.to_numpy(dtype=object) if _is_extension(column) else column.to_numpy()
    array = np.asarray(column)
    if array.dtype.kind == "M":
        return _times(array)
    cells: list[Any] = array.tolist()
    if array.dtype.kind == "O":
        cells = [None if _is_missing(cell) else cell for cell in cells]
        if data_type is DataType.TIME64:
            import pandas as pd  # noqa: PLC0415

            return _times(pd.to_datetime(pd.Series(cells, dtype=object)).to_numpy())
    return cells


def _is_extension(series: Any) -> bool:
    return not isinstance(series.dtype, np.dtype)


def _is_missing(cell: Any) -> bool:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return True
    pandas = sys.modules.get("pandas")
    return pandas is not None and (cell is pandas.NA or cell is pandas.NaT)


def _times(array: Any) -> list[Cell]:
    nanoseconds = array.astype("datetime64[ns]")
    cells: list[Cell] = nanoseconds.astype("int64").tolist()
    return [None if gap else cell for gap, cell in zip(np.isnat(nanoseconds), cells, strict=True)]


def infer_fields(columns: Mapping[object, Any]) -> tuple[Field, ...]:
    """Fields for a prediction whose signature declares none: its own names, types from its values."""
    own = all(isinstance(label, str) for label in columns)
    names = [str(label) for label in columns] if own else unnamed("output", len(columns))
    types = map(infer_type, columns.values())
    return tuple(Field(name, data_type) for name, data_type in zip(names, types, strict=True))


def infer_type(column: Any) -> DataType:
    """The narrowest of the column types that holds a column's numpy type."""
    dtype = np.asarray(column).dtype
    if dtype.kind in _BY_KIND:
        return _BY_KIND[dtype.kind]
    if dtype.kind in {"i", "u"}:
        return DataType.INT32 if dtype.itemsize + (dtype.kind == "u") <= 4 else DataType.INT64
    if dtype.kind == "f":
        return DataType.FLOAT32 if dtype.itemsize <= 4 else DataType.FLOAT64
    return _infer_from_values(column)


def _infer_from_values(column: Any) -> DataType:
    kinds = {type(cell) for cell in cells_of(column, DataType.STR) if cell is not None}
    if kinds and kinds <= {bool, np.bool_}:
        return DataType.BOOL
    if kinds and all(issubclass(kind, (int, np.integer)) and kind is not bool for kind in kinds):
        return DataType.INT64
    if kinds and all(issubclass(kind, (int, float, np.number)) and kind is not bool for kind in kinds):
        return DataType.FLOAT64
    return DataType.STR

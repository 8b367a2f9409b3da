"""A request's columns to what the object takes: a data frame, an array, records or a dict of lists."""

import math
from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
from specr_mlflow.frames import Part, model_input
from specr_mlflow.schema import Side
from specr_scorer import Cell, DataType, Field

Form = Literal["frame", "array", "records", "columns"]
"""What the object is called with; the README tells each."""

_WHOLE: Final = frozenset({DataType.BOOL, DataType.INT32, DataType.INT64})
_NUMBERS: Final = _WHOLE | {DataType.FLOAT32, DataType.FLOAT64}


def infer_form(thing: object) -> Form:
    """What an object takes that says nothing: an array if it was fitted to one, else a frame."""
    fitted_to_array = hasattr(thing, "n_features_in_") and not hasattr(thing, "feature_names_in_")
    return "array" if fitted_to_array else "frame"


def build_input(form: Form, part: Part, fields: Sequence[Field]) -> Any:
    """The rows of a part of a request, in the form that the object takes."""
    columns = part.frame.columns
    match form:
        case "frame":
            return model_input(part, Side(tuple(fields), tuple(field.name for field in fields)))
        case "array":
            return _array(part, fields)
        case "records":
            names = [field.name for field in fields]
            rows = zip(*(columns[name] for name in names), strict=True)
            return [dict(zip(names, row, strict=True)) for row in rows]
        case "columns":
            return {field.name: list(columns[field.name]) for field in fields}


def _array(part: Part, fields: Sequence[Field]) -> Any:
    """Two dimensions: whole numbers stay such where all are, other numbers are float64, else objects."""
    columns = [part.frame.columns[field.name] for field in fields]
    if not all(field.type in _NUMBERS for field in fields):
        return np.array(list(zip(*columns, strict=True)), dtype=object)
    whole = all(field.type in _WHOLE for field in fields) and not part.gaps
    return np.stack([_numbers(cells, whole=whole) for cells in columns], axis=1)


def _numbers(cells: Sequence[Cell], *, whole: bool) -> Any:
    if whole:
        return np.array(cells, dtype="int64")
    return np.array([math.nan if cell is None else cell for cell in cells], dtype="float64")

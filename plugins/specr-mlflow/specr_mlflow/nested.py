"""Predictions with arrays where a table has cells, laid open as the dicts of arrays that they stand for.

fastai's flavour gives a frame whose one column holds an array a row. Keras' flavour gives a model's several
named outputs as an array without dimensions, around the dict.
"""

from typing import Any

import numpy as np


def lay_open(predicted: Any) -> Any:
    """What a prediction stands for: itself, if it holds no arrays in cells.

    Rows whose arrays differ in shape are left as they are: they are no columns.
    """
    if isinstance(predicted, np.ndarray):
        return predicted.item() if predicted.dtype.kind == "O" and predicted.ndim == 0 else predicted
    if type(predicted).__name__ != "DataFrame" or "O" not in {kind.kind for kind in predicted.dtypes}:
        return predicted
    columns = [predicted.iloc[:, place] for place in range(len(predicted.columns))]
    stacked = [_stacked(column) for column in columns]
    if all(stack is None for stack in stacked):
        return predicted
    return {
        str(column.name): column.to_numpy() if stack is None else stack
        for column, stack in zip(columns, stacked, strict=True)
    }


def _stacked(column: Any) -> Any | None:
    """A column of arrays, or of lists, as one array; None for one of plain cells."""
    if column.dtype.kind != "O" or not all(isinstance(cell, (np.ndarray, list)) for cell in column):
        return None
    cells = [np.asarray(cell) for cell in column]
    return np.stack(cells) if len({cell.shape for cell in cells}) == 1 else None

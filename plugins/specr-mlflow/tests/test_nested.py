"""Predictions with arrays in their cells."""

import numpy as np
import pandas as pd
from specr_mlflow.predictions import columns_of, infer_fields, match
from specr_scorer import DataType, Field


def test_a_column_of_arrays_is_as_many_columns_as_they_are_long() -> None:
    """As fastai's flavour gives a classifier's probabilities."""
    chances = np.array([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]], dtype="float32")
    frame = pd.Series(map(np.array, chances)).to_frame("predictions")
    columns = columns_of(frame)
    assert list(columns) == ["predictions_0", "predictions_1"]
    assert np.array_equal(np.column_stack(list(columns.values())), chances)
    assert [field.type for field in infer_fields(columns)] == [DataType.FLOAT32, DataType.FLOAT32]
    matched = match(columns, (Field("no", DataType.FLOAT32), Field("yes", DataType.FLOAT32)))
    assert matched["yes"].tolist() == [0.75, 0.5, 0.0]


def test_lists_are_laid_open_beside_plain_columns() -> None:
    frame = pd.DataFrame({"grade": ["good", "bad"], "chance": [[0.1, 0.9], [0.8, 0.2]]})
    columns = columns_of(frame)
    assert {name: list(column) for name, column in columns.items()} == {
        "grade": ["good", "bad"],
        "chance_0": [0.1, 0.8],
        "chance_1": [0.9, 0.2],
    }


def test_a_dict_inside_an_array_is_that_dict() -> None:
    """As mlflow's keras flavour gives several outputs."""
    outputs = {"risk": np.array([[1.0], [2.0]]), "grade": np.array([[0.0, 1.0], [1.0, 0.0]])}
    assert list(columns_of(np.array(outputs, dtype=object))) == ["risk_0", "grade_0", "grade_1"]


def test_arrays_of_several_lengths_are_left_as_they_are() -> None:
    cells: list[object] = [np.zeros(2), np.zeros(3)]
    assert list(columns_of(pd.Series(cells, dtype=object).to_frame("predictions"))) == ["predictions"]


def test_a_frame_of_plain_cells_stays_as_it_is() -> None:
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]})
    columns = columns_of(frame)
    assert columns["a"].tolist() == [1.5, 2.5]
    assert columns["b"].tolist() == ["x", "y"]

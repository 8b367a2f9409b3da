"""Models of many shapes: what the scorer answers is what the model predicts."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from specr_scorer import LoadError
from specr_scorer.testing import Client

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own, of whatever versions are installed

Save = Callable[..., Path]
Serve = Callable[..., Client]
RANDOM = np.random.default_rng(7)


def numbers(rows: int = 60) -> pd.DataFrame:
    return pd.DataFrame({"a": RANDOM.normal(size=rows), "b": RANDOM.normal(size=rows)})


def classes(frame: pd.DataFrame, *labels: Any) -> Any:
    return np.array(labels)[(frame["a"].fillna(0) > 0).astype(int)]


def mixed(rows: int = 80) -> pd.DataFrame:
    """A table of every type, a fifth of its cells missing where a type has room for it."""
    frame = pd.DataFrame(
        {
            "double": RANDOM.normal(size=rows),
            "single": RANDOM.normal(size=rows).astype("float32"),
            "long": RANDOM.integers(-5, 5, rows),
            "short": RANDOM.integers(-5, 5, rows).astype("int32"),
            "flag": RANDOM.integers(0, 2, rows).astype(bool),
            "text": pd.Series(RANDOM.choice(["red", "green", "blue"], rows), dtype=object),
            "when": pd.to_datetime("2021-01-01") + pd.to_timedelta(RANDOM.integers(0, 10**6, rows), unit="s"),
        }
    )
    for name in ("double", "single", "text", "when"):
        frame.loc[RANDOM.random(rows) < 0.2, name] = np.nan
    return frame


def request_of(frame: pd.DataFrame) -> dict[str, Any]:
    """A frame as a client sends it: strings, with null for what is missing."""
    rows = [[None if pd.isna(cell) else str(cell) for cell in row] for row in frame.itertuples(index=False)]
    return {"fields": [str(name) for name in frame.columns], "rows": rows}


def scores(client: Client, frame: pd.DataFrame) -> pd.DataFrame:
    status, answer = client.post(request_of(frame))
    assert status == 200, answer
    return pd.DataFrame(answer["score"], columns=answer["fields"])


def schema_of(client: Client) -> tuple[dict[str, str], dict[str, str]]:
    _, answer = client.get("/model/schema")
    sides = (answer["schema"]["inputFields"], answer["schema"]["outputFields"])
    inputs, outputs = ({field["name"]: field["dataType"] for field in side} for side in sides)
    return inputs, outputs


def test_a_regressor(save: Save, serve: Serve) -> None:
    frame = numbers()
    model = LinearRegression().fit(frame, frame["a"] * 2 + 1)
    client = serve(
        save(model, signature=infer_signature(frame, model.predict(frame)), input_example=frame[:1])
    )
    assert schema_of(client) == ({"a": "Float64", "b": "Float64"}, {"prediction": "Float64"})
    assert scores(client, frame)["prediction"].astype(float).tolist() == model.predict(frame).tolist()
    sample = client.get("/model/sample_request")[1]
    assert sample == {"fields": ["a", "b"], "rows": [[str(cell) for cell in frame.iloc[0]]]}
    assert client.post(sample)[0] == 200


@pytest.mark.parametrize("labels", [("no", "yes"), (0, 1), (False, True), (1.0, 2.0)])
def test_a_classifier_gives_its_probabilities_too(save: Save, serve: Serve, labels: tuple[Any, Any]) -> None:
    frame = numbers()
    target = classes(frame, *labels)
    model = LogisticRegression().fit(frame, target)
    client = serve(save(model, signature=infer_signature(frame, model.predict(frame))))
    kinds = {"str": "Str", "int": "Int64", "bool": "Bool", "float": "Float64"}
    low, high = (f"probability_{label}" for label in labels)
    kind = kinds[type(labels[0]).__name__]
    assert schema_of(client)[1] == {"prediction": kind, low: "Float64", high: "Float64"}
    answer = scores(client, frame)
    assert answer["prediction"].tolist() == [str(label) for label in model.predict(frame)]
    assert answer[[low, high]].astype(float).to_numpy().tolist() == model.predict_proba(frame).tolist()


def test_a_classifier_without_probabilities_gives_none(save: Save, serve: Serve) -> None:
    frame = numbers()
    model = LinearSVC().fit(frame, classes(frame, 0, 1))
    client = serve(save(model, signature=infer_signature(frame, model.predict(frame))))
    assert schema_of(client)[1] == {"prediction": "Int64"}
    assert scores(client, frame)["prediction"].astype(int).tolist() == model.predict(frame).tolist()


def test_a_classifier_saved_to_predict_probabilities_gives_them_once(save: Save, serve: Serve) -> None:
    frame = numbers()
    model = LogisticRegression().fit(frame, classes(frame, 0, 1))
    signature = infer_signature(frame, model.predict_proba(frame))
    client = serve(save(model, signature=signature, pyfunc_predict_fn="predict_proba"))
    assert schema_of(client)[1] == {"prediction_0": "Float64", "prediction_1": "Float64"}
    assert scores(client, frame).astype(float).to_numpy().tolist() == model.predict_proba(frame).tolist()


def test_a_classifier_of_two_targets_gives_both_and_no_probabilities(save: Save, serve: Serve) -> None:
    frame = numbers()
    targets = np.stack([classes(frame, 0, 1), classes(frame, 5, 3)], axis=1)
    model = DecisionTreeClassifier().fit(frame, targets)
    client = serve(save(model, signature=infer_signature(frame, model.predict(frame))))
    assert list(schema_of(client)[1]) == ["prediction_0", "prediction_1"]
    assert scores(client, frame).astype(int).to_numpy().tolist() == targets.tolist()


def test_every_type_with_missing_cells_is_predicted_as_in_pandas(save: Save, serve: Serve) -> None:
    frame = mixed()
    model = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(), ["text"]),
            ("passthrough", ["double", "single", "long", "short", "flag"]),
            sparse_threshold=0,
        ),
        HistGradientBoostingRegressor(max_iter=20, min_samples_leaf=2),
    ).fit(frame, RANDOM.normal(size=len(frame)))
    client = serve(save(model, signature=infer_signature(frame, model.predict(frame))))
    assert schema_of(client)[0] == {
        "double": "Float64",
        "single": "Float32",
        "long": "Int64",
        "short": "Int32",
        "flag": "Bool",
        "text": "Str",
        "when": "Time64",
    }
    assert scores(client, frame)["prediction"].astype(float).tolist() == model.predict(frame).tolist()
    alone = [scores(client, frame[row : row + 1])["prediction"][0] for row in range(10)]
    assert alone == scores(client, frame)["prediction"].tolist()[:10]


def author_model(predict: Callable[[Any], Any]) -> Any:
    """A model of its author's own: a class whose predict is a function of its input."""

    class Own(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
        def predict(self, context, model_input: pd.DataFrame, params=None):  # mlflow warns without the type
            return predict(model_input)

    return Own()


def tell_types(frame: pd.DataFrame) -> list[str]:
    """Predicts the types and cells of the frame that it was given."""
    types = {str(name): str(kind) for name, kind in frame.dtypes.items()}
    rows = frame.to_numpy(dtype=object)
    return [json.dumps({**types, "cells": [str(cell) for cell in row]}) for row in rows]


knows_optional = pytest.mark.skipif(
    not hasattr(ColSpec, "required"), reason="mlflow 1 has no columns that may be missing"
)
COLUMNS: Mapping[str, DataType] = {
    "long": DataType.long,
    "integer": DataType.integer,
    "boolean": DataType.boolean,
    "double": DataType.double,
    "float": DataType.float,
    "string": DataType.string,
    "datetime": DataType.datetime,
}
EXACT = {
    "long": "int64",
    "integer": "int32",
    "boolean": "bool",
    "double": "float64",
    "float": "float32",
    "string": "object",
    "datetime": "datetime64[ns]",
}
ROW = ["9007199254740993", "1", "True", "1.5", "0.5", "x", "2021-01-01"]


def optional_columns(folder: Path) -> None:
    """Mark every input of a saved model as one that may be missing, as new versions of mlflow can."""
    document = yaml.safe_load((folder / "MLmodel").read_text())
    columns = [{**column, "required": False} for column in json.loads(document["signature"]["inputs"])]
    document["signature"]["inputs"] = json.dumps(columns)
    (folder / "MLmodel").write_text(yaml.safe_dump(document))


@pytest.fixture
def typed(save: Save) -> Path:
    inputs = Schema([ColSpec(kind, name) for name, kind in COLUMNS.items()])
    signature = ModelSignature(inputs, Schema([ColSpec(DataType.string)]))
    return save(author_model(tell_types), signature=signature)


def seen(client: Client, *rows: list[str | None]) -> list[dict[str, Any]]:
    status, answer = client.post({"fields": list(COLUMNS), "rows": rows})
    assert status == 200, answer
    return [json.loads(row[0]) for row in answer["score"]]


def test_the_model_gets_exactly_the_types_of_its_signature(typed: Path, serve: Serve) -> None:
    (row,) = seen(serve(typed), ROW)
    assert {name: row[name] for name in COLUMNS} == EXACT


@knows_optional
def test_missing_integers_are_nan_in_their_own_rows_alone(typed: Path, serve: Serve) -> None:
    optional_columns(typed)
    client = serve(typed)
    gap = [None, "2", None, "2.5", "1.5", None, None]
    whole, holed, again = seen(client, ROW, gap, ROW)
    assert {name: whole[name] for name in COLUMNS} == EXACT
    assert whole == again == seen(client, ROW)[0]
    assert {name: holed[name] for name in COLUMNS} == {**EXACT, "long": "float64", "boolean": "float64"}
    assert [holed["cells"][place] for place in (0, 2, 5)] == ["nan"] * 3
    assert holed["cells"][6] == "NaT"
    assert holed["cells"][1] == "2"


@knows_optional
def test_integers_that_may_be_missing_are_predicted_as_the_library_does(save: Save, serve: Serve) -> None:
    frame = pd.DataFrame({"a": RANDOM.integers(0, 9, 80).astype(float), "b": RANDOM.normal(size=80)})
    frame.loc[::3, "a"] = np.nan
    model = HistGradientBoostingClassifier(min_samples_leaf=2).fit(frame, classes(frame, "low", "high"))
    whole = frame.fillna(0).astype({"a": "int64"})
    folder = save(model, signature=infer_signature(whole, model.predict(whole)))
    optional_columns(folder)
    answer = scores(serve(folder), frame)
    assert answer["prediction"].tolist() == model.predict(frame).tolist()
    probabilities = answer[["probability_high", "probability_low"]].astype(float).to_numpy()
    assert probabilities.tolist() == model.predict_proba(frame).tolist()


def test_a_required_column_refuses_missing_cells(save: Save, serve: Serve) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5]})
    model = LinearRegression().fit(frame, frame["b"])
    client = serve(save(model, signature=infer_signature(frame, model.predict(frame))))
    detail = "rows[1], field 'a' (Int64): a value is required, as /model/schema says (nullable: false)."
    request = {"fields": ["a", "b"], "rows": [["1", "1"], [None, "2"]]}
    assert client.post(request) == (400, {"detail": detail})


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32", "uint8"])
def test_a_tensor_of_columns(save: Save, serve: Serve, dtype: str) -> None:
    array = RANDOM.integers(0, 9, (40, 3)).astype(dtype)
    model = LinearRegression().fit(array, array.sum(axis=1))
    client = serve(
        save(model, signature=infer_signature(array, model.predict(array)), input_example=array[:1])
    )
    assert list(schema_of(client)[0]) == ["c0", "c1", "c2"]
    frame = pd.DataFrame(array, columns=["c0", "c1", "c2"])
    assert scores(client, frame)["prediction"].astype(float).tolist() == model.predict(array).tolist()
    assert client.get("/model/sample_request")[1]["rows"] == [[str(cell) for cell in array[0]]]
    if dtype == "uint8":
        status, answer = client.post({"fields": ["c0", "c1", "c2"], "rows": [["1", "2", "256"]]})
        assert (status, answer) == (400, {"detail": "A number does not fit the model's tensor of uint8."})


def add_tensors(tensors: Any) -> Any:
    """Takes a dict of arrays and gives one."""
    assert tensors["x"].shape[1:] == (2,)
    assert tensors["x"].dtype == np.float32
    return {"sum": tensors["x"].sum(axis=1) + tensors["y"], "both": tensors["x"] * 2}


def test_named_tensors_in_and_out(save: Save, serve: Serve) -> None:
    single, long = np.dtype("float32"), np.dtype("int64")
    signature = ModelSignature(
        Schema([TensorSpec(single, (-1, 2), "x"), TensorSpec(long, (-1,), "y")]),
        Schema([TensorSpec(single, (-1,), "sum"), TensorSpec(single, (-1, 2), "both")]),
    )
    client = serve(save(author_model(add_tensors), signature=signature))
    inputs, outputs = schema_of(client)
    assert inputs == {"x_0": "Float32", "x_1": "Float32", "y": "Int64"}
    assert outputs == {"sum": "Float32", "both_0": "Float32", "both_1": "Float32"}
    _, answer = client.post({"fields": ["y", "x_1", "x_0"], "rows": [["3", "0.25", "0.5"]]})
    assert answer["score"] == [["3.75", "1.0", "0.5"]]


def turn_tensors(tensors: Any) -> Any:
    """Takes a dict of arrays of two and three sizes and gives one."""
    assert tensors["x"].shape[1:] == (2, 2)
    assert tensors["t"].shape[1:] == ()
    turned = tensors["x"].transpose(0, 2, 1)
    return {
        "turned": np.stack([turned, turned * 2], axis=-1),
        "long": [str(text) * 2 for text in tensors["t"]],
    }


def test_tensors_of_further_sizes_in_and_out(save: Save, serve: Serve) -> None:
    single, text = np.dtype("float32"), np.dtype("O")
    signature = ModelSignature(
        Schema([TensorSpec(single, (-1, 2, 2), "x"), TensorSpec(text, (-1,), "t")]),
        Schema([TensorSpec(single, (-1, 2, 2, 2), "turned"), TensorSpec(text, (-1,), "long")]),
    )
    client = serve(save(author_model(turn_tensors), signature=signature))
    inputs, outputs = schema_of(client)
    assert inputs == {**{f"x_{cell}": "Float32" for cell in range(4)}, "t": "Str"}
    assert list(outputs) == [*(f"turned_{cell}" for cell in range(8)), "long"]
    rows = [["0", "1", "2", "3", "a"], ["4", "5", "6", "7", "b"]]
    _, answer = client.post({"fields": list(inputs), "rows": rows})
    x = np.arange(8, dtype="float32").reshape(2, 2, 2)
    expected = turn_tensors({"x": x, "t": np.array(["a", "b"], dtype=object)})
    cells = np.array([row[:-1] for row in answer["score"]], dtype=float)
    assert cells.tolist() == expected["turned"].reshape(2, 8).tolist()
    assert [row[-1] for row in answer["score"]] == ["aa", "bb"]


@pytest.mark.parametrize(
    ("make", "outputs", "row"),
    [
        (lambda x: x["a"].to_numpy() * 2, {"prediction": "Float64"}, ["3.0"]),
        (lambda x: (x["a"] * 2).astype("float32"), {"prediction": "Float32"}, ["3.0"]),
        (lambda x: [1] * len(x), {"prediction": "Int64"}, ["1"]),
        (lambda x: ["x"] * len(x), {"prediction": "Str"}, ["x"]),
        (lambda x: [None, 1.5][: len(x)], {"prediction": "Str"}, [None]),
        (lambda x: x["a"].to_numpy() > 0, {"prediction": "Bool"}, ["True"]),
        (lambda x: np.full(len(x), 7, dtype="uint32"), {"prediction": "Int64"}, ["7"]),
        (
            lambda x: pd.Series(pd.to_datetime(["2021-01-01 00:00:00.5"] * len(x))),
            {"prediction": "Time64"},
            ["2021-01-01 00:00:00.5"],
        ),
        (
            lambda x: pd.DataFrame({"up": x["a"] + 1, "label": pd.Series(["hi"] * len(x), dtype="string")}),
            {"up": "Float64", "label": "Str"},
            ["2.5", "hi"],
        ),
        (
            lambda x: np.stack([x["a"], -x["a"]], axis=1),
            {"prediction_0": "Float64", "prediction_1": "Float64"},
            ["1.5", "-1.5"],
        ),
        (lambda x: [{"u": 1, "v": True}] * len(x), {"u": "Int64", "v": "Bool"}, ["1", "True"]),
        (
            lambda x: np.stack([x[["a"]], -x[["a"]]], axis=1),
            {"prediction_0": "Float64", "prediction_1": "Float64"},
            ["1.5", "-1.5"],
        ),
        (
            lambda x: {"label": ["n"] * len(x), "chance": [{"n": 0.75, "y": 0.25}] * len(x)},
            {"label": "Str", "chance_n": "Float64", "chance_y": "Float64"},
            ["n", "0.75", "0.25"],
        ),
        (lambda x: pd.Series([1, None][: len(x)], dtype="Int64"), {"prediction": "Int64"}, ["1"]),
    ],
)
def test_outputs_that_no_signature_tells_are_found_out(
    save: Save, serve: Serve, make: Callable[[Any], Any], outputs: dict[str, str], row: list[str | None]
) -> None:
    client = serve(
        save(author_model(make), signature=ModelSignature(Schema([ColSpec(DataType.double, "a")])))
    )
    assert schema_of(client)[1] == outputs
    assert client.post({"fields": ["a"], "rows": [["1.5"]]})[1]["score"] == [row]


def save_returning(save: Save, make: Callable[[Any], Any], *outputs: ColSpec) -> Path:
    return save(
        author_model(make),
        signature=ModelSignature(Schema([ColSpec(DataType.double, "a")]), Schema(list(outputs))),
    )


def test_named_outputs_are_found_by_name_else_in_order(save: Save, serve: Serve) -> None:
    named = [ColSpec(DataType.double, "u"), ColSpec(DataType.double, "v")]
    by_name = serve(
        save_returning(save, lambda x: pd.DataFrame({"v": x["a"], "w": 0.0, "u": -x["a"]}), *named)
    )
    assert by_name.post({"fields": ["a"], "rows": [["1"]]})[1]["score"] == [["-1.0", "1.0"]]


def test_an_array_fills_named_outputs_in_order(save: Save, serve: Serve) -> None:
    named = [ColSpec(DataType.double, "u"), ColSpec(DataType.double, "v")]
    in_order = serve(save_returning(save, lambda x: np.stack([x["a"], -x["a"]], axis=1), *named))
    assert in_order.post({"fields": ["a"], "rows": [["1"]]})[1]["score"] == [["1.0", "-1.0"]]


@pytest.mark.parametrize(
    ("make", "detail"),
    [
        (lambda x: x[["a", "a"]].to_numpy(), "predict gave 2 columns, but the signature declares 1 outputs"),
        (lambda x: np.zeros((len(x), 2, 2)), "predict gave 4 columns, but the signature declares 1 outputs"),
        (lambda x: np.float64(1), "predict gave a single float64, which is no table"),
        (lambda x: x["a"] / 2, "output column 'prediction' holds no Int64: 0.5 is not a whole number"),
        (lambda x: [1, 2], "output column 'prediction' has 2 cells for 1 rows"),
        (lambda x: 1 / 0, "division by zero"),
    ],
)
def test_a_prediction_that_is_not_as_declared_is_a_500(
    save: Save, serve: Serve, make: Callable[[Any], Any], detail: str
) -> None:
    client = serve(save_returning(save, make, ColSpec(DataType.long)))
    status, answer = client.post({"fields": ["a"], "rows": [["1"]]})
    assert status == 500
    assert detail in answer["detail"]


def test_a_schema_may_come_from_outside_for_a_model_without_a_signature(save: Save, serve: Serve) -> None:
    frame = numbers()
    folder = save(LinearRegression().fit(frame, frame["a"]))
    declared = {
        "input": [{"name": "a", "type": "Float64"}, {"name": "b", "type": "float64"}],
        "output": [{"name": "y", "type": "Float64"}],
    }
    client = serve(folder, SPECR_MODEL_SCHEMA=json.dumps(declared))
    assert schema_of(client) == ({"a": "Float64", "b": "Float64"}, {"y": "Float64"})
    assert client.post({"fields": ["a", "b"], "rows": [["2", "0"]]})[0] == 200
    for wrong in ("{", "[]", '{"input": [{"name": "a"}]}', '{"input": [{"name": "a", "type": "x"}]}'):
        with pytest.raises(LoadError, match="SPECR_MODEL_SCHEMA is no schema"):
            serve(folder, SPECR_MODEL_SCHEMA=wrong)


def test_what_can_not_be_served_is_told_at_load(save: Save, serve: Serve, tmp_path: Path) -> None:
    frame = numbers()
    bare = save(LinearRegression().fit(frame, frame["a"]), name="bare")
    with pytest.raises(LoadError, match="the model has no signature with inputs; save it with signature"):
        serve(bare)
    images = ModelSignature(Schema([TensorSpec(np.dtype("float32"), (-1, -1, 8))]))
    with pytest.raises(LoadError, match=r"the input tensor is of shape \(-1, -1, 8\)"):
        serve(save(author_model(add_tensors), name="images", signature=images))
    with pytest.raises(LoadError, match="there is no MLmodel file"):
        serve(tmp_path)
    broken = ModelSignature(Schema([ColSpec(DataType.double, "a")]))
    with pytest.raises(LoadError, match=r"declares no outputs, and scoring one row .*ZeroDivisionError"):
        serve(save(author_model(lambda x: 1 / 0), name="broken", signature=broken))


def test_a_pipeline_with_an_imputer_takes_missing_text(save: Save, serve: Serve) -> None:
    frame = pd.DataFrame({"t": pd.Series(["a", "b", np.nan, "a"] * 5, dtype=object)})
    model = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(), LinearRegression()).fit(
        frame, range(20)
    )
    client = serve(save(model, signature=infer_signature(frame, model.predict(frame))))
    assert scores(client, frame)["prediction"].astype(float).tolist() == model.predict(frame).tolist()

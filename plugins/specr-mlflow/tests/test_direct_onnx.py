"""ONNX graphs asked directly: the same answers as through mlflow.pyfunc."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import Schema, TensorSpec
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from specr_mlflow.runtime import load
from specr_scorer import Frame, LoadError, Model, RowIndependent
from specr_scorer.testing import Client

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the libraries', of each other's versions
    onnxruntime = pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    skl2onnx = pytest.importorskip("skl2onnx")
    import mlflow.onnx
    from onnx import TensorProto, helper

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own, of whatever versions are installed

SaveFlavor = Callable[..., Path]
Agree = Callable[..., tuple[Model, Model]]
RANDOM = np.random.default_rng(19)
TABLE = RANDOM.normal(size=(40, 3)).astype("float32")
FRAME = pd.DataFrame(TABLE, columns=["a", "b", "c"])


def graph(inputs: list[Any], outputs: list[Any], *nodes: Any) -> Any:
    made = helper.make_graph(list(nodes), "graph", inputs, outputs)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    return model


def value(name: str, *shape: Any, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, list(shape))


def regression() -> Any:
    return skl2onnx.to_onnx(LinearRegression().fit(TABLE, TABLE @ [1.0, 2.0, 3.0]), TABLE[:1])


@pytest.mark.parametrize("kinds", ["float32", "float64", "mixed"])
def test_a_table_for_one_input(save_flavor: SaveFlavor, agree: Agree, kinds: str) -> None:
    frame = FRAME.astype({"a": "float64", "b": "int64"} if kinds == "mixed" else kinds)
    signature = infer_signature(frame, pd.DataFrame({"variable": TABLE[:, 0]}))
    agree(save_flavor(mlflow.onnx, regression(), signature=signature))


def test_a_tensor(save_flavor: SaveFlavor, agree: Agree) -> None:
    signature = infer_signature(TABLE, {"variable": TABLE[:, :1]})
    agree(save_flavor(mlflow.onnx, regression(), signature=signature))


def test_an_input_a_column(save_flavor: SaveFlavor, agree: Agree) -> None:
    model = graph(
        [value("a", None), value("b", None, kind=TensorProto.INT64)],
        [value("sum", None)],
        helper.make_node("Cast", ["b"], ["single"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["a", "single"], ["sum"]),
    )
    frame = FRAME[["a", "b"]].astype({"a": "float64", "b": "int64"})
    signature = infer_signature(frame, pd.DataFrame({"sum": TABLE[:, 0]}))
    agree(save_flavor(mlflow.onnx, model, signature=signature))


def test_text_and_named_tensors_of_several_sizes(save_flavor: SaveFlavor, agree: Agree) -> None:
    model = graph(
        [value("x", None, 2, 2), value("t", None, kind=TensorProto.STRING)],
        [value("turned", None, 2, 2), value("same", None, kind=TensorProto.STRING)],
        helper.make_node("Transpose", ["x"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("Identity", ["t"], ["same"]),
    )
    single, text = np.dtype("float32"), np.dtype("O")
    signature = ModelSignature(
        Schema([TensorSpec(single, (-1, 2, 2), "x"), TensorSpec(text, (-1,), "t")]),
        Schema([TensorSpec(single, (-1, 2, 2), "turned"), TensorSpec(text, (-1,), "same")]),
    )
    _, direct = agree(save_flavor(mlflow.onnx, model, signature=signature))
    cells: dict[str, list[Any]] = {f"x_{place}": [float(place)] for place in range(4)}
    answer = direct.score(Frame({**cells, "t": ["word"]}, 1))
    assert [answer[f"turned_{place}"] for place in range(4)] == [[0.0], [2.0], [1.0], [3.0]]
    assert answer["same"] == ["word"]


def test_classes_and_their_chances_from_a_table(
    save_flavor: SaveFlavor, serve: Callable[..., Client]
) -> None:
    """What mlflow.pyfunc can't put into one data frame: an output of more columns than one."""
    labels = np.digitize(TABLE[:, 0], [-0.5, 0.5])
    model = skl2onnx.to_onnx(LogisticRegression().fit(TABLE, labels), TABLE[:1], options={"zipmap": False})
    outputs = ModelSignature(
        infer_signature(FRAME, labels).inputs,
        Schema(
            [
                TensorSpec(np.dtype("int64"), (-1,), "label"),
                TensorSpec(np.dtype("float32"), (-1, 3), "chance"),
            ]
        ),
    )
    client = serve(save_flavor(mlflow.onnx, model, signature=outputs))
    rows = [[str(cell) for cell in row] for row in TABLE]
    status, answer = client.post({"fields": ["a", "b", "c"], "rows": rows})
    assert status == 200, answer
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    told, chances = session.run(None, {"X": TABLE})
    assert [int(row[0]) for row in answer["score"]] == told.tolist()
    assert [[float(cell) for cell in row[1:]] for row in answer["score"]] == chances.tolist()


def test_a_session_is_as_it_was_saved(save_flavor: SaveFlavor) -> None:
    folder = save_flavor(
        mlflow.onnx, regression(), signature=infer_signature(TABLE, {"variable": TABLE[:, :1]})
    )
    document = yaml.safe_load((folder / "MLmodel").read_text())
    document["flavors"]["onnx"]["onnx_session_options"] = {
        "intra_op_num_threads": 1,
        "execution_mode": "sequential",
        "graph_optimization_level": 99,
        "extra_session_config": {"session.disable_prepacking": "1"},
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(document))
    model = load({"MODEL_PATH": str(folder), "SPECR_MLFLOW_PATH": "direct"})
    options = model._predictor.native.get_session_options()  # type: ignore[attr-defined]  # what was made of it
    assert options.intra_op_num_threads == 1
    assert options.get_session_config_entry("session.disable_prepacking") == "1"


@pytest.mark.parametrize(
    ("model", "threads", "apart"),
    [
        (GradientBoostingRegressor(n_estimators=90), 1, True),
        (RandomForestRegressor(20), 1, True),
        (RandomForestRegressor(20), 2, False),
        (RandomForestRegressor(20), None, False),
        (LinearRegression(), 1, False),
    ],
    ids=str,
)
def test_trees_in_one_thread_answer_row_by_row(
    save_flavor: SaveFlavor, model: Any, threads: int | None, apart: bool
) -> None:
    table = RANDOM.normal(size=(300, 3)).astype("float32")
    converted = skl2onnx.to_onnx(model.fit(table, table @ [1.0, 2.0, 3.0]), table[:1])
    options = None if threads is None else {"intra_op_num_threads": threads}
    folder = save_flavor(
        mlflow.onnx,
        converted,
        signature=infer_signature(table, {"variable": table[:, :1]}),
        onnx_session_options=options,
    )
    served = load({"MODEL_PATH": str(folder), "SPECR_MLFLOW_PATH": "direct"})
    assert isinstance(served, RowIndependent)
    assert served.row_independent() is apart
    if apart:
        session = served._predictor.native  # type: ignore[attr-defined]  # the model's own
        single = np.concatenate([session.run(None, {"X": row})[0] for row in table[:, None]])
        for start, stop in ((0, 300), (7, 71), (100, 103), (0, 129)):
            joined = session.run(None, {"X": table[start:stop]})[0]
            assert joined.tolist() == single[start:stop].tolist()


def test_a_graph_for_so_many_rows_is_asked_for_no_others(save_flavor: SaveFlavor) -> None:
    model = graph([value("X", 1, 3)], [value("Y", 1, 3)], helper.make_node("Identity", ["X"], ["Y"]))
    signature = infer_signature(TABLE[:1], {"Y": TABLE[:1]})
    options = {"intra_op_num_threads": 1}
    folder = save_flavor(mlflow.onnx, model, signature=signature, onnx_session_options=options)
    served = load({"MODEL_PATH": str(folder), "SPECR_MLFLOW_PATH": "direct"})
    assert isinstance(served, RowIndependent)
    assert not served.row_independent()


def test_a_graph_for_a_device_that_is_there_is_left_to_mlflow(
    save_flavor: SaveFlavor, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_flavor(
        mlflow.onnx, regression(), signature=infer_signature(TABLE, {"variable": TABLE[:, :1]})
    )
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    with pytest.raises(LoadError, match="it is to run by CUDAExecutionProvider"):
        load({"MODEL_PATH": str(folder), "SPECR_MLFLOW_PATH": "direct"})

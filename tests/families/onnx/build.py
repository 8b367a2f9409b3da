"""Three graphs: a scikit-learn pipeline with named inputs, a network over one tensor, and written rules.

The expected predictions are onnxruntime's own, from the graph that is saved.
"""

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow.onnx
import numpy as np
import onnx
import onnxruntime
from family_data import NUMERIC, TEXT, loans, risk
from family_out import write_table
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from skl2onnx import to_onnx
from skl2onnx.common.data_types import (
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

INPUTS = {
    "income": (FloatTensorType, "float32"),
    "balance": (FloatTensorType, "float32"),
    "months": (Int64TensorType, "int64"),
    "region": (StringTensorType, "str"),
    "purpose": (StringTensorType, "str"),
}
MAY_BE_MISSING = ["income", "balance"]


def main() -> None:
    """Train, convert, save, and write what the graphs should answer."""
    build_pipeline(Path(sys.argv[1]) / "pipeline")
    build_network(Path(sys.argv[1]) / "network")
    build_rules(Path(sys.argv[1]) / "rules")


def save(graph: Any, inputs: list[TensorSpec], outputs: list[TensorSpec], folder: Path) -> None:
    """Save a graph as its users do."""
    told = ModelSignature(Schema(inputs), Schema(outputs))
    mlflow.onnx.save_model(
        graph, str(folder / "model"), signature=told, pip_requirements=["onnx", "onnxruntime"]
    )


def predict(graph: Any, feeds: dict[str, Any]) -> dict[str, Any]:
    """What onnxruntime makes of a graph and its inputs."""
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def build_pipeline(folder: Path) -> None:
    """A forest over numbers and texts; each input is a tensor of shape (-1, 1)."""
    known, asked = loans(600, 1, gaps=0)[list(INPUTS)], loans(150, 2, whole=False)[list(INPUTS)]
    asked = asked.fillna({"region": "?", "purpose": "?"})  # a tensor of texts holds no gap
    scores = risk(loans(600, 1, gaps=0), 3)
    grades = np.array(["bad", "fair", "good"])[np.digitize(scores, np.quantile(scores, [0.3, 0.7]))]
    columns = ColumnTransformer(
        [
            ("gapped", make_pipeline(SimpleImputer(), StandardScaler()), MAY_BE_MISSING),
            ("whole", StandardScaler(), ["months"]),
            ("texts", OneHotEncoder(handle_unknown="ignore"), TEXT),
        ]
    )
    forest = make_pipeline(columns, RandomForestClassifier(n_estimators=20, max_depth=5, random_state=0))
    forest.fit(known, grades)
    types = [(name, kind([None, 1])) for name, (kind, _) in INPUTS.items()]
    graph = to_onnx(forest, initial_types=types, options={"zipmap": False}, target_opset=15)
    feeds = {
        name: asked[[name]].to_numpy().astype("object" if kind == "str" else kind)
        for name, (_, kind) in INPUTS.items()
    }
    predicted = predict(graph, feeds)
    save(
        graph,
        [TensorSpec(np.dtype(kind), (-1, 1), name) for name, (_, kind) in INPUTS.items()],
        [
            TensorSpec(np.dtype("str"), (-1,), "label"),
            TensorSpec(np.dtype("float32"), (-1, 3), "probabilities"),
        ],
        folder,
    )
    chances = {f"probabilities_{place}": predicted["probabilities"][:, place] for place in range(3)}
    write_table(folder / "rows.json", asked.add_suffix("_0"))
    write_table(folder / "expected.json", {"label": predicted["label"], **chances})


def build_network(folder: Path) -> None:
    """A regression over one tensor of 32-bit floats, with gaps."""
    known, asked = loans(600, 1)[NUMERIC].astype("float32"), loans(150, 2)[NUMERIC].astype("float32")
    scores = risk(loans(600, 1), 3)
    network = make_pipeline(
        SimpleImputer(),
        StandardScaler(),
        MLPRegressor(hidden_layer_sizes=(16,), max_iter=300, random_state=0),
    )
    network.fit(known.to_numpy(), scores)
    graph = to_onnx(network, known.to_numpy()[:1], target_opset=15)
    name = onnx.load_from_string(graph.SerializeToString()).graph.input[0].name
    predicted = predict(graph, {name: asked.to_numpy()})["variable"]
    width = len(NUMERIC)
    save(
        graph,
        [TensorSpec(np.dtype("float32"), (-1, width), name)],
        [TensorSpec(np.dtype("float32"), (-1, 1), "variable")],
        folder,
    )
    asked.columns = [f"{name}_{place}" for place in range(width)]
    write_table(folder / "rows.json", asked)
    write_table(folder / "expected.json", {"variable_0": predicted[:, 0]})


def build_rules(folder: Path) -> None:
    """Rules over truths, whole and wide numbers, written as a graph by hand; inputs of shape (-1,)."""
    asked = loans(150, 2, whole=False)[["age", "employed", "income"]]
    graph = onnx.helper.make_model(
        onnx.helper.make_graph(
            [
                onnx.helper.make_node("Greater", ["age", "limit"], ["grown"]),
                onnx.helper.make_node("And", ["grown", "employed"], ["approved"]),
                onnx.helper.make_node("Cast", ["age"], ["years"], to=onnx.TensorProto.INT64),
                onnx.helper.make_node("Mul", ["years", "days"], ["lived"]),
                onnx.helper.make_node("Mul", ["income", "tenth"], ["tithe"]),
            ],
            "rules",
            [
                onnx.helper.make_tensor_value_info("age", onnx.TensorProto.INT32, [None]),
                onnx.helper.make_tensor_value_info("employed", onnx.TensorProto.BOOL, [None]),
                onnx.helper.make_tensor_value_info("income", onnx.TensorProto.DOUBLE, [None]),
            ],
            [
                onnx.helper.make_tensor_value_info("approved", onnx.TensorProto.BOOL, [None]),
                onnx.helper.make_tensor_value_info("lived", onnx.TensorProto.INT64, [None]),
                onnx.helper.make_tensor_value_info("tithe", onnx.TensorProto.DOUBLE, [None]),
            ],
            [
                onnx.helper.make_tensor("limit", onnx.TensorProto.INT32, [1], [30]),
                onnx.helper.make_tensor("days", onnx.TensorProto.INT64, [1], [365]),
                onnx.helper.make_tensor("tenth", onnx.TensorProto.DOUBLE, [1], [0.1]),
            ],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 15)],
        ir_version=8,
    )
    onnx.checker.check_model(graph)
    predicted = predict(graph, {name: asked[name].to_numpy() for name in asked})
    save(
        graph,
        [TensorSpec(asked[name].to_numpy().dtype, (-1,), name) for name in asked],
        [TensorSpec(column.dtype, (-1,), name) for name, column in predicted.items()],
        folder,
    )
    write_table(folder / "rows.json", asked)
    write_table(folder / "expected.json", predicted)


if __name__ == "__main__":
    main()

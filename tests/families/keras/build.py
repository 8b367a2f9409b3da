"""A Keras model of loans: an input of each type that tensors have, texts too, to a risk and three grades.

It is trained for some seconds and saved with mlflow's keras flavour, for Keras 2 its tensorflow flavour.
"""

import os
import sys
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import mlflow.keras
import numpy as np
import tensorflow as tf
from family_data import loans, risk
from family_out import write_table
from keras import layers
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

_INPUTS: Final = {
    "income": "float64",
    "balance": "float32",
    "age": "int32",
    "months": "int64",
    "employed": "bool",
    "region": "object",
}
_GRADES: Final = 3


_OPS: Final = keras.ops if hasattr(keras, "ops") else tf
"""What Keras 2 left to TensorFlow: the four operations that are used here have the same names in both."""


def filled(numbers: Any, known: Any) -> Any:
    """Numbers to how far they are off the middle of those known, a gap to 0."""
    middle, scale = float(np.nanmean(known)), float(np.nanstd(known))
    off = (_OPS.cast(numbers, "float32") - middle) / scale
    return _OPS.where(_OPS.equal(off, off), off, _OPS.zeros_like(off))


def tensors(frame: Any) -> dict[str, Any]:
    """A table's columns as the model takes them."""
    return {name: frame[name].to_numpy(dtype=kind) for name, kind in _INPUTS.items()}


def asked_for(rows: int, seed: int) -> Any:
    """Loans with gaps in their floats: tensors of other types have no room for any."""
    whole, holed = loans(rows, seed, gaps=0), loans(rows, seed)
    return whole.assign(income=holed["income"], balance=holed["balance"])


def make(known: dict[str, Any]) -> keras.Model:
    """One column an input, named; one tensor an output, named."""
    inputs, columns = {}, []
    for name, kind in _INPUTS.items():
        inputs[name] = keras.Input(shape=(1,), dtype="string" if kind == "object" else kind, name=name)
        if kind == "object":
            regions = sorted(set(known[name]))
            columns.append(layers.StringLookup(vocabulary=regions, output_mode="one_hot")(inputs[name]))
        else:
            columns.append(filled(inputs[name], known[name].astype("float64")))
    hidden = layers.Dense(24, activation="relu")(layers.Concatenate()(columns))
    outputs = {
        "risk": layers.Dense(1, name="risk")(hidden),
        "grade": layers.Dense(_GRADES, activation="softmax", name="grade")(hidden),
    }
    return keras.Model(inputs, outputs)


def main() -> None:
    """Train, save, and write what the model should answer."""
    out = Path(sys.argv[1])
    keras.utils.set_random_seed(0)
    table = asked_for(800, 1)
    known, scores = tensors(table), risk(table, 3).astype("float32")
    grades = np.digitize(scores, np.quantile(scores, [0.3, 0.7]))
    model = make(known)
    model.compile("adam", loss={"risk": "mse", "grade": "sparse_categorical_crossentropy"})
    model.fit(known, {"risk": scores, "grade": grades}, epochs=8, batch_size=32, verbose=0)

    sizes = {"risk": 1, "grade": _GRADES}
    told = ModelSignature(
        Schema([TensorSpec(np.dtype(kind), (-1,), name) for name, kind in _INPUTS.items()]),
        Schema([TensorSpec(np.dtype("float32"), (-1, size), name) for name, size in sizes.items()]),
    )
    mlflow.keras.save_model(model, str(out / "model"), signature=told, pip_requirements=["keras"])

    asked = asked_for(150, 2)
    asked.loc[7, "region"] = "a region that training never saw"
    made = model.predict(tensors(asked), batch_size=len(asked), verbose=0)
    columns = {f"{name}_{place}": made[name][:, place] for name in sizes for place in range(sizes[name])}
    write_table(out / "rows.json", asked[list(_INPUTS)])
    write_table(out / "expected.json", columns)


if __name__ == "__main__":
    main()

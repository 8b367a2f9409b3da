"""Trains the models of the scorer benchmark and saves each in the forms that its servers want.

Run in an environment that has the libraries: `python bench/scorer_models.py FOLDER`. Beside each model lie
the rows that it is asked about and what the library itself predicts for them.
"""

import json
import sys
from pathlib import Path
from typing import Any

import joblib
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from skl2onnx import to_onnx
from sklearn.datasets import make_regression
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import Ridge
from xgboost import XGBRegressor

COLUMNS = [f"x{number}" for number in range(8)]


def main(folder: Path) -> None:
    features, target = make_regression(2000, len(COLUMNS), n_informative=5, noise=5, random_state=7)
    features = features.round(4)
    table = pd.DataFrame(features, columns=COLUMNS)
    for name, save in (("scikit-learn", save_sklearn), ("xgboost", save_xgboost), ("onnx", save_onnx)):
        place = folder / name
        place.mkdir(parents=True)
        predicted = save(place, table, target)
        rows = {"columns": COLUMNS, "rows": features[:1000].tolist(), "predicted": predicted[:1000].tolist()}
        (place / "rows.json").write_text(json.dumps(rows), encoding="utf-8")


def save_sklearn(place: Path, table: pd.DataFrame, target: Any) -> Any:
    model = Ridge().fit(table, target)
    predicted = model.predict(table)
    mlflow.sklearn.save_model(model, place / "mlflow", signature=infer_signature(table, predicted))
    joblib.dump(Ridge().fit(table.to_numpy(), target), place / "model.joblib")
    return predicted


def save_xgboost(place: Path, table: pd.DataFrame, target: Any) -> Any:
    model = XGBRegressor(n_estimators=100, max_depth=5, n_jobs=1).fit(table, target)
    predicted = model.predict(table)
    mlflow.xgboost.save_model(model, place / "mlflow", signature=infer_signature(table, predicted))
    model.save_model(place / "model.json")
    return predicted


def save_onnx(place: Path, table: pd.DataFrame, target: Any) -> Any:
    """A tensor input, as onnx models mostly have."""
    rows = table.to_numpy(np.float32)
    model = GradientBoostingRegressor(n_estimators=100, random_state=7).fit(rows, target)
    converted = to_onnx(model, rows[:1])
    import onnxruntime  # noqa: PLC0415 - for this one

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(converted.SerializeToString(), options)
    predicted = session.run(None, {session.get_inputs()[0].name: rows})[0]
    signature = infer_signature({"X": rows}, {"variable": predicted})
    # one thread, as for all others, whose libraries take it from the environment
    threads = {"intra_op_num_threads": 1, "inter_op_num_threads": 1}
    mlflow.onnx.save_model(converted, place / "mlflow", signature=signature, onnx_session_options=threads)
    return predicted.ravel()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Registers three versions of a model through the server at argv[1]; writes what they predict to argv[2].

Runs in an environment of MLflow's, old or new. Each version has learnt another slope.
"""

import json
import sys
from pathlib import Path

import mlflow
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models.signature import infer_signature
from sklearn.linear_model import LinearRegression

NAME = "Fraud Model_1"
uri, out = sys.argv[1:]
mlflow.set_tracking_uri(uri)
rows = np.random.default_rng(7).normal(size=(100, 2))
frame = pd.DataFrame(rows, columns=["amount", "age"])
expected = {}
for slope in (1, 2, 3):
    model = LinearRegression().fit(frame, slope * frame["amount"] + 0.5 * frame["age"])
    predictions = model.predict(frame)
    with mlflow.start_run():
        mlflow.log_param("slope", slope)
        mlflow.log_metric("error", slope / 100)
        place = {"artifact_path": "model"} if mlflow.__version__ < "2" else {"name": "model"}
        mlflow.sklearn.log_model(
            model,
            **place,
            signature=infer_signature(frame, predictions),
            input_example=frame.iloc[:2] if slope == 3 else None,
            pip_requirements=["scikit-learn"],  # else a process for each finds them out, in tens of seconds
            registered_model_name=NAME,
        )
    expected[str(slope)] = predictions.tolist()
told = {"name": NAME, "fields": list(frame.columns), "rows": rows.tolist(), "expected": expected}
Path(out).write_text(json.dumps(told), encoding="utf-8")

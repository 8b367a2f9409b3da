"""A forest that classifies, with probabilities, and a ridge regression with two targets.

Both are pipelines over columns of every type, with gaps.
"""

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow.sklearn
import numpy as np
import pandas as pd
from family_data import NUMERIC, TEXT, TIMES, loans, risk
from family_mlflow import SAYS_REQUIRED, signature
from family_out import write_table
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler


def days(frame: pd.DataFrame) -> Any:
    """Times as days since 1970, NaN where there is none."""
    return np.column_stack([(frame[name] - pd.Timestamp(0)) / pd.Timedelta(days=1) for name in frame])


def pipeline(estimator: Any) -> Any:
    """An estimator behind the preparation of all columns."""
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMERIC),
            (
                "texts",
                make_pipeline(
                    SimpleImputer(strategy="constant", fill_value="unknown"),
                    OneHotEncoder(handle_unknown="ignore"),
                ),
                TEXT,
            ),
            ("times", make_pipeline(FunctionTransformer(days), SimpleImputer(), StandardScaler()), TIMES),
        ]
    )
    return make_pipeline(columns, estimator)


def save(model: Any, outputs: dict[str, str], folder: Path) -> None:
    """Save a model as its users do."""
    mlflow.sklearn.save_model(
        model,
        str(folder / "model"),
        signature=signature(loans(5, 0, gaps=0), outputs),
        pip_requirements=["scikit-learn"],  # named, since finding them out takes longer than the training
        serialization_format="cloudpickle",  # the newest mlflow's own choice, skops, takes no functions
    )


def main() -> None:
    """Train, save, and write what the models should answer."""
    out = Path(sys.argv[1])
    known, asked = loans(600, 1), loans(150, 2, whole=SAYS_REQUIRED)
    asked.loc[7, "region"] = "a region that training never saw"
    scores = risk(known, 3)

    classes = np.where(
        scores > np.quantile(scores, 0.6), "good", np.where(scores > np.median(scores), "fair", "bad")
    )
    forest = pipeline(RandomForestClassifier(n_estimators=30, max_depth=6, random_state=0)).fit(
        known, classes
    )
    save(forest, {"grade": "string"}, out / "classifier")
    chances = forest.predict_proba(asked)
    told = {f"probability_{name}": chances[:, place] for place, name in enumerate(forest.classes_)}
    write_table(out / "classifier" / "rows.json", asked)
    write_table(out / "classifier" / "expected.json", {"grade": forest.predict(asked), **told})

    targets = np.column_stack([scores, scores**2 - known["months"].fillna(100) / 50])
    ridge = pipeline(Ridge()).fit(known, targets)
    save(ridge, {"risk": "double", "loss": "double"}, out / "regressor")
    predicted = ridge.predict(asked)
    write_table(out / "regressor" / "rows.json", asked)
    write_table(out / "regressor" / "expected.json", {"risk": predicted[:, 0], "loss": predicted[:, 1]})


if __name__ == "__main__":
    main()

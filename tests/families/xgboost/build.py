"""An XGBClassifier, with probabilities, and a Booster of the native API, over numbers with gaps."""

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow.xgboost
import numpy as np
import xgboost as xgb
from family_data import NUMERIC, loans, risk
from family_mlflow import SAYS_REQUIRED, signature
from family_out import write_table


def save(model: Any, outputs: dict[str, str], folder: Path) -> None:
    """Save a model as its users do."""
    inputs = loans(5, 0, gaps=0)[NUMERIC]
    mlflow.xgboost.save_model(
        model, str(folder / "model"), signature=signature(inputs, outputs), pip_requirements=["xgboost"]
    )


def main() -> None:
    """Train, save, and write what the models should answer."""
    out = Path(sys.argv[1])
    known, asked = loans(600, 1)[NUMERIC], loans(150, 2, whole=SAYS_REQUIRED)[NUMERIC]
    scores = risk(loans(600, 1), 3)

    grades = np.digitize(scores, np.quantile(scores, [0.3, 0.7]))
    classifier = xgb.XGBClassifier(n_estimators=20, max_depth=4, random_state=0).fit(known, grades)
    save(classifier, {"grade": "long"}, out / "classifier")
    chances = classifier.predict_proba(asked)
    told = {f"probability_{grade}": chances[:, grade] for grade in range(3)}
    write_table(out / "classifier" / "rows.json", asked)
    write_table(out / "classifier" / "expected.json", {"grade": classifier.predict(asked), **told})

    learning = xgb.DMatrix(known, label=scores)
    booster = xgb.train({"max_depth": 5, "eta": 0.2, "seed": 0}, learning, num_boost_round=30)
    save(booster, {"risk": "float"}, out / "booster")
    write_table(out / "booster" / "rows.json", asked)
    rows = xgb.DMatrix(asked)
    write_table(out / "booster" / "expected.json", {"risk": booster.predict(rows)})
    shares = booster.predict(rows, pred_contribs=True)
    explained = dict(zip([*NUMERIC, "BiasTerm"], shares.T, strict=True))
    write_table(out / "booster" / "contributions.json", explained)


if __name__ == "__main__":
    main()

"""An LGBMClassifier, with probabilities, and a Booster of the native API, over numbers with gaps."""

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import lightgbm as lgb
import mlflow.lightgbm
import numpy as np
from family_data import NUMERIC, loans, risk
from family_mlflow import SAYS_REQUIRED, signature
from family_out import write_table


def save(model: Any, outputs: dict[str, str], folder: Path) -> None:
    """Save a model as its users do."""
    inputs = loans(5, 0, gaps=0)[NUMERIC]
    mlflow.lightgbm.save_model(
        model,
        str(folder / "model"),
        signature=signature(inputs, outputs),
        pip_requirements=["lightgbm"],
    )


def main() -> None:
    """Train, save, and write what the models should answer."""
    out = Path(sys.argv[1])
    known, asked = loans(600, 1)[NUMERIC], loans(150, 2, whole=SAYS_REQUIRED)[NUMERIC]
    scores = risk(loans(600, 1), 3)

    grades = np.array(["bad", "fair", "good"])[np.digitize(scores, np.quantile(scores, [0.3, 0.7]))]
    classifier = lgb.LGBMClassifier(n_estimators=20, max_depth=4, random_state=0, verbose=-1)
    classifier.fit(known, grades)
    save(classifier, {"grade": "string"}, out / "classifier")
    chances = classifier.predict_proba(asked)
    told = {f"probability_{name}": chances[:, place] for place, name in enumerate(classifier.classes_)}
    write_table(out / "classifier" / "rows.json", asked)
    write_table(out / "classifier" / "expected.json", {"grade": classifier.predict(asked), **told})

    parameters = {"objective": "regression", "num_leaves": 15, "seed": 0, "verbose": -1}
    booster = lgb.train(parameters, lgb.Dataset(known, label=scores), num_boost_round=30)
    save(booster, {"risk": "double"}, out / "booster")
    write_table(out / "booster" / "rows.json", asked)
    write_table(out / "booster" / "expected.json", {"risk": booster.predict(asked)})
    shares = booster.predict(asked, pred_contrib=True)
    explained = dict(zip([*NUMERIC, "BiasTerm"], shares.T, strict=True))
    write_table(out / "booster" / "contributions.json", explained)


if __name__ == "__main__":
    main()

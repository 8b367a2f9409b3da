"""A linear model and a logit, both from formulas over numbers, truths and texts, with gaps."""

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow.statsmodels
import numpy as np
import statsmodels.formula.api as smf
from family_data import NUMERIC, TEXT, loans, risk
from family_mlflow import SAYS_REQUIRED, signature
from family_out import write_table

COLUMNS = [*NUMERIC, *TEXT]
FORMULA = "np.log(income) + balance + age + months + employed + C(region) + C(purpose)"


def save(model: Any, outputs: dict[str, str], folder: Path) -> None:
    """Save a model as its users do."""
    inputs = loans(5, 0, gaps=0)[COLUMNS]
    mlflow.statsmodels.save_model(
        model,
        str(folder / "model"),
        signature=signature(inputs, outputs),
        input_example=inputs.head(2),  # a formula refuses texts that it does not know, made up ones too
        pip_requirements=["statsmodels"],
    )


def main() -> None:
    """Fit, save, and write what the models should answer."""
    out = Path(sys.argv[1])
    known, asked = loans(600, 1, gaps=0), loans(150, 2, 0.04, whole=SAYS_REQUIRED)[COLUMNS]
    known["risk"] = risk(known, 3)
    known["defaulted"] = (known["risk"] < np.quantile(known["risk"], 0.3)).astype(int)

    linear = smf.ols(f"risk ~ {FORMULA}", known).fit()
    save(linear, {"risk": "double"}, out / "linear")
    write_table(out / "linear" / "rows.json", asked)
    write_table(out / "linear" / "expected.json", {"risk": linear.predict(asked)})

    logit = smf.logit(f"defaulted ~ {FORMULA}", known).fit(disp=False)
    save(logit, {"chance": "double"}, out / "logit")
    write_table(out / "logit" / "rows.json", asked)
    write_table(out / "logit" / "expected.json", {"chance": logit.predict(asked)})


if __name__ == "__main__":
    main()

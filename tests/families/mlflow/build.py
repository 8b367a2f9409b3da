"""A model of one's own as a python function, logged to a tracking store; inputs and outputs of every type."""

import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import mlflow.pyfunc
import numpy as np
import pandas as pd
from family_data import loans
from family_mlflow import SAYS_REQUIRED, signature
from family_out import write_table
from mlflow.artifacts import download_artifacts

OUTPUTS = {
    "approved": "boolean",
    "term": "integer",
    "limit": "long",
    "rate": "float",
    "loss": "double",
    "segment": "string",
    "review": "datetime",
}


class Desk(mlflow.pyfunc.PythonModel):
    """A loan desk whose rates come from a table that is logged with it."""

    def load_context(self, context: Any) -> None:
        """Read the table of rates by region."""
        self.rates = pd.read_csv(context.artifacts["rates"]).set_index("region")["rate"]

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        """Decide on loans; what is unknown stays unknown where it decides nothing."""
        income = model_input["income"].fillna(0.0)
        age = model_input["age"].fillna(40).astype("int32")
        months = model_input["months"].fillna(12)
        rate = model_input["region"].map(self.rates).astype("float32")
        return pd.DataFrame(
            {
                "approved": (income > 20_000) & (model_input["employed"].fillna(0).astype(bool)),
                "term": (90 - age).astype("int32"),
                "limit": (income * 3).astype("int64") * 1_000_003,
                "rate": rate,
                "loss": model_input["balance"].astype("float64") * 0.07 + months / 7,
                "segment": model_input["region"].fillna("?") + "/" + model_input["purpose"].fillna("?"),
                "review": model_input["opened"] + pd.Timedelta(days=365),
            }
        )


def main() -> None:
    """Log, load again, and write what the model should answer."""
    out = Path(sys.argv[1])
    asked = loans(150, 2, whole=SAYS_REQUIRED)
    rates = pd.DataFrame({"region": ["north", "south", "east", "west"], "rate": [1.5, 2.25, 3.1, np.pi]})
    rates.to_csv("rates.csv", index=False)
    mlflow.set_tracking_uri(f"sqlite:///{Path('mlflow.db').absolute()}")
    mlflow.create_experiment("desk", artifact_location=Path("artifacts").absolute().as_uri())
    mlflow.set_experiment("desk")
    with mlflow.start_run():
        logged = mlflow.pyfunc.log_model(
            "model",
            python_model=Desk(),
            artifacts={"rates": "rates.csv"},
            signature=signature(loans(5, 0, gaps=0), OUTPUTS),
            pip_requirements=["pandas"],
        )
    shutil.copytree(download_artifacts(logged.model_uri), out / "model")
    desk = Desk()  # not as mlflow loads it: its check of types refuses gaps in whole numbers
    desk.load_context(SimpleNamespace(artifacts={"rates": "rates.csv"}))
    write_table(out / "rows.json", asked)
    write_table(out / "expected.json", desk.predict(None, asked))


if __name__ == "__main__":
    main()

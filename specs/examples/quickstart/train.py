"""Train the wine classifier that this example deploys, and save it as an MLflow model.

    python train.py            # writes models/wine, unless it is there
    python train.py --force    # trains again

Needs scikit-learn, pandas and mlflow, or mlflow-skinny, which installs faster.
"""

import argparse
import logging
import os
import shutil
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # mlflow looks when it is imported

import mlflow.sklearn
import pandas as pd
from mlflow.models import infer_signature
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

MODEL = Path(__file__).resolve().parent / "models" / "wine"
COLUMNS = ["alcohol", "malic_acid", "color_intensity", "proline"]


def train() -> None:
    """Fit on scikit-learn's wine data, then save the model with a signature and example rows."""
    wine = load_wine(as_frame=True)
    features = wine.data[COLUMNS]
    cultivar = wine.target_names[wine.target]
    model = make_pipeline(StandardScaler(), LogisticRegression(random_state=0)).fit(features, cultivar)
    predicted = pd.DataFrame({"cultivar": model.predict(features).astype(object)})
    print(f"accuracy on the training rows: {model.score(features, cultivar):.3f}")

    # mlflow warns that pickled models run code when they are loaded; this one is our own
    logging.getLogger("mlflow.sklearn").setLevel(logging.ERROR)
    unfinished = MODEL.with_name(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    mlflow.sklearn.save_model(
        model,
        str(unfinished),
        serialization_format="cloudpickle",  # the newest mlflow's own choice, skops, is one more package
        signature=infer_signature(features, predicted),
        input_example=features.head(2),
        # named here, since finding them out takes mlflow longer than the training
        pip_requirements=[f"{name}=={version(name)}" for name in ("scikit-learn", "pandas", "cloudpickle")],
    )
    shutil.rmtree(MODEL, ignore_errors=True)
    unfinished.rename(MODEL)
    print(f"saved {MODEL.relative_to(Path(__file__).resolve().parent)}")


def main() -> None:
    """Train unless the model is there."""
    parser = argparse.ArgumentParser(description="Train the wine classifier of this example.")
    parser.add_argument("--force", action="store_true", help="train again even if the model is there")
    again = parser.parse_args().force
    if MODEL.exists() and not again:
        print(f"models/{MODEL.name} is there; --force trains again")
        return
    train()


if __name__ == "__main__":
    main()

"""Projects with real models, for any provider: the quickstart, and one with three models of a kind each."""

from __future__ import annotations

import json
import os
import shutil
import urllib.request
import warnings
from pathlib import Path
from typing import Any

from tests.engines.texts import ARTIFACT_AND_MODEL, PROJECT

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # mlflow looks when it is imported

QUICKSTART = Path(__file__).parents[2] / "specs" / "examples" / "quickstart"

MODELS = ("boost", "forest", "tree")
COLUMNS = ("alcohol", "malic_acid", "color_intensity", "proline")

EXPERIMENT = """---
apiVersion: specr/v1
kind: Experiment
metadata: {{name: {name}}}
spec: {{parameters: {{algorithm: {name}}}}}
"""
DEPLOYMENT = """---
apiVersion: specr/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  model: {name}
  version: 1
  resources: {{limits: {{memory: 1Gi}}}}
"""


def write_quickstart(folder: Path, provider: str, settings: dict[str, Any]) -> None:
    """The quickstart as it stands, with nothing changed but where it runs."""
    shutil.copytree(QUICKSTART, folder, ignore=shutil.ignore_patterns(".specr", "models"))
    if not (QUICKSTART / "models" / "wine").exists():
        import subprocess
        import sys

        subprocess.run([sys.executable, str(QUICKSTART / "train.py")], check=True)
    shutil.copytree(QUICKSTART / "models", folder / "models")
    spec = folder / "specr.yaml"
    place = f"  providers: {{{provider}: {json.dumps(settings)}}}\n  defaultProvider: {provider}\n"
    text = spec.read_text()
    assert text.count("  packs: [mlflow]\n") == 1
    spec.write_text(text.replace("  packs: [mlflow]\n", f"  packs: [mlflow]\n{place}"))


def write_three(folder: Path, provider: str, settings: dict[str, Any]) -> dict[str, list[float]]:
    """Three models, trained here; returns what each predicts for the rows of `score_request`.

    All of them are trees: sums of products differ in the last bit with the order of their terms.
    """
    with warnings.catch_warnings(action="ignore"):
        import mlflow.sklearn
    from mlflow.models import infer_signature
    from sklearn.datasets import load_wine
    from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
    from sklearn.tree import DecisionTreeRegressor

    wine = load_wine(as_frame=True)
    features = wine.data[list(COLUMNS)]
    kinds = (
        GradientBoostingRegressor(n_estimators=9, random_state=0),
        RandomForestRegressor(n_estimators=7, random_state=0),
        DecisionTreeRegressor(random_state=0),
    )
    predicted = {}
    folder.mkdir()
    text = PROJECT.format(name="three", packs="[mlflow]", provider=provider, settings=json.dumps(settings))
    for name, kind in zip(MODELS, kinds, strict=True):
        model = kind.fit(features, wine.data["flavanoids"])
        with warnings.catch_warnings(action="ignore"):  # mlflow has its doubts about pickled models
            mlflow.sklearn.save_model(
                model,
                str(folder / "models" / name),
                serialization_format="cloudpickle",
                signature=infer_signature(features, model.predict(features)),
                pip_requirements=["scikit-learn"],
            )
        predicted[name] = [float(score) for score in model.predict(features.head(5))]
        text += EXPERIMENT.format(name=name)
        text += ARTIFACT_AND_MODEL.format(name=name, type="python/mlflow", source=f"models/{name}")
        text += DEPLOYMENT.format(name=name)
    (folder / "specr.yaml").write_text(text)
    return predicted


def score_request() -> dict[str, Any]:
    """Five rows of wine, as a score request."""
    from sklearn.datasets import load_wine

    rows = load_wine(as_frame=True).data[list(COLUMNS)].head(5)
    return {"fields": list(COLUMNS), "rows": [[repr(float(v)) for v in row] for row in rows.to_numpy()]}


def score(endpoint: str, body: dict[str, Any]) -> list[list[str]]:
    """Score over HTTP."""
    request = urllib.request.Request(
        f"{endpoint}/model/score", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        scores: list[list[str]] = json.load(answer)["score"]
    return scores

"""A project with a model of each pack that has an image and is not MLflow's: a MOJO and a pickle."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

from tests.engines.texts import ARTIFACT_AND_MODEL, PROJECT

EXPERIMENTS = """---
apiVersion: specr/v1
kind: Experiment
metadata: {name: mojo}
spec: {}
---
apiVersion: specr/v1
kind: Experiment
metadata: {name: pickle}
spec:
  schema:
    input: [{name: area, type: Float64}, {name: rooms, type: Int64}]
    output: [{name: price, type: Float64}]
"""
DEPLOYMENT = """---
apiVersion: specr/v1
kind: Deployment
metadata: {{name: {name}}}
spec: {{model: {name}, version: 1}}
"""

HOUSES = [[90.0, 3.0], [45.5, 1.0], [120.0, 5.0]]

REQUESTS: dict[str, dict[str, Any]] = {
    "mojo": {"fields": ["x", "city"], "rows": [["1", "Oslo"], ["7", "Rome"], ["", "Oslo"]]},
    "pickle": {
        "fields": ["area", "rooms"],
        "rows": [[repr(area), str(int(rooms))] for area, rooms in HOUSES],
    },
}
"""A score request for each model, by name."""


def write_packs(folder: Path, provider: str, settings: dict[str, Any]) -> dict[str, list[float]]:
    """Write the project; returns what each model predicts for its request."""
    folder.mkdir()
    project = {"name": "packs", "packs": "[h2o3, pickle]", "provider": provider}
    text = PROJECT.format(**project, settings=json.dumps(settings)) + EXPERIMENTS
    text += ARTIFACT_AND_MODEL.format(name="mojo", type="h2o3/mojo", source="model.zip")
    text += ARTIFACT_AND_MODEL.format(name="pickle", type="python/pickle", source="model.pkl")
    text += DEPLOYMENT.format(name="mojo") + DEPLOYMENT.format(name="pickle")
    (folder / "specr.yaml").write_text(text)
    return {"mojo": write_mojo(folder / "model.zip"), "pickle": write_pickle(folder / "model.pkl")}


def write_pickle(path: Path) -> list[float]:
    """A tree, whose answers have no last bits to differ in."""
    import pandas as pd  # type: ignore[import-untyped]
    from sklearn.tree import DecisionTreeRegressor

    houses = pd.DataFrame(HOUSES, columns=["area", "rooms"]).astype({"rooms": "int64"})
    model = DecisionTreeRegressor(random_state=0).fit(houses, [310.5, 150.25, 415.0])
    path.write_bytes(pickle.dumps(model))
    return [float(price) for price in model.predict(houses)]


def write_mojo(path: Path) -> list[float]:
    """A MOJO of one tree, as H2O writes them: 10; less 1.5 where x < 5 or missing, else plus 2.25."""
    info = {
        "h2o_version": "3.46.0.11",
        "mojo_version": "1.40",
        "algo": "gbm",
        "algorithm": "Gradient Boosting Machine",
        "category": "Regression",
        "uuid": "7",
        "supervised": "true",
        "n_features": "2",
        "n_classes": "1",
        "n_columns": "3",
        "n_domains": "1",
        "balance_classes": "false",
        "default_threshold": "0.5",
        "prior_class_distrib": "null",
        "model_class_distrib": "null",
        "escape_domain_values": "true",
        "_genmodel_encoding": "AUTO",
        "n_trees": "1",
        "n_trees_per_class": "1",
        "distribution": "gaussian",
        "link_function": "identity",
        "init_f": "10.0",
        "offset_column": "null",
    }
    columns = ["x", "city", "y"]
    lines = ["[info]", *(f"{key} = {value}" for key, value in info.items())]
    lines += ["", "[columns]", *columns, "", "[domains]", "1: 2 d000.txt", ""]
    details = {"output": {"names": columns, "column_types": ["Numeric", "Enum", "Numeric"]}}
    # Both branches are leaves; column 0, what is missing goes left, below 5 too.
    tree = struct.pack("<BHBfff", 48 | 0xC0, 0, 2, 5.0, -1.5, 2.25)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.ini", "\n".join(lines))
        archive.writestr("domains/d000.txt", "Oslo\nRome\n")
        archive.writestr("experimental/modelDetails.json", json.dumps(details))
        archive.writestr("trees/t00_000.bin", tree)
        archive.writestr("trees/t00_000_aux.bin", b"")
    return [8.5, 12.25, 8.5]

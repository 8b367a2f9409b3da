"""XGBoost's and LightGBM's models asked directly: the same answers as through mlflow.pyfunc."""

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow.models import infer_signature
from mlflow.types import ColSpec
from specr_mlflow.probabilities import find_probabilities
from specr_scorer import Frame, Model

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the libraries', of each other's versions
    lightgbm = pytest.importorskip("lightgbm")
    xgboost = pytest.importorskip("xgboost")
    import mlflow.lightgbm
    import mlflow.xgboost

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own, of whatever versions are installed

SaveFlavor = Callable[..., Path]
Agree = Callable[..., tuple[Model, Model]]
RANDOM = np.random.default_rng(13)
ROWS = 80
TABLES: Mapping[str, Mapping[str, str]] = {
    "all numbers": {
        "double": "float64",
        "single": "float32",
        "long": "int64",
        "short": "int32",
        "flag": "bool",
    },
    "doubles": {"a": "float64", "b": "float64"},
    "singles": {"a": "float32", "b": "float32"},
    "longs": {"a": "int64", "b": "int64"},
    "integers": {"a": "int64", "b": "int32"},
    "flags": {"a": "bool", "b": "bool"},
    "flag and single": {"a": "bool", "b": "float32"},
    "flag and long": {"a": "bool", "b": "int64"},
}


def table(types: Mapping[str, str]) -> pd.DataFrame:
    numbers = RANDOM.normal(size=(ROWS, len(types))) * 3
    return pd.DataFrame({name: numbers[:, at] for at, name in enumerate(types)}).astype(types)


def target(frame: pd.DataFrame, classes: int = 0) -> Any:
    total = frame.to_numpy().astype(float).sum(axis=1) + RANDOM.normal(size=len(frame))
    return total if not classes else np.digitize(total, np.quantile(total, np.arange(1, classes) / classes))


def optional(folder: Path) -> Path:
    """Mark every input as one that may be missing, as new versions of mlflow can."""
    if hasattr(ColSpec, "required"):
        document = yaml.safe_load((folder / "MLmodel").read_text())
        columns = [{**column, "required": False} for column in json.loads(document["signature"]["inputs"])]
        document["signature"]["inputs"] = json.dumps(columns)
        (folder / "MLmodel").write_text(yaml.safe_dump(document))
    return folder


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("flavor", ["xgboost", "lightgbm"])
def test_boosters_of_every_type(save_flavor: SaveFlavor, agree: Agree, flavor: str, kind: str) -> None:
    frame = table(TABLES[kind])
    if flavor == "xgboost":
        model = xgboost.train({"max_depth": 3}, xgboost.DMatrix(frame, target(frame)), 6)
        predicted = model.predict(xgboost.DMatrix(frame))
    else:
        data = lightgbm.Dataset(frame, target(frame))
        model = lightgbm.train({"min_data_in_leaf": 2, "verbose": -1}, data, 6)
        predicted = model.predict(frame)
    module = mlflow.xgboost if flavor == "xgboost" else mlflow.lightgbm
    agree(optional(save_flavor(module, model, signature=infer_signature(frame, predicted))))


@pytest.mark.parametrize(
    "parameters",
    [
        {"objective": "binary:logistic"},
        {"objective": "multi:softprob", "num_class": 3},
        {"objective": "multi:softmax", "num_class": 3},
        {"booster": "dart", "rate_drop": 0.5},
        {"booster": "gblinear"},
        {"booster": "dart", "objective": "multi:softprob", "num_class": 3},
    ],
    ids=str,
)
def test_boosters_of_xgboost(save_flavor: SaveFlavor, agree: Agree, parameters: dict[str, Any]) -> None:
    frame = table(TABLES["all numbers"])
    classes = parameters.get("num_class") or (2 if "objective" in parameters else 0)
    model = xgboost.train(parameters, xgboost.DMatrix(frame, target(frame, classes)), 6)
    signature = infer_signature(frame, model.predict(xgboost.DMatrix(frame)))
    agree(optional(save_flavor(mlflow.xgboost, model, signature=signature)))


@pytest.mark.parametrize(
    "parameters",
    [
        {"objective": "binary"},
        {"objective": "multiclass", "num_class": 3},
        {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7},
    ],
    ids=str,
)
def test_boosters_of_lightgbm(save_flavor: SaveFlavor, agree: Agree, parameters: dict[str, Any]) -> None:
    frame = table(TABLES["all numbers"])
    classes = parameters.get("num_class") or (2 if "objective" in parameters else 0)
    data = lightgbm.Dataset(frame, target(frame, classes))
    model = lightgbm.train({**parameters, "min_data_in_leaf": 2, "verbose": -1}, data, 6)
    signature = infer_signature(frame, model.predict(frame))
    agree(optional(save_flavor(mlflow.lightgbm, model, signature=signature)))


def test_a_booster_of_arrays(save_flavor: SaveFlavor, agree: Agree) -> None:
    array = table(TABLES["singles"]).to_numpy()
    model = xgboost.train({}, xgboost.DMatrix(array, array[:, 0]), 4)
    agree(save_flavor(mlflow.xgboost, model, signature=infer_signature(array, array[:, 0])))


def test_columns_that_a_booster_does_not_know_are_told_by_the_library(
    save_flavor: SaveFlavor, agree: Agree
) -> None:
    frame = table(TABLES["doubles"])
    model = xgboost.train({}, xgboost.DMatrix(frame, target(frame)), 4)
    other = frame.rename(columns={"a": "c"})
    agree(save_flavor(mlflow.xgboost, model, signature=infer_signature(other, target(frame))), answers=False)


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("flavor", ["xgboost", "lightgbm"])
def test_estimators(save_flavor: SaveFlavor, agree: Agree, flavor: str, classes: int) -> None:
    frame = table(TABLES["all numbers"])
    if flavor == "xgboost":
        model = (xgboost.XGBClassifier if classes else xgboost.XGBRegressor)(n_estimators=4)
    else:
        kind = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
        model = kind(n_estimators=4, min_child_samples=2, verbose=-1)
    model.fit(frame, target(frame, classes))
    module = mlflow.xgboost if flavor == "xgboost" else mlflow.lightgbm
    folder = save_flavor(module, model, signature=infer_signature(frame, model.predict(frame)))
    _, direct = agree(optional(folder))
    assert len(direct.schema.outputs) == (1 + classes if classes else 1)
    columns = {name: frame[name].tolist() for name in frame}
    whole = direct.score(Frame(columns, ROWS))
    assert whole["prediction"] == model.predict(frame).tolist()
    single = [direct.score(Frame({n: [cells[row]] for n, cells in columns.items()}, 1)) for row in range(9)]
    assert {name: [answer[name][0] for answer in single] for name in whole} == {
        name: list(cells[:9]) for name, cells in whole.items()
    }


@pytest.mark.parametrize("classes", [2, 3])
def test_the_class_is_a_function_of_the_probabilities_alone(
    monkeypatch: pytest.MonkeyPatch, classes: int
) -> None:
    """Whatever the booster is made to return, ties among it, predict follows."""
    frame = table(TABLES["doubles"])
    light = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(frame, target(frame, classes))
    xgb = xgboost.XGBClassifier(n_estimators=2).fit(frame, target(frame, classes))
    raw = RANDOM.integers(0, 5, (ROWS, classes) if classes > 2 else ROWS) / 4
    monkeypatch.setattr(lightgbm.Booster, "predict", lambda *_, **__: raw)
    monkeypatch.setattr(xgboost.Booster, "inplace_predict", lambda *_, **__: raw.astype("float32"))
    for library, model in (("lightgbm", light), ("xgboost", xgb)):
        found = find_probabilities(model, {"python_function": {}, library: {}})
        assert found is not None
        assert found.tell_class
        assert found.class_of(found.predict(frame)).tolist() == model.predict(frame).tolist()


def test_a_classifier_of_bare_classes_is_asked_for_them(save_flavor: SaveFlavor, agree: Agree) -> None:
    frame = table(TABLES["doubles"])
    model = xgboost.XGBClassifier(n_estimators=4, objective="multi:softmax").fit(frame, target(frame, 3))
    agree(save_flavor(mlflow.xgboost, model, signature=infer_signature(frame, model.predict(frame))))

"""Shapley values and the promise to answer row by row: the libraries' own numbers."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from specr_mlflow.independence import is_row_independent
from specr_scorer.testing import Client

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the libraries', of each other's versions
    lightgbm = pytest.importorskip("lightgbm")
    xgboost = pytest.importorskip("xgboost")
    import mlflow.lightgbm
    import mlflow.xgboost

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own, of whatever versions are installed

RANDOM = np.random.default_rng(17)
FRAME = pd.DataFrame(
    {"a": RANDOM.normal(size=60), "b": RANDOM.normal(size=60), "n": RANDOM.integers(0, 9, 60)}
)
FRAME.loc[::7, "a"] = np.nan
FEATURES = ["a", "b", "n", "BiasTerm"]
TARGETS: Mapping[int, Any] = {
    0: FRAME["b"] * 2 + FRAME["n"],
    2: (FRAME["b"] > 0).astype(int),
    3: FRAME["n"] // 3,
}


def make(flavor: str, *, estimator: bool, classes: int) -> Any:
    target = TARGETS[classes]
    if flavor == "xgboost" and estimator:
        kind = xgboost.XGBClassifier if classes else xgboost.XGBRegressor
        return kind(n_estimators=5, n_jobs=1).fit(FRAME, target)
    if flavor == "xgboost":
        objectives = {
            0: {},
            2: {"objective": "binary:logistic"},
            3: {"objective": "multi:softprob", "num_class": 3},
        }
        return xgboost.train({**objectives[classes], "nthread": 1}, xgboost.DMatrix(FRAME, target), 5)
    options = {"min_child_samples": 2, "verbose": -1, "num_threads": 1}
    if estimator:
        light = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
        return light(n_estimators=5, **options).fit(FRAME, target)
    tasks = {0: {}, 2: {"objective": "binary"}, 3: {"objective": "multiclass", "num_class": 3}}
    return lightgbm.train({**options, **tasks[classes]}, lightgbm.Dataset(FRAME, target), 5)


def shapley(model: Any) -> Any:
    """The library's own values, by row, group and feature."""
    if type(model).__module__.startswith("xgboost"):
        booster = model if isinstance(model, xgboost.Booster) else model.get_booster()
        values = booster.predict(xgboost.DMatrix(FRAME), pred_contribs=True)
    else:
        values = model.predict(FRAME, pred_contrib=True)
    return values.reshape(len(FRAME), -1, len(FEATURES))


def predicted(model: Any) -> Any:
    return (
        model.predict(xgboost.DMatrix(FRAME)) if isinstance(model, xgboost.Booster) else model.predict(FRAME)
    )


@pytest.mark.parametrize("path", ["direct", "pyfunc"])
@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("estimator", [False, True], ids=["booster", "estimator"])
@pytest.mark.parametrize("flavor", ["xgboost", "lightgbm"])
def test_shapley_values_are_the_librarys(
    save_flavor: Callable[..., Path],
    serve: Callable[..., Client],
    flavor: str,
    estimator: bool,
    classes: int,
    path: str,
) -> None:
    model = make(flavor, estimator=estimator, classes=classes)
    module = mlflow.xgboost if flavor == "xgboost" else mlflow.lightgbm
    client = serve(
        save_flavor(module, model, signature=infer_signature(FRAME, predicted(model))), SPECR_MLFLOW_PATH=path
    )
    assert "CONTRIBUTION_ORIGINAL" in client.get("/model/capabilities")[1]
    rows = [[None if pd.isna(cell) else str(cell) for cell in row] for row in FRAME.astype(object).to_numpy()]
    request = {"fields": list(FRAME.columns), "rows": rows}
    status, answer = client.post(request, "/model/contribution")
    assert status == 200, answer
    assert answer["features"] == FEATURES
    expected = shapley(model)
    groups = answer["contributionGroups"]
    assert len(groups) == (3 if classes == 3 else 1)
    for place, group in enumerate(groups):
        assert np.array(group["contributions"]).astype(float).tolist() == expected[:, place].tolist()
    if classes == 3:
        kind = "probability_" if estimator else "prediction_"
        assert [group["outputGroup"] for group in groups] == [f"{kind}{number}" for number in range(3)]
    nothing = client.post({**request, "rows": []}, "/model/contribution")[1]
    assert nothing["features"] == FEATURES
    assert [group["contributions"] for group in nothing["contributionGroups"]] == [[]] * len(groups)


@pytest.mark.parametrize(
    ("model", "independent"),
    [
        (DecisionTreeClassifier(), True),
        (RandomForestClassifier(3), True),
        (ExtraTreesRegressor(3), True),
        (RandomForestClassifier(3, n_jobs=2), False),
        (GradientBoostingClassifier(n_estimators=20), True),
        (GradientBoostingRegressor(n_estimators=20, init="zero"), True),
        (GradientBoostingRegressor(n_estimators=2, init=LinearRegression()), False),
        (HistGradientBoostingClassifier(max_iter=20), True),
        (HistGradientBoostingRegressor(max_iter=20), True),
        (make_pipeline(RobustScaler(), MinMaxScaler(), MaxAbsScaler(), RandomForestRegressor(9)), True),
        (make_pipeline(None, "passthrough", StandardScaler(), DecisionTreeRegressor()), True),
        (make_pipeline(PCA(), RandomForestRegressor(3)), False),
        (make_pipeline(FunctionTransformer(np.log1p), DecisionTreeRegressor()), False),
        (make_pipeline(StandardScaler(), LinearRegression()), False),
        (make_pipeline(ColumnTransformer([], remainder=PCA()), DecisionTreeRegressor()), False),
        (LinearRegression(), False),
    ],
    ids=str,
)
def test_what_is_said_of_neighbours_holds_to_the_last_bit(model: Any, independent: bool) -> None:
    table = RANDOM.normal(size=(300, 5))
    model.fit(table, (table.sum(axis=1) > 0).astype(int))
    assert is_row_independent(model) is independent
    if independent:
        predict = getattr(model, "predict_proba", model.predict)
        single = np.concatenate([predict(table[row : row + 1]) for row in range(len(table))])
        for start, stop in ((0, 300), (7, 71), (100, 103)):
            assert predict(table[start:stop]).tolist() == single[start:stop].tolist()


def test_a_table_of_all_kinds_goes_through_a_pipeline_row_by_row() -> None:
    size = 300

    def words(choice: list[object]) -> Any:
        return RANDOM.choice(np.array(choice, dtype=object), size)

    table = pd.DataFrame(
        {
            "city": words(["Bern", "Rome", "Oslo", np.nan]),
            "size": words(["s", "m", "l"]),
            "height": np.where(RANDOM.random(size) < 0.2, np.nan, RANDOM.normal(size=size)),
            "weight": RANDOM.normal(size=size) * 1e3,
            "floor": RANDOM.integers(0, 9, size),
        }
    )
    filled = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    columns = ColumnTransformer(
        [
            ("words", filled, ["city"]),
            ("sizes", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["size"]),
            ("numbers", numbers, ["height", "weight"]),
        ],
        remainder="passthrough",
    )
    model = make_pipeline(columns, RandomForestClassifier(9))
    model.fit(table, table["weight"] > 0)
    assert is_row_independent(model)
    asked = table.assign(
        city=RANDOM.choice(["Bern", "Paris", None], size), size=RANDOM.choice(["m", "xl"], size)
    )
    single = np.concatenate([model.predict_proba(asked[row : row + 1]) for row in range(size)])
    for start, stop in ((0, size), (7, 71), (100, 103)):
        assert model.predict_proba(asked[start:stop]).tolist() == single[start:stop].tolist()


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("flavor", ["xgboost", "lightgbm"])
def test_boosted_trees_answer_row_by_row(flavor: str, classes: int) -> None:
    model = make(flavor, estimator=True, classes=classes)
    assert is_row_independent(model)
    predict = model.predict_proba if classes else model.predict
    single = np.concatenate([predict(FRAME[row : row + 1]) for row in range(len(FRAME))])
    assert predict(FRAME).tolist() == single.tolist()
    assert predict(FRAME[5:22]).tolist() == single[5:22].tolist()


def test_linear_boosters_are_not_said_to() -> None:
    model = xgboost.train({"booster": "gblinear"}, xgboost.DMatrix(FRAME, TARGETS[0]), 3)
    assert not is_row_independent(model)

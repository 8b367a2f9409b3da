"""scikit-learn's models asked directly: the same answers as through mlflow.pyfunc, to the last bit."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, Schema
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from specr_mlflow.predictions import PredictionError
from specr_mlflow.probabilities import find_probabilities
from specr_mlflow.runtime import load
from specr_scorer import Frame, LoadError, Model, ScoresSeveral

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own, of whatever versions are installed

Save = Callable[..., Path]
Agree = Callable[..., tuple[Model, Model]]
RANDOM = np.random.default_rng(11)
ROWS = 120

COLUMNS: Mapping[str, Callable[[], Any]] = {
    "double": lambda: RANDOM.normal(size=ROWS),
    "double2": lambda: RANDOM.normal(size=ROWS),
    "single": lambda: RANDOM.normal(size=ROWS).astype("float32"),
    "single2": lambda: RANDOM.normal(size=ROWS).astype("float32"),
    "long": lambda: RANDOM.integers(-5, 5, ROWS),
    "long2": lambda: RANDOM.integers(-5, 5, ROWS),
    "short": lambda: RANDOM.integers(-5, 5, ROWS).astype("int32"),
    "short2": lambda: RANDOM.integers(-5, 5, ROWS).astype("int32"),
    "flag": lambda: RANDOM.integers(0, 2, ROWS).astype(bool),
    "flag2": lambda: RANDOM.integers(0, 2, ROWS).astype(bool),
    "text": lambda: pd.Series(RANDOM.choice(["red", "green", "blue"], ROWS), dtype=object),
    "when": lambda: pd.to_datetime("2021-01-01") + pd.to_timedelta(RANDOM.integers(0, 10**6, ROWS), unit="s"),
}
NUMBERS = ["double", "single", "long", "short"]
TREE_NUMBERS = ["double", "single", "long", "short", "flag"]


def table(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame({name: COLUMNS[name]() for name in names})


def target(frame: pd.DataFrame, *labels: Any) -> Any:
    numbers = frame.select_dtypes(["number", "bool"])
    total = numbers.astype(float).fillna(0).sum(axis=1).to_numpy() + RANDOM.normal(size=len(frame)) / 3
    if not labels:
        return total
    return np.array(labels)[np.digitize(total, np.quantile(total, np.linspace(0, 1, len(labels) + 1)[1:-1]))]


def optional(folder: Path) -> Path:
    """Mark every input of a saved model as one that may be missing, as new versions of mlflow can."""
    if not hasattr(ColSpec, "required"):
        return folder
    document = yaml.safe_load((folder / "MLmodel").read_text())
    columns = [{**column, "required": False} for column in json.loads(document["signature"]["inputs"])]
    document["signature"]["inputs"] = json.dumps(columns)
    (folder / "MLmodel").write_text(yaml.safe_dump(document))
    return folder


def fitted(estimator: Any, names: list[str], *labels: Any, arrays: bool = False) -> tuple[Any, Any]:
    frame = table(names)
    data = frame.to_numpy() if arrays else frame
    estimator.fit(data, target(frame, *labels))
    return estimator, infer_signature(frame, estimator.predict(data))


@pytest.mark.parametrize(
    ("estimator", "names", "labels"),
    [
        (LinearRegression(), ["double", "double2"], ()),
        (LinearRegression(), ["single", "single2"], ()),
        (LinearRegression(), ["long", "long2"], ()),
        (LinearRegression(), ["short", "short2"], ()),
        (LinearRegression(), ["short", "long"], ()),
        (LinearRegression(), ["flag", "flag2"], ()),
        (Ridge(), ["single", "flag"], ()),
        (Ridge(), ["long", "flag"], ()),
        (Ridge(), NUMBERS, ()),
        (LogisticRegression(), NUMBERS, ("no", "yes")),
        (LogisticRegression(), ["double"], (0, 1, 2)),
        (make_pipeline(StandardScaler(), LogisticRegression()), TREE_NUMBERS, (False, True)),
        (make_pipeline(SimpleImputer(), StandardScaler(), Ridge()), NUMBERS, ()),
        (make_pipeline(SimpleImputer(strategy="most_frequent"), Ridge()), TREE_NUMBERS, ()),
        (make_pipeline(SimpleImputer(strategy="most_frequent"), Ridge()), ["long", "long2"], ()),
        (KNeighborsClassifier(), NUMBERS, (1, 2)),
        (GaussianNB(), ["double", "long"], ("a", "b", "c")),
        (MLPRegressor(hidden_layer_sizes=(4,), max_iter=40), ["double", "single"], ()),
        (SVC(), ["double", "double2"], ("a", "b")),
        (DecisionTreeClassifier(), TREE_NUMBERS, ("a", "b", "c")),
        (RandomForestRegressor(5), TREE_NUMBERS, ()),
        (RandomForestClassifier(5), NUMBERS, ("a", "b", "c")),
        (ExtraTreesClassifier(5), ["long", "flag"], (1, 2)),
        (BaggingClassifier(LogisticRegression(), n_estimators=3), NUMBERS, (1, 2)),
        (HistGradientBoostingRegressor(max_iter=9), TREE_NUMBERS, ()),
        (HistGradientBoostingClassifier(max_iter=9), ["long", "long2"], ("a", "b", "c")),
    ],
    ids=str,
)
def test_numbers(save: Save, agree: Agree, estimator: Any, names: list[str], labels: tuple[Any, ...]) -> None:
    model, signature = fitted(estimator, names, *labels)
    agree(optional(save(model, signature=signature)))


def test_voting_of_probabilities(save: Save, agree: Agree) -> None:
    voting = VotingClassifier(
        [("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=2))], voting="soft"
    )
    model, signature = fitted(voting, NUMBERS, "x", "y", "z")
    agree(save(model, signature=signature))


def by_kind(frame: pd.DataFrame) -> pd.DataFrame:
    """Looks at the types of the columns, so nothing but a data frame will do."""
    return frame.select_dtypes(["int64", "float64"])


@pytest.mark.parametrize(
    ("estimator", "names"),
    [
        (
            make_pipeline(
                make_column_transformer(
                    (OneHotEncoder(handle_unknown="ignore"), ["text"]),
                    ("passthrough", ["double", "single", "long", "short", "flag"]),
                    sparse_threshold=0,
                ),
                HistGradientBoostingRegressor(max_iter=9),
            ),
            [*TREE_NUMBERS, "text", "when"],
        ),
        (
            make_pipeline(
                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), DecisionTreeClassifier()
            ),
            ["long", "double", "flag"],
        ),
        (make_pipeline(FunctionTransformer(by_kind), SimpleImputer(), Ridge()), NUMBERS),
    ],
    ids=["columns by name", "encoder", "function of a frame"],
)
def test_what_needs_a_data_frame_gets_one(save: Save, agree: Agree, estimator: Any, names: list[str]) -> None:
    model, signature = fitted(estimator, names, 0, 1)
    agree(optional(save(model, signature=signature)))


def test_columns_that_the_model_does_not_know_are_told_by_the_library(save: Save, agree: Agree) -> None:
    model, _ = fitted(Ridge(), ["double", "double2"])
    frame = table(["double2", "double"])
    agree(save(model, signature=infer_signature(frame, frame["double"].to_numpy())), answers=False)


def test_models_of_arrays_behind_columns_and_tensors(save: Save, agree: Agree) -> None:
    model, signature = fitted(Ridge(), ["double", "double2"], arrays=True)
    agree(save(model, signature=signature, name="named"))
    unnamed = ModelSignature(Schema([ColSpec(DataType.double), ColSpec(DataType.double)]))
    agree(save(model, signature=unnamed, name="unnamed"))
    for kind in ("float64", "float32", "int64", "uint8", "bool"):
        array = RANDOM.integers(0, 2, (9, 2)).astype(kind)
        agree(save(model, signature=infer_signature(array, model.predict(array)), name=kind))


def test_probabilities_in_place_of_classes(save: Save, agree: Agree) -> None:
    frame = table(NUMBERS)
    model = LogisticRegression().fit(frame, target(frame, 0, 1))
    signature = infer_signature(frame, model.predict_proba(frame))
    agree(save(model, signature=signature, pyfunc_predict_fn="predict_proba"))


def test_two_targets(save: Save, agree: Agree) -> None:
    frame = table(NUMBERS)
    targets = np.stack([target(frame, 0, 1), target(frame, 5, 3)], axis=1)
    model = RandomForestClassifier(3).fit(frame, targets)
    agree(save(model, signature=infer_signature(frame, model.predict(frame))))


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(3),
        ExtraTreesClassifier(3),
        BaggingClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=3),
        CalibratedClassifierCV(LogisticRegression(), cv=3),
        VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())], voting="soft"),
        make_pipeline(StandardScaler(), RandomForestClassifier(3)),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.parametrize("labels", [("b", "a"), (3, 1, 2), (False, True)], ids=str)
def test_the_class_is_a_function_of_the_probabilities_alone(
    monkeypatch: pytest.MonkeyPatch, estimator: Any, labels: tuple[Any, ...]
) -> None:
    """Whatever predict_proba is made to return, ties among it, predict follows."""
    model, _ = fitted(estimator, NUMBERS, *labels)
    found = find_probabilities(model, {"python_function": {}, "sklearn": {}})
    assert found is not None
    assert found.tell_class
    frame = table(NUMBERS)
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    chances = RANDOM.integers(0, 3, (len(frame), len(labels))) / 4
    monkeypatch.setattr(type(last), "predict_proba", lambda *_, **__: chances)
    told, predicted = found.class_of(chances), model.predict(frame)
    assert told.tolist() == predicted.tolist()
    assert told.dtype == predicted.dtype


@pytest.mark.parametrize("estimator", [LogisticRegression(), GaussianNB(), DecisionTreeClassifier()])
def test_other_classifiers_are_asked_for_the_class_too(estimator: Any) -> None:
    model, _ = fitted(estimator, NUMBERS, 0, 1)
    found = find_probabilities(model, {"python_function": {}, "sklearn": {}})
    assert found is not None
    assert not found.tell_class


def test_a_large_integer_among_floats_is_not_rounded_twice(save: Save, agree: Agree) -> None:
    frame = pd.DataFrame({"long": [2**53 + 1, 0, 1] * 9, "double": [0.5, 1.5, 2.5] * 9})
    model = Ridge().fit(frame, frame["double"])
    folder = save(model, signature=infer_signature(frame, model.predict(frame)))
    pyfunc, direct = agree(folder)
    rows = Frame({"long": [2**53 + 1, 2**62 + 1, 3], "double": [0.1, 0.2, 0.3]}, 3)
    assert direct.score(rows) == pyfunc.score(rows)


class Deduplicating(Ridge):
    """Of an author's own, who forgot that equal rows want an answer each; shows the first row's twice."""

    def predict(self, rows: Any) -> Any:
        rows = np.unique(rows, axis=0)
        return super().predict(rows[[0, *range(len(rows))]] if rows[0, 0] < 0 else rows)


@pytest.mark.parametrize("listed", [False, True])
def test_no_request_gets_cells_of_another_however_many_a_model_gives(
    save: Save, listed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame({"a": [-2.0, -1, 1, 2], "b": [1.0, 2, 3, 4]})
    model = make_pipeline(StandardScaler(), Deduplicating()).fit(frame, frame["b"])
    if listed:
        answer = Deduplicating.predict
        monkeypatch.setattr(Deduplicating, "predict", lambda self, rows: answer(self, rows).tolist())
    folder = save(model, signature=infer_signature(frame, np.ones(4)))
    direct = load({"MODEL_PATH": str(folder), "SPECR_MLFLOW_PATH": "direct"})
    assert isinstance(direct, ScoresSeveral)
    alike = {"a": [1.0, 1.0, -1.0], "b": [3.0, 3.0, 2.0]}  # the first two are one request, of one answer
    with pytest.raises(PredictionError, match="predict gave 1 cells of 'prediction' for 2 rows"):
        direct.score_several(Frame(alike, 3), [2, 1])


def test_which_way_is_a_setting(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    model, signature = fitted(Ridge(), ["double"])
    folder = save(model, signature=signature)
    with pytest.raises(LoadError, match="SPECR_MLFLOW_PATH is 'fast'; it must be auto, direct, pyfunc"):
        load({"MODEL_PATH": str(folder), "SPECR_MLFLOW_PATH": "fast"})
    document = yaml.safe_load((folder / "MLmodel").read_text())
    document["flavors"]["python_function"]["loader_module"] = "own_loader"
    (folder / "MLmodel").write_text(yaml.safe_dump(document))
    with pytest.raises(LoadError, match=r"served by mlflow\.pyfunc only: its loader is own_loader; set"):
        load({"MODEL_PATH": str(folder), "SPECR_MLFLOW_PATH": "direct"})
    with pytest.raises(LoadError, match="the Python package own_loader is not installed"):
        load({"MODEL_PATH": str(folder)})


def test_the_switch_that_forbids_pickles_is_kept(save: Save) -> None:
    model, signature = fitted(Ridge(), ["double"])
    folder = save(model, signature=signature)
    environ = {"MODEL_PATH": str(folder), "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    with pytest.raises(LoadError, match="MLFLOW_ALLOW_PICKLE_DESERIALIZATION forbids to load its pickle"):
        load({**environ, "SPECR_MLFLOW_PATH": "direct"})

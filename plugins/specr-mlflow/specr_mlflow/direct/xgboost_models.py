"""XGBoost's boosters, and its estimators of scikit-learn's kind."""

import json
from functools import partial
from importlib import import_module
from typing import Any, Final

import xgboost

from specr_mlflow.direct.arrays import Columns, array_or_frame
from specr_mlflow.direct.saved import SavedModel
from specr_mlflow.predictor import DirectPredictor, Predictor
from specr_mlflow.schema import Side

_TREES: Final = {"gbtree", "dart"}


def load(saved: SavedModel) -> Predictor:
    """Load a booster, or the estimator that MLmodel names."""
    conf = saved.flavor("xgboost")
    path = saved.file(conf.get("data"), saved.pyfunc.get("data"))
    module, _, name = str(conf.get("model_class", "xgboost.core.Booster")).rpartition(".")
    model = getattr(import_module(module), name)()
    model.load_model(str(path))
    is_booster = isinstance(model, xgboost.Booster)
    suits = _suits(model if is_booster else model.get_booster(), saved.inputs)
    columns = Columns.of(saved.inputs) if suits else None
    ask = partial(_predict, model, inplace=suits) if is_booster else model.predict
    return DirectPredictor(model, partial(array_or_frame, columns=columns, side=saved.inputs), ask)


def _suits(booster: Any, inputs: Side) -> bool:
    """Whether an array tells a booster all that it asks for: trees, and its features in their order."""
    names = booster.feature_names
    if names is not None and list(names) != _frame_names(inputs):
        return False  # XGBoost tells the user what differs
    kind = json.loads(booster.save_config())["learner"]["gradient_booster"]["name"]
    return kind in _TREES


def _frame_names(inputs: Side) -> list[str] | None:
    """The columns' names as XGBoost reads them from a data frame; an array has none."""
    if inputs.tensors:
        return None
    return [str(place if label is None else label) for place, label in enumerate(inputs.labels)]


def _predict(booster: Any, data: Any, *, inplace: bool) -> Any:
    """A booster's prediction; for an array without building a DMatrix of it first."""
    if inplace and getattr(data, "ndim", 0) == 2 and not hasattr(data, "columns"):
        return booster.inplace_predict(data)
    return booster.predict(xgboost.DMatrix(data))

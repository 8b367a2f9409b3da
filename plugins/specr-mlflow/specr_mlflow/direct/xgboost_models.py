"""XGBoost's boosters, and its estimators of scikit-learn's kind."""

import json
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, Final

import numpy as np
import xgboost

from specr_mlflow.direct.arrays import Columns, array_or_frame
from specr_mlflow.direct.saved import SavedModel
from specr_mlflow.direct.xgboost_rows import keep_places
from specr_mlflow.predictor import DirectPredictor, Predictor
from specr_mlflow.schema import Side

_TREES: Final = {"gbtree", "dart"}
_FLOAT32_OVERFLOW: Final = 3.4028235677973366e38
"""Half a step above the largest Float32: from here on rounding gives infinity (IEEE 754)."""


def load(saved: SavedModel) -> Predictor:
    """Load a booster, or the estimator that MLmodel names."""
    conf = saved.flavor("xgboost")
    path = saved.file(conf.get("data"), saved.pyfunc.get("data"))
    module, _, name = str(conf.get("model_class", "xgboost.core.Booster")).rpartition(".")
    model = getattr(import_module(module), name)()
    model.load_model(str(path))
    is_booster = isinstance(model, xgboost.Booster)
    booster = model if is_booster else model.get_booster()
    kind = json.loads(booster.save_config())["learner"]["gradient_booster"]["name"]
    names = booster.feature_names
    # where names differ, XGBoost tells the user; linear boosters don't take arrays from estimators
    suits = kind in _TREES and (names is None or list(names) == _frame_names(saved.inputs))
    columns = Columns.of(saved.inputs) if suits else None
    if columns is not None:
        keep_places(booster, columns.dtype)
    convert = partial(array_or_frame, columns=columns, side=saved.inputs)
    # dropped trees are weighed in another order in place
    ask = partial(_predict, model, inplace=suits and kind == "gbtree") if is_booster else _asked(model)
    return DirectPredictor(model, convert, ask)


def _asked(estimator: Any) -> Callable[[Any], Any]:
    """An estimator's predict; of an array by its booster at once, where that is what predict does.

    What is left out sets the library's verbosity and sets it back, which takes as long as the trees do.
    """
    suits = getattr(estimator, "_can_use_inplace_predict", None)
    find_range = getattr(estimator, "_get_iteration_range", None)
    plain = type(estimator).predict is xgboost.XGBModel.predict
    if not (plain and suits is not None and find_range is not None and suits()):
        ask: Callable[[Any], Any] = estimator.predict
        return ask
    in_place = partial(
        estimator.get_booster().inplace_predict,
        iteration_range=find_range(None),
        predict_type="value",
        missing=estimator.missing,
    )
    return lambda data: in_place(data) if isinstance(data, np.ndarray) else estimator.predict(data)


def _frame_names(inputs: Side) -> list[str] | None:
    """The columns' names as XGBoost reads them from a data frame; an array has none."""
    if inputs.tensors:
        return None
    return [str(place if label is None else label) for place, label in enumerate(inputs.labels)]


def _predict(booster: Any, data: Any, *, inplace: bool) -> Any:
    """A booster's prediction; of an array in place, without building a DMatrix first.

    What is too large for a Float32 goes by a DMatrix, which refuses it.
    """
    if not isinstance(data, np.ndarray):
        return booster.predict(xgboost.DMatrix(data))
    if inplace and data.ndim == 2 and not (np.abs(data) >= _FLOAT32_OVERFLOW).any():
        return booster.inplace_predict(data)
    return booster.predict(xgboost.DMatrix(data, feature_names=booster.feature_names))

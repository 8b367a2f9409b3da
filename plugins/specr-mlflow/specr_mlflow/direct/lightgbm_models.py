"""LightGBM's boosters, and its estimators of scikit-learn's kind."""

import warnings
from functools import cache, partial
from typing import Any, Final

import lightgbm
import numpy as np
from specr_scorer import DataType

from specr_mlflow.direct.arrays import Columns, table_type
from specr_mlflow.direct.saved import SavedModel
from specr_mlflow.frames import Part, model_input
from specr_mlflow.predictor import DirectPredictor, Predictor
from specr_mlflow.schema import Side

_BOOSTER: Final = "lightgbm.basic.Booster"
_KEEPS_INTEGERS: Final = int(lightgbm.__version__.partition(".")[0]) >= 4
"""Before version 4 a data frame without floats was read as Float32, since then as Float64."""


def load(saved: SavedModel) -> Predictor:
    """Load a booster from its text, or an estimator from its pickle.

    Raises:
        NotDirectError: the estimator is not saved as a pickle.
    """
    conf = saved.flavor("lightgbm")
    path = saved.file(conf.get("data"), saved.pyfunc.get("data"))
    if conf.get("model_class", _BOOSTER) == _BOOSTER:
        model = lightgbm.Booster(model_file=str(path))
        booster = model
    else:
        model = saved.load_object(path, conf, "cloudpickle")
        booster = model.booster_
    # of categories in a data frame only LightGBM knows what to say
    columns = None if booster.pandas_categorical else Columns.of(saved.inputs)
    # an estimator that was fitted on a data frame warns each time that an array has no names
    warnings.filterwarnings("ignore", "X does not have valid feature names", UserWarning)
    return DirectPredictor(model, partial(_convert, columns=columns, side=saved.inputs), model.predict)


def _convert(part: Part, columns: Columns | None, side: Side) -> Any:
    array = None if columns is None else columns.array(part)
    if columns is None or array is None:
        return model_input(part, side)
    return array.astype(frame_type(frozenset(columns.types_in(part))), copy=False)


@cache
def frame_type(types: frozenset[DataType]) -> Any:
    """The float type as which LightGBM reads a data frame of these columns."""
    own = np.dtype(table_type(types))
    if _KEEPS_INTEGERS:
        return np.result_type(own, np.float32)
    booleans_among_others = DataType.BOOL in types  # a frame of objects, to pandas
    return np.dtype("float32") if own.kind != "f" or booleans_among_others else own

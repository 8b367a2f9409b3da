"""scikit-learn's linear regressions by their formula, where it is known to give the same bits.

Their predict multiplies and adds; what it does around that takes six times as long for one row. Whether the
formula here is that of the installed version is not taken on trust: at load, both answer made-up rows.
"""

import math
import sys
from collections.abc import Callable
from typing import Any, Final

import numpy as np

_PROBED: Final = (1, 2, 3, 8, 33)
"""Rows of the frames that predict and the formula must agree on, to the last bit."""

Ask = Callable[[Any], Any]


def find_product(estimator: Any, verb: str) -> Ask | None:
    """What answers in place of a linear regression's predict; None of anything else.

    Whatever is not an array of finite doubles, of a width that the model knows, is left to predict.
    """
    model = getattr(sys.modules.get("sklearn.linear_model._base"), "LinearModel", None)
    if verb != "predict" or model is None or not isinstance(estimator, model):
        return None
    if not type(estimator).__module__.startswith("sklearn."):  # it may answer in a way of its own at times
        return None
    weights, bias = getattr(estimator, "coef_", None), getattr(estimator, "intercept_", None)
    if type(weights) is not np.ndarray or weights.ndim != 1 or weights.dtype != np.float64:
        return None
    if not isinstance(bias, float):
        return None
    predict: Ask = estimator.predict

    def ask(rows: Any) -> Any:
        fits = type(rows) is np.ndarray and rows.dtype == np.float64 and rows.shape[1:] == weights.shape
        # a sum of squares is finite only if all that is in it is; what else there is, predict tells
        return rows @ weights + bias if fits and math.isfinite(np.vdot(rows, rows)) else predict(rows)

    return ask if _agree(ask, predict, len(weights)) else None


def _agree(ask: Ask, predict: Ask, width: int) -> bool:
    chance = np.random.default_rng(0)
    frames = [chance.normal(size=(width, rows)).T for rows in _PROBED]
    return all(ask(frame).tobytes() == predict(frame).tobytes() for frame in frames)

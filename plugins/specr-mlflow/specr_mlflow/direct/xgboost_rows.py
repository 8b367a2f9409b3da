"""XGBoost's prediction of rows in place, by its C library at once.

`Booster.inplace_predict` makes a proxy of a matrix for each call, which looks up the limits of the process in
the files of its control group, and asks of the data whether it is of any of a dozen libraries. For one row
that takes five times as long as the trees. Here a thread keeps its proxy; the C call is the same.
"""

import ctypes
import json
import math
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import numpy as np
import xgboost.core

_TYPES: Final = frozenset({"float32", "float64", "int32", "int64"})
_KINDS: Final = {"value": 0, "margin": 1}
_DEFAULTS: Final = {"base_margin": None, "validate_features": True, "strict_shape": False}
"""What may be asked for beside, and only so."""
_KEPT: Final = 16


class _Place(threading.local):
    """What one thread keeps: a row and how it is told, a proxy of a matrix, and where its answer is told."""

    def __init__(self, library: Any, width: int, dtype: str) -> None:
        self.row = np.zeros((1, width), dtype)
        self.interface = _interface(self.row)
        self.proxy = ctypes.c_void_p()
        if library.XGProxyDMatrixCreate(ctypes.byref(self.proxy)) != 0:
            self.proxy = ctypes.c_void_p()  # the library makes one for each call then
        self.shape = ctypes.POINTER(ctypes.c_uint64)()
        self.dimensions = ctypes.c_uint64()
        self.predicted = ctypes.POINTER(ctypes.c_float)()
        self.told = tuple(map(ctypes.byref, (self.shape, self.dimensions, self.predicted)))


def keep_places(booster: Any, dtype: str) -> None:
    """Have a booster predict rows of a type by what each thread keeps, until the process ends.

    Versions whose library has no such calls stay as they are.
    """
    library = getattr(xgboost.core, "_LIB", None)
    known = all(hasattr(library, name) for name in ("XGBoosterPredictFromDense", "XGProxyDMatrixCreate"))
    original = getattr(booster, "inplace_predict", None)
    if known and original is not None and dtype in _TYPES:
        booster.inplace_predict = _keeping(booster, library, original, dtype)


def _keeping(booster: Any, library: Any, original: Callable[..., Any], dtype: str) -> Callable[..., Any]:
    width = int(booster.num_features())
    place = _Place(library, width, dtype)
    configs: dict[tuple[object, ...], bytes] = {}
    call, wanted = library.XGBoosterPredictFromDense, np.dtype(dtype)

    @wraps(original)
    def inplace_predict(data: Any, *asked: Any, **told: Any) -> Any:
        plain = type(data) is np.ndarray and data.ndim == 2 and data.dtype == wanted and not asked
        config = _config(configs, **told) if plain else None
        if config is None or data.shape[1] != width or not len(data):
            return original(data, *asked, **told)
        if len(data) == 1:
            place.row[:] = data
            interface = place.interface
        else:
            interface = _interface(data)
        if call(booster.handle, interface, config, place.proxy, *place.told) != 0:
            return original(data, **told)  # which tells what is wrong
        sizes = place.shape[: place.dimensions.value]
        # the answer lies in memory of the library, until this thread's next call
        made = ctypes.string_at(place.predicted, 4 * math.prod(sizes))
        return np.frombuffer(made, dtype=np.float32).reshape(sizes)

    return inplace_predict


def _interface(array: Any) -> bytes:
    """An array in memory as the library reads of it (numpy's array interface, version 3, as JSON)."""
    place: dict[str, Any] = array.__array_interface__
    shown = {"data": [place["data"][0], True], "shape": place["shape"], "strides": place["strides"]}
    return json.dumps({**shown, "typestr": place["typestr"], "version": 3}).encode()


def _config(
    known: dict[tuple[object, ...], bytes],
    iteration_range: tuple[int, int] = (0, 0),
    predict_type: str = "value",
    missing: float = np.nan,
    **told: Any,
) -> bytes | None:
    """What is asked for as the library reads it; None where there is more to it."""
    if predict_type not in _KINDS or any(_DEFAULTS.get(name, told) is not told[name] for name in told):
        return None
    key = (iteration_range, predict_type, missing)
    made = known.get(key)
    if made is None:
        asked = {
            "type": _KINDS[predict_type],
            "training": False,
            "iteration_begin": int(iteration_range[0]),
            "iteration_end": int(iteration_range[1]),
            "missing": missing,
            "strict_shape": False,
            "cache_id": 0,
        }
        if len(known) >= _KEPT:  # no NaN is another's equal
            known.clear()
        made = known[key] = json.dumps(asked).encode()
    return made

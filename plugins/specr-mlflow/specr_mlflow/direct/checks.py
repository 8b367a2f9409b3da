"""scikit-learn's checks of an array, left out where all that they can do is to give the array back.

Every estimator, and each step of a pipeline, looks at what it gets through `validate_data`: is it a data
frame, sparse, of objects, of other columns than at `fit`, without gaps. For one row that takes ten times as
long as many a prediction. Arrays that the scorer made are none of that by their type and shape; whether they
are finite is asked here, too. Whether a model is fitted (`check_is_fitted`) is asked once. Whatever differs
in the least, and every error, is scikit-learn's own to tell.
"""

import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final
from weakref import WeakSet

import numpy as np

_DEFAULTS: Final[Mapping[str, Any]] = {
    "copy": False,
    "force_writeable": False,
    "ensure_non_negative": False,
    "ensure_2d": True,
}
"""What may be asked of a check, and only so."""
_ALL_THE_SAME: Final = frozenset({"X", "reset", "accept_sparse", "accept_large_sparse", "allow_nd"})
"""What makes no difference to an array of two dimensions that was not fitted on."""
_TOLD: Final = frozenset({"dtype", "order", "ensure_all_finite", "ensure_min_samples", "ensure_min_features"})
_KINDS: Final = frozenset("fiu")

Validate = Callable[..., Any]


def spare_checks() -> None:
    """Have the modules of scikit-learn that are imported ask here first, until the process ends.

    Versions before 1.6 have no `validate_data`, and keep their checks of data.
    """
    validation = sys.modules.get("sklearn.utils.validation")
    for name, sparing in (("validate_data", sparing_checks), ("check_is_fitted", sparing_fitted)):
        original = getattr(validation, name, None)
        if original is not None and not hasattr(original, "__wrapped__"):
            _replace(name, original, sparing(original))


def _replace(function: str, original: object, sparing: object) -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("sklearn.") and getattr(module, function, None) is original:
            setattr(module, function, sparing)


def sparing_fitted(original: Validate) -> Validate:
    """The same as scikit-learn's `check_is_fitted`, which finds a model fitted once and for all.

    Each predict asks it, and each time it gathers what the estimator's classes say of themselves.
    """
    fitted: WeakSet[Any] = WeakSet()

    @wraps(original)
    def check_is_fitted(estimator: Any, *asked: Any, **told: Any) -> Any:
        if asked or told or not _is_told_apart(type(estimator)):
            return original(estimator, *asked, **told)
        if estimator not in fitted:
            original(estimator)
            fitted.add(estimator)
        return None

    return check_is_fitted


def _is_told_apart(kind: Any) -> bool:
    """Whether objects of a class are equal to themselves alone, and may be known without being kept."""
    return kind.__hash__ is object.__hash__ and kind.__weakrefoffset__ > 0


def sparing_checks(original: Validate) -> Validate:
    """The same as scikit-learn's `validate_data`, without its checks where they are known to pass."""

    @wraps(original)
    def validate_data(estimator: Any, /, *asked: Any, **told: Any) -> Any:
        data = asked[0] if len(asked) == 1 else told.get("X") if not asked else None
        if type(data) is np.ndarray and told.get("reset") is False:
            checked = _checked(estimator, data, told)
            if checked is not None:
                return checked
        return original(estimator, *asked, **told)

    return validate_data


def _checked(estimator: Any, array: Any, told: Mapping[str, Any]) -> Any:
    """The array as the checks would give it back; None where that is for them to say."""
    for name, value in told.items():
        if name in _DEFAULTS:
            if value is not _DEFAULTS[name]:
                return None
        elif name not in _ALL_THE_SAME and name not in _TOLD:
            return None
    if array.ndim != 2 or array.dtype.kind not in _KINDS or not _is_large_enough(estimator, array, told):
        return None
    dtype = _target(array.dtype, told.get("dtype", "numeric"))
    if dtype is None:
        return None
    # the very call by which scikit-learn converts, so that the layout is its own
    made = np.asarray(array, order=told.get("order"), dtype=dtype)
    return made if _is_finite(made, told.get("ensure_all_finite", True)) else None


def _is_large_enough(estimator: Any, array: Any, told: Mapping[str, Any]) -> bool:
    rows, width = array.shape
    return bool(
        rows >= told.get("ensure_min_samples", 1)
        and width >= told.get("ensure_min_features", 1)
        and width == getattr(estimator, "n_features_in_", None)
    )


def _target(own: Any, asked: Any) -> Any:
    """The type that an array is brought to; None where that takes more than converting numbers to floats."""
    if asked is None or (isinstance(asked, str) and asked == "numeric"):
        return own
    if isinstance(asked, (list, tuple)):
        asked = own if own in asked else asked[0]
    target = np.dtype(asked)
    return target if target == own or target.kind == "f" else None


def _is_finite(array: Any, asked: object) -> bool:
    """Whether a check for finite numbers passes; gaps that are allowed are for scikit-learn to look at."""
    if asked is False or array.dtype.kind != "f":
        return True
    return bool(np.isfinite(array).all()) if asked in (True, "allow-nan") else False

"""A classifier's probabilities: one more column a class, beside the class.

Where a library makes the class of nothing but the probabilities, both come of one call.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from specr_scorer import DataType, Field

_FLAVORS: Final = ("sklearn", "xgboost", "lightgbm", "catboost")
_OF_PROBABILITIES: Final = frozenset(
    {
        ("sklearn", "RandomForestClassifier"),
        ("sklearn", "ExtraTreesClassifier"),
        ("sklearn", "BaggingClassifier"),
        ("sklearn", "CalibratedClassifierCV"),
        ("sklearn", "VotingClassifier"),
        ("lightgbm", "LGBMClassifier"),
        ("xgboost", "XGBClassifier"),
        ("xgboost", "XGBRFClassifier"),
    }
)
"""Classifiers whose predict is the class of the first largest of what predict_proba returns, in all
versions that are served. Others, such as linear ones, compare scores that rounding may still tell apart."""


@dataclass(frozen=True, slots=True)
class Probabilities:
    """A classifier's predict_proba, the output column of each class, and whether they tell the class."""

    predict: Callable[[Any], Any]
    fields: tuple[Field, ...]
    classes: Any
    tell_class: bool

    def class_of(self, chances: Any) -> Any:
        """The label of each row's first largest probability, as the library's predict takes it."""
        return self.classes.take(np.argmax(chances, axis=1), axis=0)


def find_probabilities(native: Any, flavors: Mapping[str, Any]) -> Probabilities | None:
    """A classifier's probabilities, where predict gives classes and the library tells their order."""
    predicts_classes = flavors["python_function"].get("predict_fn", "predict") == "predict"
    if not predicts_classes or not any(name in flavors for name in _FLAVORS):
        return None
    classes = getattr(native, "classes_", None)
    predict = getattr(native, "predict_proba", None)
    if predict is None or classes is None or getattr(classes, "ndim", 1) != 1:
        return None
    names = [f"probability_{label}" for label in _labels(classes)]
    if not names or len(set(names)) < len(names):
        return None
    fields = tuple(Field(name, DataType.FLOAT64) for name in names)
    return Probabilities(predict, fields, classes, _tell_class(native, classes))


def _labels(classes: Any) -> Sequence[object]:
    """Class labels as plain values; none for a classifier of several outputs (a list of arrays)."""
    labels = classes.tolist() if hasattr(classes, "tolist") else list(classes)
    nested = any(isinstance(label, (list, tuple)) or hasattr(label, "shape") for label in labels)
    return [] if nested else labels


def _tell_class(native: Any, classes: Any) -> bool:
    """Whether predict is known to be a function of predict_proba's result."""
    steps = getattr(native, "steps", None)
    if type(native).__name__ == "Pipeline" and steps:
        return _tell_class(steps[-1][1], classes)
    library, name = type(native).__module__.partition(".")[0], type(native).__name__
    if (library, name) not in _OF_PROBABILITIES or not isinstance(classes, np.ndarray):
        return False
    if library == "xgboost":  # other objectives, and labels of old versions, go their own ways
        return native.objective in {"binary:logistic", "multi:softprob"} and not hasattr(native, "_le")
    return not callable(getattr(native, "objective_", None))

"""scikit-learn's estimators. Those that look at numbers alone get an array, others a data frame."""

import sys
import warnings
from collections.abc import Iterable, Mapping
from functools import partial
from importlib import import_module
from typing import Any, Final

from specr_scorer import DataType

from specr_mlflow.direct.arrays import Columns, array_or_frame
from specr_mlflow.direct.checks import spare_checks
from specr_mlflow.direct.linear_models import find_product
from specr_mlflow.direct.saved import NotDirectError, SavedModel
from specr_mlflow.frames import model_input
from specr_mlflow.predictor import DirectPredictor, Predictor
from specr_mlflow.schema import Side

_PREDICT: Final = {"predict", "predict_proba", "predict_log_proba", "predict_joint_log_proba"}
_NUMERIC_MODULES: Final = frozenset(
    {
        "sklearn.calibration",
        "sklearn.cluster",
        "sklearn.compose._target",
        "sklearn.cross_decomposition",
        "sklearn.decomposition",
        "sklearn.discriminant_analysis",
        "sklearn.dummy",
        "sklearn.ensemble",
        "sklearn.feature_selection",
        "sklearn.gaussian_process",
        "sklearn.impute",
        "sklearn.isotonic",
        "sklearn.kernel_approximation",
        "sklearn.kernel_ridge",
        "sklearn.linear_model",
        "sklearn.manifold",
        "sklearn.mixture",
        "sklearn.model_selection",
        "sklearn.multiclass",
        "sklearn.multioutput",
        "sklearn.naive_bayes",
        "sklearn.neighbors",
        "sklearn.neural_network",
        "sklearn.pipeline",
        "sklearn.preprocessing._data",
        "sklearn.preprocessing._discretization",
        "sklearn.preprocessing._polynomial",
        "sklearn.random_projection",
        "sklearn.semi_supervised",
        "sklearn.svm",
        "sklearn.tree",
    }
)
"""Modules whose estimators make one array of numbers of what they get. Not among them: what chooses
columns by name (compose), looks at each column's type (encoders), or calls a function of its author's."""


def load(saved: SavedModel) -> Predictor:
    """Load an estimator of the sklearn flavour.

    Raises:
        NotDirectError: MLflow would call another method than predicting, or its file is no pickle.
    """
    conf = saved.flavor("sklearn")
    verb = saved.pyfunc.get("predict_fn", "predict")
    if verb not in _PREDICT:
        raise NotDirectError(f"its predict_fn is {verb}")
    path = saved.file(saved.pyfunc.get("data"), saved.pyfunc.get("model_path"), conf.get("pickled_model"))
    if path.is_dir():
        path = saved.file(saved.pyfunc.get("model_path"))
    _import_library()
    estimator = saved.load_object(path, conf, "pickle")
    return predictor(estimator, saved.inputs, verb)


def _import_library() -> None:
    """Import scikit-learn without pandas, which it imports where it can although only data frames need it.

    With what pandas imports, that is a fifth of a runtime's start and a third of its memory.
    """
    if "sklearn" not in sys.modules and "pandas" not in sys.modules:
        sys.modules["pandas"] = None  # type: ignore[assignment]  # so an import fails, as if it weren't installed
        try:
            import_module("sklearn.base")
        finally:
            del sys.modules["pandas"]


def predictor(estimator: Any, inputs: Side, verb: str = "predict") -> Predictor:
    """An estimator of scikit-learn's kind behind the container that suits it."""
    convert, array = partial(model_input, side=inputs), None
    columns = Columns.of(inputs)
    if columns is not None and takes_arrays(estimator, inputs, columns):
        # it was fitted on a data frame and warns each time that an array has no names
        warnings.filterwarnings("ignore", "X does not have valid feature names", UserWarning)
        spare_checks()
        convert, array = partial(array_or_frame, columns=columns, side=inputs), columns.array
    else:
        import_module("pandas")  # not at the first request
    ask = find_product(estimator, verb) or getattr(estimator, verb)
    return DirectPredictor(estimator, convert, ask, array=array)


def takes_arrays(estimator: Any, inputs: Side, columns: Columns) -> bool:
    """Whether an array gives an estimator all that it would take from a data frame of these columns."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None and list(names) != list(inputs.labels):
        return False  # scikit-learn tells the user what differs
    receivers = list(_receivers(estimator))
    if not all(_is_numeric(receiver) for receiver in receivers):
        return False
    # an imputer keeps the type of what it gets, and booleans among numbers are objects in a frame
    imputes = any(_module(receiver).startswith("sklearn.impute") for receiver in receivers)
    return not (imputes and DataType.BOOL in columns.types)


def _receivers(estimator: Any) -> Iterable[Any]:
    """The estimators that may see the input as it comes: of a pipeline only its first step."""
    steps = getattr(estimator, "steps", None)
    if type(estimator).__name__ == "Pipeline" and isinstance(steps, list):
        yield estimator
        for _, step in steps:
            if step is not None and not isinstance(step, str):
                yield from _receivers(step)
                return
        return
    yield estimator
    if hasattr(estimator, "get_params") and not isinstance(estimator, type):
        for value in estimator.get_params(deep=False).values():
            yield from _nested(value)


def _nested(value: Any) -> Iterable[Any]:
    """The estimators in a parameter: one, or a list of named ones."""
    if hasattr(value, "get_params"):
        yield from _receivers(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _nested(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _nested(inner)


def _is_numeric(estimator: Any) -> bool:
    if getattr(estimator, "_sklearn_output_config", None):
        return False  # its steps hand data frames to each other
    if getattr(estimator, "is_categorical_", None) is not None:
        return False  # gradient boosting of categories has columns of its own kind
    parts = _module(estimator).split(".")
    return not {".".join(parts[:2]), ".".join(parts[:3])}.isdisjoint(_NUMERIC_MODULES)


def _module(estimator: Any) -> str:
    return type(estimator).__module__

"""Which models answer a row the same, to the last bit, whatever rows come with it.

A short list of kinds whose arithmetic is known: each row goes through the trees by itself, and what
the leaves hold is added up in the order of the trees. Before trees, a pipeline may have steps that do to a
cell what they learned in training, looking at no other cell. Whatever multiplies matrices is not on it.
"""

import json
from typing import Any, Final

_TREES: Final = frozenset(
    {
        "DecisionTreeClassifier",
        "DecisionTreeRegressor",
        "ExtraTreeClassifier",
        "ExtraTreeRegressor",
        "HistGradientBoostingClassifier",
        "HistGradientBoostingRegressor",
    }
)
_FORESTS: Final = frozenset(
    {"RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"}
)
_BOOSTED: Final = frozenset({"GradientBoostingClassifier", "GradientBoostingRegressor"})
_CELL_BY_CELL: Final = frozenset(
    {
        "MaxAbsScaler",
        "MinMaxScaler",
        "OneHotEncoder",
        "OrdinalEncoder",
        "RobustScaler",
        "SimpleImputer",
        "StandardScaler",
    }
)


def is_row_independent(native: Any) -> bool:
    """Whether a library's model is known to be so."""
    library, name = type(native).__module__.partition(".")[0], type(native).__name__
    if library == "sklearn":
        return _is_known_estimator(native, name)
    if library == "lightgbm":
        return True
    if library == "xgboost":
        booster = native if name == "Booster" else native.get_booster()
        kind = json.loads(booster.save_config())["learner"]["gradient_booster"]["name"]
        return kind in {"gbtree", "dart"}
    return False


def _is_known_estimator(estimator: Any, name: str) -> bool:
    if name == "Pipeline":
        *steps, (_, last) = estimator.steps
        return all(_goes_cell_by_cell(step) for _, step in steps) and is_row_independent(last)
    if name in _FORESTS:
        # with several jobs, threads add up a forest's trees in the order in which they finish
        return estimator.n_jobs in {None, 1}
    if name in _BOOSTED:
        # else another model's answer comes before the trees'
        return estimator.init is None or isinstance(estimator.init, str)
    return name in _TREES


def _goes_cell_by_cell(step: Any) -> bool:
    """Whether a step of a pipeline makes the same of a cell whatever else there is."""
    if step is None or isinstance(step, str):  # "passthrough", "drop"
        return True
    name = type(step).__name__
    if not type(step).__module__.startswith("sklearn."):
        return False
    if name == "Pipeline":
        return all(_goes_cell_by_cell(inner) for _, inner in step.steps)
    if name == "ColumnTransformer":
        parts = [part for _, part, _ in step.transformers]
        return all(_goes_cell_by_cell(part) for part in (*parts, step.remainder))
    return name in _CELL_BY_CELL

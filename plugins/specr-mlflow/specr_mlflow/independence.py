"""Which models answer a row the same, to the last bit, whatever rows come with it.

A short list of kinds whose arithmetic is known: each row goes through the trees by itself, and what
the leaves hold is added up in the order of the trees. Whatever multiplies matrices is not on it.
"""

import json
from typing import Any, Final

_TREES: Final = frozenset(
    {
        "DecisionTreeClassifier",
        "DecisionTreeRegressor",
        "ExtraTreeClassifier",
        "ExtraTreeRegressor",
    }
)
_FORESTS: Final = frozenset(
    {"RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"}
)


def is_row_independent(native: Any) -> bool:
    """Whether a library's model is known to be so."""
    library, name = type(native).__module__.partition(".")[0], type(native).__name__
    if library == "sklearn":
        # with several jobs, threads add up a forest's trees in the order in which they finish
        return name in _TREES or (name in _FORESTS and native.n_jobs in {None, 1})
    if library == "lightgbm":
        return True
    if library == "xgboost":
        booster = native if name == "Booster" else native.get_booster()
        kind = json.loads(booster.save_config())["learner"]["gradient_booster"]["name"]
        return kind in {"gbtree", "dart"}
    return False

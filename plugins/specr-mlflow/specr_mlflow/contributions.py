"""Shapley values of XGBoost's and LightGBM's models: how much each column moved a row's raw score.

The libraries' own numbers, toward the score before the link function, such as log odds. The last
feature, `BiasTerm`, is what the model answers of no column; a row's values add up to its raw score.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from specr_scorer import ContributionGroup, Contributions, Field

from specr_mlflow.schema import Side

BIAS: Final = "BiasTerm"


@dataclass(frozen=True, slots=True)
class Explainer:
    """What a model's Shapley values are of, and the library's call that gives them.

    `explain` takes prepared rows and returns (rows, groups * features), the features of a group
    together, the bias last; in whatever shape.
    """

    features: tuple[str, ...]
    outputs: tuple[str | None, ...]
    explain: Callable[[Any], Any]

    def groups(self, data: Any, rows: int) -> list[list[list[float]]]:
        """The values of prepared rows: by group, feature and row."""
        shape = (rows, len(self.outputs), len(self.features))
        values: list[list[list[float]]] = self.explain(data).reshape(shape).transpose(1, 2, 0).tolist()
        return values

    def told(self, groups: Sequence[Sequence[Sequence[float]]]) -> Contributions:
        """Groups of columns as the scorer takes them."""
        made = (ContributionGroup(columns, name) for columns, name in zip(groups, self.outputs, strict=True))
        return Contributions(self.features, tuple(made))


def find_explainer(
    native: Any, inputs: Side, outputs: Sequence[Field], classes: Sequence[Field]
) -> Explainer | None:
    """The Shapley values of a model, where its library gives them for these very columns."""
    library = type(native).__module__.partition(".")[0]
    if library == "xgboost":
        width, count, explain = _of_xgboost(native)
    elif library == "lightgbm":
        booster = getattr(native, "booster_", native)
        width, count = booster.num_feature(), booster.num_model_per_iteration()
        explain = lambda data: native.predict(data, pred_contrib=True)  # noqa: E731 - one of two calls
    else:
        return None
    if width != len(inputs.fields):
        return None
    features = (*(field.name for field in inputs.fields), BIAS)
    return Explainer(features, _outputs(count, outputs, classes), explain)


def _outputs(count: int, outputs: Sequence[Field], classes: Sequence[Field]) -> tuple[str | None, ...]:
    """The output that each group is toward: a class's probability, an output, or a class by its number."""
    if count == 1:
        return (None,)
    for fields in (classes, outputs):
        if len(fields) == count:
            return tuple(field.name for field in fields)
    return tuple(str(number) for number in range(count))


def _of_xgboost(native: Any) -> tuple[int, int, Callable[[Any], Any]]:
    import xgboost  # noqa: PLC0415 - loaded already, if the model is of it

    is_booster = isinstance(native, xgboost.Booster)
    booster = native if is_booster else native.get_booster()
    sizes = json.loads(booster.save_config())["learner"]["learner_model_param"]
    count = max(1, int(sizes.get("num_class", 1)), int(sizes.get("num_target", 1)))
    missing = float("nan") if is_booster else native.missing
    stop = (
        0
        if is_booster or getattr(native, "early_stopping_rounds", None) is None
        else booster.best_iteration + 1
    )

    def explain(data: Any) -> Any:
        names = None if hasattr(data, "columns") else booster.feature_names
        matrix = xgboost.DMatrix(data, missing=missing, feature_names=names)
        return booster.predict(matrix, pred_contribs=True, iteration_range=(0, stop))

    return int(booster.num_features()), count, explain

"""The columns that a MOJO gives, by genmodel's own names (`GenModel.getOutputNames`). Pure.

Beyond those, calibrated classifiers give `cal_<class>` columns, as H2O's frames do. Kinds of models whose
answers can't be held to H2O's own are refused here, each with its reason.
"""

import re
from collections.abc import Sequence
from typing import Final

from specr_h2o3.columns import Column, Kind
from specr_h2o3.ini import Ini, MojoError

Feature = tuple[str, Sequence[str] | None]
"""A model's feature and its levels; None for numbers."""

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,10}")
_INTEGERS: Final = range(-(2**31), 2**31)

_REFUSED_ALGORITHMS: Final = {
    "gam": "its MOJO does not name the columns that it smooths",
    "glrm": "it draws random numbers for each row, so the same row gives other answers",
    "klime": "it explains another model",
}
_FIXED: Final = {
    "Regression": (Column("predict", Kind.NUMBER),),
    "Clustering": (Column("cluster", Kind.WHOLE),),
}
_SERVED: Final = (
    "Regression, Binomial, Multinomial, Ordinal, Clustering, AnomalyDetection, AutoEncoder, DimReduction"
    " and WordEmbedding"
)


def output_columns(ini: Ini, labels: Sequence[str], features: Sequence[Feature]) -> tuple[Column, ...]:
    """The output columns; `labels` are a classifier's, `features` an auto-encoder's.

    Raises:
        MojoError: models of this kind are not served.
    """
    category, algorithm = ini.text("category"), ini.text("algo")
    if algorithm in _REFUSED_ALGORITHMS:
        raise MojoError(
            f"it is of the algorithm {algorithm}, which is not served: {_REFUSED_ALGORITHMS[algorithm]}"
        )
    if category in _FIXED:
        return _FIXED[category]
    match category:
        case "Binomial" | "Multinomial" | "Ordinal":
            return _classifier(
                labels, is_calibrated=bool(ini.text("calib_method") or ini.text("calib_glm_beta"))
            )
        case "AnomalyDetection":
            return _anomaly(algorithm, flags=ini.text("output_anomaly_flag") == "true")
        case "AutoEncoder":
            return tuple(Column(name, Kind.NUMBER) for name in _reconstructed(features))
        case "DimReduction":
            return tuple(Column(f"PC{number + 1}", Kind.NUMBER) for number in range(ini.whole("k")))
        case "WordEmbedding":
            return tuple(Column(f"C{number + 1}", Kind.NUMBER) for number in range(ini.whole("vec_size")))
        case _:
            raise MojoError(
                f"it is of the category {category[:40]}, which is not served; served are {_SERVED}"
            )


def _classifier(labels: Sequence[str], *, is_calibrated: bool) -> tuple[Column, ...]:
    names = [f"p{label}" if _is_integer(label) else label for label in labels]
    calibrated = [f"cal_{name}" for name in names] if is_calibrated else []
    return (Column("predict", Kind.CATEGORY), *(Column(name, Kind.NUMBER) for name in (*names, *calibrated)))


def _is_integer(label: str) -> bool:
    return _WHOLE.fullmatch(label) is not None and int(label) in _INTEGERS


def _anomaly(algorithm: str, *, flags: bool) -> tuple[Column, ...]:
    if algorithm == "extendedisolationforest":
        return Column("anomaly_score", Kind.NUMBER), Column("mean_length", Kind.NUMBER)
    if flags:
        return (
            Column("predict", Kind.WHOLE),
            Column("score", Kind.NUMBER),
            Column("mean_length", Kind.NUMBER),
        )
    return Column("predict", Kind.NUMBER), Column("mean_length", Kind.NUMBER)


def _reconstructed(features: Sequence[Feature]) -> list[str]:
    """A column for each number, and for each level of a category and its being missing."""
    names = []
    for name, levels in features:
        if levels is None:
            names.append(f"reconstr_{name}")
        else:
            names += [f"reconstr_{name}.{level}" for level in (*levels, "missing(NA)")]
    return names

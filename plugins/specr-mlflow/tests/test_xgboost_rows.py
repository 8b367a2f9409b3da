"""XGBoost's rows in place: the library's own answers to the last bit, by a shorter way where there is one."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the library's, of other libraries' versions
    xgboost = pytest.importorskip("xgboost")
    from specr_mlflow.direct.xgboost_rows import keep_places

RANDOM = np.random.default_rng(5)
WIDTH = 5
ROWS = RANDOM.normal(size=(60, WIDTH))
CLASSES = RANDOM.integers(0, 3, 60)
TYPES = ["float32", "float64", "int32", "int64"]
OBJECTIVES: list[dict[str, Any]] = [
    {},
    {"objective": "binary:logistic"},
    {"objective": "multi:softprob", "num_class": 3},
    {"objective": "multi:softmax", "num_class": 3},
    {"booster": "dart", "rate_drop": 0.5},
]


def booster(parameters: dict[str, Any]) -> Any:
    target = CLASSES % 2 if parameters.get("objective") == "binary:logistic" else CLASSES
    return xgboost.train({"max_depth": 3, **parameters}, xgboost.DMatrix(ROWS, target), 8)


def spied(model: Any, dtype: str) -> list[object]:
    """Have a model keep places; the list grows whenever its own method is asked all the same."""
    calls: list[object] = []
    own = model.inplace_predict

    def inplace_predict(data: Any, **told: Any) -> Any:
        calls.append(told)
        return own(data, **told)

    model.inplace_predict = inplace_predict
    keep_places(model, dtype)
    return calls


def same(made: Any, wanted: Any) -> bool:
    return (made.dtype, made.shape, made.tobytes()) == (wanted.dtype, wanted.shape, wanted.tobytes())


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("parameters", OBJECTIVES, ids=str)
def test_rows_are_answered_as_by_the_library(parameters: dict[str, Any], dtype: str) -> None:
    plain, kept = booster(parameters), booster(parameters)
    calls = spied(kept, dtype)
    rows = (ROWS * 10).astype(dtype)
    if dtype.startswith("float"):
        rows[3, 2], rows[4, :], rows[5, 1] = np.nan, np.nan, 3e38
    for asked in (
        {},
        {"predict_type": "margin"},
        {"iteration_range": (0, 3)},
        {"missing": 1.5, "validate_features": True, "base_margin": None},
    ):
        for row in rows[:20]:
            for given in (row.reshape(1, -1), np.asfortranarray(row.reshape(-1, 1)).T):
                assert same(kept.inplace_predict(data=given, **asked), plain.inplace_predict(given, **asked))
        for given in (rows, rows[:2], np.asfortranarray(rows), rows[::-3]):
            assert same(kept.inplace_predict(data=given, **asked), plain.inplace_predict(given, **asked))
    assert not calls


def test_whatever_is_more_than_rows_is_the_librarys() -> None:
    plain, kept = booster({}), booster({})
    calls = spied(kept, "float64")
    row = ROWS[:1]
    for data, told in (
        (ROWS[:0], {}),
        (row.astype("float32"), {}),
        (row, {"strict_shape": True}),
        (row, {"base_margin": np.array([0.5], "float32")}),
        (row, {"validate_features": False}),
    ):
        asked = len(calls)
        assert same(kept.inplace_predict(data, **told), plain.inplace_predict(data, **told))
        assert len(calls) == asked + 1
    with pytest.raises(ValueError, match="shape mismatch"):
        kept.inplace_predict(row[:, :3])


def test_what_the_library_refuses_it_tells_itself() -> None:
    kept = booster({})
    keep_places(kept, "float64")
    with pytest.raises(xgboost.core.XGBoostError):
        kept.inplace_predict(ROWS[:1], iteration_range=(0, 99))
    assert kept.inplace_predict(ROWS[:1]).shape == (1,)


def test_threads_have_places_of_their_own() -> None:
    kept = booster({})
    wanted = kept.inplace_predict(ROWS)
    keep_places(kept, "float64")
    start = threading.Barrier(4)

    def ask(number: int) -> None:
        start.wait()
        for turn in range(300):
            rows = slice(number, number + 1 + turn % 3)
            assert kept.inplace_predict(ROWS[rows]).tolist() == wanted[rows].tolist()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [None] * 4


def test_other_types_stay_with_the_library() -> None:
    kept = booster({})
    keep_places(kept, "bool")
    assert "inplace_predict" not in vars(kept)


def test_many_ways_to_ask_are_answered_all_the_same() -> None:
    kept = booster({})
    wanted = kept.inplace_predict(ROWS[:1])
    keep_places(kept, "float64")
    for _ in range(40):
        assert same(kept.inplace_predict(ROWS[:1], missing=float("nan")), wanted)

"""scikit-learn's checks of arrays: left out only where they would give the array back as it is made here."""

from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.utils import validation
from specr_mlflow.direct.checks import sparing_checks, sparing_fitted

ORIGINAL = getattr(validation.validate_data, "__wrapped__", validation.validate_data)
FITTED = getattr(validation.check_is_fitted, "__wrapped__", validation.check_is_fitted)
ROWS = np.array([[1.5, -2.0, 3.25], [0.1, 0.2, 0.3]])
ESTIMATOR = Ridge().fit(ROWS, [1.0, 2.0])


def spied() -> tuple[Any, list[int]]:
    """The function under test, and a list that grows whenever it asks scikit-learn."""
    calls: list[int] = []

    def original(*args: Any, **told: Any) -> Any:
        calls.append(1)
        return ORIGINAL(*args, **told)

    return sparing_checks(original), calls


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"accept_sparse": ["csr", "csc"]},
        {"dtype": np.float32},
        {"dtype": np.float32, "order": "C"},
        {"dtype": [np.float64, np.float32], "order": "F"},
        {"dtype": [np.float32, np.float16]},
        {"dtype": None, "ensure_all_finite": False},
        {"ensure_all_finite": "allow-nan"},
        {"ensure_min_samples": 2, "allow_nd": True},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "array",
    [ROWS, np.asfortranarray(ROWS), ROWS.astype("float32"), ROWS.astype("int64"), ROWS[:, ::-1]],
    ids=["rows", "columns", "singles", "longs", "backwards"],
)
def test_the_array_is_what_the_checks_would_give(array: Any, told: dict[str, Any]) -> None:
    validate, calls = spied()
    wanted = ORIGINAL(ESTIMATOR, array, reset=False, **told)
    got = validate(ESTIMATOR, array, reset=False, **told)
    assert not calls
    assert got.dtype == wanted.dtype
    assert got.strides == wanted.strides
    assert got.tobytes() == wanted.tobytes()
    assert np.shares_memory(got, array) == np.shares_memory(wanted, array)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (ROWS, {"reset": True}),
        (ROWS, {"copy": True}),
        (ROWS, {"force_writeable": True}),
        (ROWS, {"dtype": np.int64}),
        (ROWS, {"ensure_2d": False}),
        (ROWS.astype(object), {}),
        (ROWS.astype(bool), {}),
        (ROWS.tolist(), {}),
        (np.array([[1.0, np.nan, 2.0]]), {"ensure_all_finite": "allow-nan"}),
    ],
)
def test_whatever_differs_is_scikit_learns_to_check(data: Any, told: dict[str, Any]) -> None:
    validate, calls = spied()
    told = {"reset": False, **told}
    wanted = ORIGINAL(Ridge().fit(ROWS, [1.0, 2.0]), data, **told)
    got = validate(Ridge().fit(ROWS, [1.0, 2.0]), data, **told)
    assert calls
    assert np.array_equal(got, wanted, equal_nan=True)


@pytest.mark.parametrize(
    ("data", "told", "reason"),
    [
        (np.array([[1.0, np.nan, 2.0]]), {}, "NaN"),
        (np.array([[1.0, np.inf, 2.0]]), {"ensure_all_finite": "allow-nan"}, "infinity"),
        (np.array([[1.0, 1e300, 2.0]]), {"dtype": np.float32}, "too large|infinity"),
        (ROWS[:, :2], {}, "2 features"),
        (ROWS[:1], {"ensure_min_samples": 2}, "minimum of 2"),
        (np.array([[-1.0, 1.0, 1.0]]), {"ensure_non_negative": True}, "Negative"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_errors_are_scikit_learns(data: Any, told: dict[str, Any], reason: str) -> None:
    validate, _ = spied()
    with pytest.raises(ValueError, match=reason):
        validate(ESTIMATOR, data, reset=False, **told)


def test_fitting_is_checked_as_ever() -> None:
    validate, calls = spied()
    made, target = validate(Ridge(), ROWS, [1.0, 2.0], reset=True)
    assert calls
    assert made is ROWS
    assert target.tolist() == [1.0, 2.0]


def test_a_model_is_found_fitted_once() -> None:
    calls: list[object] = []

    def original(estimator: Any, *asked: Any, **told: Any) -> None:
        calls.append(estimator)
        FITTED(estimator, *asked, **told)

    check = sparing_fitted(original)
    raw, model = Ridge(), Ridge().fit(ROWS, [1.0, 2.0])
    for _ in range(2):
        with pytest.raises(NotFittedError):
            check(raw)
        check(model)
        check(model, "coef_")
        check(model, attributes=["coef_"])
        with pytest.raises(NotFittedError):
            check(model, "missing_")
        with pytest.raises(TypeError):
            check(Ridge)
    assert [item is model for item in calls].count(True) == 1 + 2 * 3
    raw.fit(ROWS, [1.0, 2.0])
    check(raw)


def test_what_is_not_known_by_itself_is_asked_every_time() -> None:
    class Alike(Ridge):  # type: ignore[misc]  # scikit-learn has no types
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Alike)

        def __hash__(self) -> int:
            return 1

    check = sparing_fitted(FITTED)
    check(Alike().fit(ROWS, [1.0, 2.0]))
    with pytest.raises(NotFittedError):
        check(Alike())

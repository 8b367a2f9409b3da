"""Linear regressions by their formula: only where it is theirs, and with their bits."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import (
    BayesianRidge,
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
    SGDRegressor,
    TweedieRegressor,
)
from specr_mlflow.direct.linear_models import find_product

RANDOM = np.random.default_rng(1)
ROWS = RANDOM.normal(size=(40, 5))
TARGET = ROWS @ [1, 0, -2, 0, 3e4] + RANDOM.normal(size=40)

LINEAR = [
    LinearRegression(),
    LinearRegression(fit_intercept=False),
    Ridge(),
    Lasso(0.9),
    ElasticNet(0.9),
    BayesianRidge(),
]


@pytest.mark.parametrize("estimator", LINEAR, ids=str)
def test_the_formula_gives_the_bits_of_predict(estimator: Any) -> None:
    estimator.fit(ROWS, TARGET)
    ask = find_product(estimator, "predict")
    assert ask is not None

    @settings(deadline=None)
    @given(
        st.integers(1, 7).flatmap(
            lambda rows: st.lists(
                st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=rows, max_size=rows),
                min_size=5,
                max_size=5,
            )
        )
    )
    def agree(columns: list[list[float]]) -> None:
        rows = np.array(columns).T
        with np.errstate(over="ignore", invalid="ignore"):
            assert ask(rows).tobytes() == estimator.predict(rows).tobytes()

    agree()


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_predict_refuses_is_refused(odd: float) -> None:
    lasso = Lasso(50).fit(ROWS, TARGET)
    assert lasso.coef_[1] == 0
    ask = find_product(lasso, "predict")
    assert ask is not None
    rows = ROWS[:2].copy()
    rows[1, 1] = odd  # which a product with nothing may not show
    with pytest.raises(ValueError, match="Input X contains"):
        ask(rows)
    with pytest.raises(ValueError, match="features"):
        ask(ROWS[:, :4])
    assert ask(ROWS.astype("float32")).tobytes() == lasso.predict(ROWS.astype("float32")).tobytes()


class Rounded(Ridge):
    def predict(self, rows: Any) -> Any:
        return super().predict(rows).round()


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), SGDRegressor(), TweedieRegressor(), Rounded(), BayesianRidge()],
    ids=lambda each: type(each).__name__,
)
def test_whatever_else_is_asked_itself(estimator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    target = TARGET > 0 if isinstance(estimator, LogisticRegression) else abs(TARGET) / 1e6
    estimator.fit(ROWS, target)
    if isinstance(estimator, BayesianRidge):  # a version of the library whose formula is another
        monkeypatch.setattr(BayesianRidge, "predict", lambda self, rows: rows @ self.coef_)
    assert find_product(estimator, "predict") is None


def test_several_targets_and_other_methods_are_asked_themselves() -> None:
    assert find_product(Ridge().fit(ROWS, np.stack([TARGET, TARGET], axis=1)), "predict") is None
    assert find_product(Ridge().fit(ROWS, TARGET), "predict_proba") is None
    assert find_product(Ridge().fit(ROWS.astype("float32"), TARGET.astype("float32")), "predict") is None

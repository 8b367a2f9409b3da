"""States that libraries act on: pickles of real models, as they are and forged."""

import copyreg
import functools
import pickle
import subprocess
import sys
import types
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from specr_processor import Job, Limits
from specr_processor.pickles import PickleError, check_pickles
from specr_processor.testing import make_folder

pytest.importorskip("statsmodels")
pytest.importorskip("sklearn")
import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.decomposition import PCA
from sklearn.ensemble import StackingClassifier, StackingRegressor
from sklearn.feature_selection import RFE
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, TunedThresholdClassifierCV
from sklearn.svm import SVC

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.normal(size=80), "z": random.uniform(1, 5, 80)})
    frame["g"] = random.choice(list("abc"), 80)
    frame["n"], frame["b"] = random.poisson(2, 80), random.integers(0, 2, 80)
    frame["y"] = 2 * frame["x"] + random.normal(size=80)
    return frame


def check(tmp_path: Path, content: bytes, policy: str = "") -> None:
    tree, work = make_folder(tmp_path / "tree", {"model.pkl": content}), tmp_path / "work"
    work.mkdir(exist_ok=True)
    check_pickles(Job(tree, work, Limits(), {"SPECR_POLICY": policy}, lambda _: None), tree)


def forged(formula: str) -> Any:
    """A real model's results, whose formula is another one than it was fitted with."""
    results = smf.ols("y ~ x + np.log(z)", table()).fit()
    results.model.data.formula = formula
    return results


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_forged_formula_runs_when_it_is_loaded_and_is_refused(protocol: int, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    content = pickle.dumps(forged(f"y ~ x + (__import__('pathlib').Path('{mark}').touch() or z)"), protocol)
    (tmp_path / "model.pkl").write_bytes(content)
    # As a runtime does it, from within functions: it looks for names in the frames of its callers.
    subprocess.run([sys.executable, "-c", LOAD], cwd=tmp_path, check=False, capture_output=True)
    assert mark.exists()
    with pytest.raises(PickleError, match=r"it evaluates the formula .* which calls `__import__`"):
        check(tmp_path, content)


def test_formulas_are_allowed_by_name(tmp_path: Path) -> None:
    content = pickle.dumps(forged("y ~ mine(x)"))
    with pytest.raises(PickleError, match=r"calls `mine`.*\(modules: \[statsmodels\.formula\]\)"):
        check(tmp_path, content)
    check(tmp_path, content, '{"modules": ["statsmodels.formula"]}')
    with pytest.raises(PickleError):
        check(tmp_path, content, '{"modules": ["statsmodels.formulas", "mine"]}')


LOAD = """
import pickle

def load(callers):
    return load(callers - 1) if callers else pickle.load(open("model.pkl", "rb"))

load(5)
"""


class Forged:
    """Pickled as a call and a state, whatever they are."""

    def __init__(self, state: Any, make: Any, *arguments: Any) -> None:
        self.reduced = (make, arguments, state)

    def __reduce__(self) -> Any:
        return self.reduced

    def __call__(self) -> None:
        """Pickled calls are of what can be called."""

    @property
    def __class__(self) -> Any:
        """Pickling looks whether it is what it is said to be made as."""
        _, arguments, _ = self.reduced
        return arguments[0] if arguments else Forged


def data_class() -> type:
    from statsmodels.base.data import PandasData

    return PandasData


CODE = "y ~ os.system('x')"
RESTORED = {"restore_model_spec": True, "formula": CODE}


@pytest.mark.parametrize(
    "content",
    [
        Forged(RESTORED, copyreg.__newobj__, data_class()),
        Forged(RESTORED, copyreg._reconstructor, data_class(), object, None),
        Forged({"restore_design_info": 1, "formula": CODE}, copyreg.__newobj__, data_class()),
        Forged(OrderedDict(RESTORED), copyreg.__newobj__, data_class()),
        Forged({"restore_model_spec": True, "formula": np.str_(CODE)}, copyreg.__newobj__, data_class()),
        Forged({np.str_("restore_model_spec"): True, "formula": CODE}, copyreg.__newobj__, data_class()),
        Forged({"restore_model_spec": True}, copyreg.__newobj__, data_class()),
        Forged(OrderedDict(RESTORED), Forged(None, functools.partial, copyreg.__newobj__, data_class())),
        Forged(None, type, "Data", (data_class(),), RESTORED),
        Forged(None, functools.partial, type, "Data", (data_class(),), RESTORED),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_no_way_to_a_state_hides_a_formula(content: Any, protocol: int, tmp_path: Path) -> None:
    with pytest.raises(PickleError):
        check(tmp_path, pickle.dumps(content, protocol))


MODELS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "linear": lambda t: smf.ols("y ~ x + np.log(z) + C(g, Treatment(reference='a')) + bs(z, df=4)", t).fit(),
    "arrays": lambda t: sm.OLS(t["y"], sm.add_constant(t[["x", "z"]])).fit(),
    "counts": lambda t: smf.glm("n ~ x * z + g:z", t, family=sm.families.Poisson()).fit(),
    "chances": lambda t: smf.logit("b ~ x + I(z**2)", t).fit(disp=0),
    "mixed": lambda t: smf.mixedlm("y ~ x", t, groups="g", re_formula="~z").fit(),
    "groups": lambda t: smf.gee("y ~ x", "g", t, cov_struct=sm.cov_struct.Exchangeable()).fit(),
    "quantiles": lambda t: smf.quantreg("y ~ scale(x)", t).fit(),
    "arima": lambda t: sm.tsa.ARIMA(t["y"], order=(1, 0, 0)).fit(),
    "regression on the past": lambda t: sm.tsa.AutoReg(t["y"], 2).fit(),
    "smoothing": lambda t: sm.tsa.ExponentialSmoothing(t["z"]).fit(),
    "level": lambda t: sm.tsa.UnobservedComponents(t["y"], "llevel").fit(disp=0),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_ordinary_models_of_statsmodels_need_no_policy(name: str, tmp_path: Path) -> None:
    for protocol in (2, 4, 5):
        check(tmp_path, pickle.dumps(MODELS[name](table()), protocol))


def stacked() -> StackingClassifier:
    frame = table()
    parts = [("a", LogisticRegression()), ("b", LogisticRegression(C=2))]
    return StackingClassifier(parts).fit(frame[["x", "z"]], frame["b"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_stack_that_writes_files_is_refused(protocol: int, tmp_path: Path) -> None:
    model = stacked()
    mark = tmp_path / "mark"
    model.estimators_, model.stack_method_ = [mark], ["write_bytes"]
    content = pickle.dumps(model, protocol)
    with pytest.raises(AttributeError):  # by then it has written
        pickle.loads(content).predict(np.ones((2, 2)))
    assert mark.exists()
    with pytest.raises(
        PickleError, match=r"has scikit-learn call the method 'write_bytes' \(stack_method_\)"
    ):
        check(tmp_path, content)


@pytest.mark.filterwarnings("ignore")
def test_names_that_come_late_or_are_made_are_seen_too(tmp_path: Path) -> None:
    names = ["predict"]
    late = [Forged({"stack_method_": names}, copyreg.__newobj__, StackingRegressor), names]
    whole = pickle.dumps(late, 2)
    check(tmp_path, whole)
    # The list is fetched again at the end, and gets another name: what was set before it has that too.
    assert whole.endswith(b"e.")
    fetched = whole.rindex(b"h")
    appended = whole[: fetched + 2] + b"X\x06\x00\x00\x00unlinka" + whole[fetched + 2 :]
    assert pickle.loads(appended)[1] == ["predict", "unlink"]
    with pytest.raises(PickleError, match="unlink"):
        check(tmp_path, appended)
    made = Forged({"stack_method_": [np.str_("unlink")]}, copyreg.__newobj__, StackingRegressor)
    with pytest.raises(PickleError, match="names it computes"):
        check(tmp_path, pickle.dumps(made))
    mapped = Forged(OrderedDict(stack_method_=["unlink"]), copyreg.__newobj__, StackingRegressor)
    with pytest.raises(PickleError, match="can't be followed"):
        check(tmp_path, pickle.dumps(mapped))


@pytest.mark.filterwarnings("ignore")
def test_ordinary_stacks_and_thresholds_need_no_policy(tmp_path: Path) -> None:
    frame = table()
    x, y = frame[["x", "z"]], frame["b"]
    regressors = StackingRegressor([("a", LinearRegression()), ("b", "drop")]).fit(x, frame["y"])
    fixed = FixedThresholdClassifier(LogisticRegression(), response_method="predict_proba").fit(x, y)
    tuned = TunedThresholdClassifierCV(LogisticRegression()).fit(x, y)
    searched = GridSearchCV(LogisticRegression(), {"C": [1, 2]}, scoring="roc_auc").fit(x, y)
    for model in (stacked(), regressors, fixed, tuned, searched):
        for protocol in PROTOCOLS:
            check(tmp_path, pickle.dumps(model, protocol))


def annotated(x: float | None, kind: int | type = 0) -> "type | None":
    """Annotations are pickled with a function that is pickled by value."""
    return None if x is None else type(kind)


def test_functions_with_annotations_make_no_class(tmp_path: Path) -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    by_value = types.FunctionType(annotated.__code__, {}, "made")
    by_value.__annotations__ = {"x": float | None, "kind": int | type, "return": type | None}
    policy = '{"modules": ["cloudpickle"]}'
    for protocol in (2, 4, 5):
        check(tmp_path, cloudpickle.dumps(by_value, protocol), policy)


@pytest.mark.filterwarnings("ignore")
def test_what_users_make_of_scikit_learn_with_tables_needs_no_policy(tmp_path: Path) -> None:
    """Columns' names are arrays of objects, which joblib keeps as pickles within pickles."""
    joblib = pytest.importorskip("joblib")
    frame = table()
    x, y = frame[["x", "z"]], frame["b"]
    picked = ColumnTransformer([("a", "passthrough", make_column_selector("x"))]).fit(x)
    logarithm = TransformedTargetRegressor(LinearRegression(), func=np.log1p, inverse_func=np.expm1)
    models = [PCA(1).fit(x), RFE(LogisticRegression()).fit(x, y), SVC().fit(x, y), picked]
    for model in [*models, logarithm.fit(x, frame["z"])]:
        joblib.dump(model, tmp_path / "dumped")
        check(tmp_path, (tmp_path / "dumped").read_bytes())
        check(tmp_path, pickle.dumps(model))


def test_objects_of_formulas_have_to_be_named(tmp_path: Path) -> None:
    for name in ("formulaic.parser.types.factor\nFactor", "formulaic.formula\nFormula", "patsy\nEvalFactor"):
        with pytest.raises(PickleError, match=name.partition("\n")[0]):
            check(tmp_path, f"c{name}\n.".encode())

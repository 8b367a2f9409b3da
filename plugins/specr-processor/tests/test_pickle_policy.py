"""What the policy makes of what was found."""

import os
import pickle
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from specr_processor import FAILED, MISUSED, Job, Limits, Processor
from specr_processor.pickles import PickleError, Policy, check_pickles
from specr_processor.pickles.known import LIBRARIES, is_usual
from specr_processor.pickles.machine import follow
from specr_processor.testing import make_folder


class Call:
    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> Any:
        return self.reduced


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n.".encode()


BOMB = pickle.dumps(Call(os.system, "touch exploded"))


def check(tmp_path: Path, files: dict[str, bytes], policy: str = "") -> list[str]:
    told: list[str] = []
    tree, work = make_folder(tmp_path / "tree", files), tmp_path / "work"
    work.mkdir(exist_ok=True)
    check_pickles(Job(tree, work, Limits(), {"SPECR_POLICY": policy}, told.append), tree)
    assert list(work.iterdir()) == []
    return told


def test_by_default_a_call_of_the_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PickleError) as refusal:
        check(tmp_path, {"a/model.pkl": BOMB})
    assert str(refusal.value) == (
        "a/model.pkl, byte 28: it refers to posix.system, which can run commands or read and write files. "
        "Loading a pickle runs what it refers to. If you know who made this model, name what it needs in "
        "policy.modules of the Project, or have it told only with policy.pickles: warn"
    )


def test_warn_tells_and_goes_on(tmp_path: Path) -> None:
    (told,) = check(tmp_path, {"model.pkl": BOMB}, '{"pickles": "warn"}')
    assert told == (
        "model.pkl, byte 28: it refers to posix.system, which can run commands or read and write files. "
        "Loading the model may run any code"
    )


def test_allow_does_not_look(tmp_path: Path) -> None:
    assert check(tmp_path, {"model.pkl": BOMB, "x.py": b""}, '{"pickles": "allow"}') == []


@pytest.mark.parametrize(
    ("modules", "allowed"),
    [
        ('["acme"]', True),
        ('["acme.features"]', True),
        ('["acme.features.Scaler"]', True),
        ('["other", "acme"]', True),
        ('["acme.features.Scale"]', False),
        ('["acm"]', False),
        ('["acme.features.Scaler.inner"]', False),
        ("[]", False),
    ],
)
def test_modules_allow_what_lies_below_them(modules: str, allowed: bool, tmp_path: Path) -> None:
    files = {"m.pkl": named("acme.features", "Scaler")}
    if allowed:
        assert check(tmp_path, files, f'{{"modules": {modules}}}') == []
    else:
        with pytest.raises(PickleError, match=r"acme\.features\.Scaler"):
            check(tmp_path, files, f'{{"modules": {modules}}}')


def test_each_is_told_once_and_not_too_many(tmp_path: Path) -> None:
    files = {f"{n}.pkl": named("acme", f"f{n % 5}") for n in range(10)}
    with pytest.raises(PickleError) as refusal:
        check(tmp_path, files)
    text = str(refusal.value)
    assert text.count(": it refers to") == 3
    assert "; and 2 more." in text
    assert "have them told only" in text


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ("nonsense", "no policy"),
        ("[]", "no JSON object"),
        ('{"pickles": "maybe"}', "maybe"),
        ('{"modules": "acme"}', "modules is no list"),
        ('{"modules": [1]}', "modules is no list"),
        ('{"sandbox": true}', "'sandbox' is not known here"),
    ],
)
def test_a_policy_that_makes_no_sense_is_no_policy(
    policy: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(job: Job) -> Path:
        check_pickles(job, job.source)
        return job.source

    source = make_folder(tmp_path / "source", {"m": b""})
    environ = {"SOURCE_PATH": str(source), "TARGET_PATH": str(tmp_path / "t"), "SPECR_POLICY": policy}
    assert Processor("acme", "model", "m", make).main(environ) == MISUSED != FAILED
    told = capsys.readouterr().err
    assert "SPECR_POLICY" in told
    assert why in told


def test_code_that_a_model_brings_has_to_be_named(tmp_path: Path) -> None:
    files = {"code/acme/__init__.py": b"", "code/acme/features.py": b"", "code/helper.so": b""}
    with pytest.raises(PickleError, match=r"code/acme/__init__\.py: it is code that the model brings along"):
        check(tmp_path, files)
    with pytest.raises(PickleError, match=r"^code/helper\.so: it is code"):
        check(tmp_path, files, '{"modules": ["acme"]}')
    assert check(tmp_path, files, '{"modules": ["acme", "helper"]}') == []


def test_no_library_s_name_lets_in_code_that_a_model_brings(tmp_path: Path) -> None:
    files = {"code/sklearn/base.py": b"", "numpy.py": b""}
    with pytest.raises(PickleError, match=r"code/sklearn/base\.py.*numpy\.py"):
        check(tmp_path, files, '{"modules": ["sklearn", "numpy"]}')


@pytest.mark.parametrize(
    "full",
    """
    builtins.eval builtins.exec builtins.getattr builtins.__import__ builtins.open posix.system
    os.system subprocess.Popen sklearn.utils._testing.check_output sklearn.datasets._base.os
    numpy.testing._private.utils.runstring numpy.load numpy.f2py.crackfortran.getlincoef numpy.DataSource
    pandas.eval pandas.io.pickle.read_pickle pandas.core.computation.eval.eval pandas.HDFStore
    joblib.load joblib.numpy_pickle.load joblib.parallel.Popen torch.load torch.serialization.load
    torch.hub.load torch._inductor.codecache.compile_file mlflow.pyfunc.load_model mlflow.projects.run
    cloudpickle.cloudpickle._make_function cloudpickle.cloudpickle._builtin_type types.CodeType
    types.FunctionType operator.methodcaller operator.attrgetter importlib.import_module sklearnx.base.Base
    pandas.core.computation.expr.Expr pandas.core.computation.scope.Scope
    pandas.io.parsers.readers.TextFileReader mlflow.utils.lazy_load.LazyLoader mlflow.LazyLoader
    mlflow.pyfunc.backend.PyFuncBackend
    joblib.logger.PrintTime joblib.parallel.BatchedCalls numpy.f2py._backends._meson.MesonBackend
    torch.utils.benchmark.Timer torch.package.PackageImporter sklearn.callback._transport.Client typing.Text
    dill._dill._create_function numpy._core._ufunc_reconstruct numpy.core._ufunc_reconstruct runpy.run_path
    """.split(),  # noqa: SIM905 - easier to read
)
def test_what_can_run_anything_is_not_usual(full: str) -> None:
    module, _, name = full.rpartition(".")
    assert not is_usual(module, name)


def test_no_way_leads_through_a_library_s_modules() -> None:
    """Since protocol 4 a name may have dots: they lead through whatever the module has imported."""
    for name in ("os.system", "base.os.system", "Base.os", "sys.modules"):
        assert not any(is_usual(library, name) for library in LIBRARIES)


def estimators() -> list[Any]:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import (
        GradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
    )
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.feature_selection import SelectKBest
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
    from sklearn.svm import SVC

    return [
        make_pipeline(StandardScaler(), LogisticRegression()),
        make_pipeline(SelectKBest(k=2), RandomForestClassifier(5)),
        HistGradientBoostingRegressor(max_iter=5),
        GradientBoostingClassifier(n_estimators=5),
        KNeighborsClassifier(),
        SVC(),
        ColumnTransformer([("a", OneHotEncoder(), [0]), ("b", FunctionTransformer(), [1])]),
        TfidfVectorizer(),
    ]


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_models_of_scikit_learn_and_data_of_pandas_need_no_policy(protocol: int, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    import numpy as np
    import pandas as pd
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    models = [model.fit(x, y) for model in estimators()[:-1]] + [estimators()[-1].fit(["a word", "a b"])]
    frame = pd.DataFrame({"a": [1.5], "b": ["x"], "t": pd.to_datetime(["2020-01-01"], utc=True)})
    frame["c"] = frame["b"].astype("category")
    things = [*models, frame, frame.describe(), np.random.default_rng(1), np.float32(1), pd.Timestamp("2020")]
    files = {f"{n}.pkl": pickle.dumps(thing, protocol) for n, thing in enumerate(things)}
    assert check(tmp_path, files, '{"pickles": "deny"}') == []


def test_functions_pickled_by_value_are_refused_for_what_they_are(tmp_path: Path) -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    made = types.FunctionType((lambda: 1).__code__, {}, "made")
    with pytest.raises(PickleError, match=r"code that the pickle brings.*\(modules: \[cloudpickle\]\)"):
        check(tmp_path, {"python_model.pkl": cloudpickle.dumps(made)})
    policy = '{"modules": ["cloudpickle"]}'
    assert check(tmp_path, {"python_model.pkl": cloudpickle.dumps(made)}, policy) == []


def test_following_is_nothing_that_depends_on_the_policy() -> None:
    data = named("acme", "f")
    assert [(g.module, g.name) for g in follow(data, 0, len(data)).globals] == [("acme", "f")]
    assert Policy().permits("acme", "f") is False

"""Models in skops' format: loaded as skops does, and trusted no further."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from specr_mlflow.direct.skops_files import load_skops

skops = pytest.importorskip("skops.io")

Dump = Callable[[Any], Path]
ROWS = np.random.default_rng(3).normal(size=(60, 4))
TARGET = (ROWS.sum(axis=1) > 0).astype(int)


class Stranger(Ridge):  # type: ignore[misc]  # scikit-learn has no types
    """An estimator that nobody trusts."""


@pytest.fixture(autouse=True)
def no_skops() -> Iterator[None]:
    """Each test begins as a runtime does: skops is not imported."""
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "skops"}
    for name in kept:
        del sys.modules[name]
    yield
    sys.modules.update(kept)


@pytest.fixture
def dump(tmp_path: Path) -> Dump:
    """Saves a model in a file."""

    def save(model: Any) -> Path:
        skops.dump(model, tmp_path / "model.skops")
        return tmp_path / "model.skops"

    return save


@pytest.mark.parametrize(
    "model",
    [
        Ridge(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        GaussianNB(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_model_predicts_as_the_saved_one(dump: Dump, model: Any) -> None:
    model.fit(ROWS, TARGET)
    loaded = load_skops(dump(model), None)
    assert type(loaded) is type(model)
    assert loaded.predict(ROWS).tobytes() == model.predict(ROWS).tobytes()
    assert not [name for name in sys.modules if name.startswith("skops")]


def test_what_skops_does_not_trust_is_not_loaded(dump: Dump) -> None:
    path = dump(Stranger().fit(ROWS, TARGET))
    with pytest.raises(TypeError, match="Stranger") as refusal:
        load_skops(path, None)
    assert type(refusal.value).__name__ == "UntrustedTypesFoundException"
    named = f"{Stranger.__module__}.{Stranger.__qualname__}"
    assert type(load_skops(path, [named])) is Stranger


def test_what_is_missing_among_the_few_is_looked_for_among_all(
    dump: Dump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specr_mlflow.direct.skops_files._walk_imported", lambda path, prefix: iter(()))
    assert type(load_skops(dump(Ridge().fit(ROWS, TARGET)), None)) is Ridge


def test_skops_itself_knows_all_estimators_afterwards(dump: Dump) -> None:
    load_skops(dump(Ridge().fit(ROWS, TARGET)), None)
    import skops.io._trusted_types as types

    assert "sklearn.cluster._kmeans.KMeans" in types.SKLEARN_ESTIMATOR_TYPE_NAMES


def test_a_runtime_imports_what_its_model_needs(tmp_path: Path) -> None:
    model = Ridge().fit(ROWS, TARGET)
    signature = infer_signature(pd.DataFrame(ROWS, columns=list("abcd")), TARGET)
    mlflow.sklearn.save_model(model, tmp_path / "m", signature=signature, serialization_format="skops")
    code = (
        "import sys; from specr_mlflow.runtime import load\n"
        "model = load({'MODEL_PATH': sys.argv[1], 'SPECR_MLFLOW_PATH': 'direct'})\n"
        "names = ('sklearn.linear_model', 'sklearn.neural_network', 'pandas', 'mlflow')\n"
        "print(*(name for name in names if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "m"], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["sklearn.linear_model"]

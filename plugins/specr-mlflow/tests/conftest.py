"""MLflow models, made with the mlflow that is installed, and clients of them."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from specr_mlflow.runtime import load
from specr_scorer.testing import Client

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # mlflow warns of its own type hints when it is imported
    import mlflow.pyfunc
    import mlflow.sklearn

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Saves a scikit-learn model, or with `python_model` any other, as its author would."""

    def save_model(model: Any, name: str = "model", **options: Any) -> Path:
        folder = tmp_path / name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # mlflow's own, about pandas and its signatures
            logging.getLogger("mlflow").setLevel(logging.CRITICAL)
            if isinstance(model, mlflow.pyfunc.PythonModel):
                mlflow.pyfunc.save_model(str(folder), python_model=model, pip_requirements=[], **options)
            else:
                mlflow.sklearn.save_model(
                    model, str(folder), serialization_format="cloudpickle", pip_requirements=[], **options
                )
        return folder

    return save_model


@pytest.fixture
def serve() -> Callable[..., Client]:
    """Loads the model in a folder as the runtime does, behind the scorer API without a server."""
    return lambda folder, **env: Client(load({"MODEL_PATH": str(folder), **env}))

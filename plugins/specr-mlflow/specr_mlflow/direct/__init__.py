"""Models of some flavours without mlflow between: the library's own file, loader and predict.

The same answers as through mlflow.pyfunc, for a fraction of the time: neither mlflow nor, mostly,
pandas is imported, and a request's rows go into the container that the library wants at once.
Whatever is out of the ordinary about a model is left to mlflow.pyfunc, with the reason.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final

from specr_mlflow.direct.saved import NotDirectError, SavedModel
from specr_mlflow.predictor import Predictor

__all__ = ["NotDirectError", "SavedModel", "load_direct"]

_LOADERS: Final[Mapping[str, str]] = {
    "mlflow.sklearn": "specr_mlflow.direct.sklearn_models",
    "mlflow.xgboost": "specr_mlflow.direct.xgboost_models",
    "mlflow.lightgbm": "specr_mlflow.direct.lightgbm_models",
    "mlflow.onnx": "specr_mlflow.direct.onnx_models",
}
"""By MLflow's loader of a flavour: the module that loads it here."""


def load_direct(saved: SavedModel, signature: object) -> Predictor:
    """Load a model by its library alone, that is, run its code.

    Args:
        saved: the model folder.
        signature: what its MLmodel has of one.

    Raises:
        NotDirectError: its flavour, or something about this model, is MLflow's to serve.
        ModuleNotFoundError: its library is not installed.
    """
    conf = saved.pyfunc
    loader = _LOADERS.get(str(conf.get("loader_module")))
    if loader is None:
        raise NotDirectError(f"its loader is {conf.get('loader_module')}")
    if isinstance(signature, Mapping) and signature.get("params") not in (None, "", "[]"):
        raise NotDirectError("its signature has parameters")
    if any(field.media for field in saved.inputs.fields):
        raise NotDirectError("it takes files")
    if conf.get("config"):
        raise NotDirectError("it has a model_config")
    if isinstance(conf.get("code"), str):
        sys.path.insert(0, str(saved.folder / conf["code"]))  # as mlflow does, until the process ends
    load: Callable[[SavedModel], Predictor] = import_module(loader).load
    return load(saved)

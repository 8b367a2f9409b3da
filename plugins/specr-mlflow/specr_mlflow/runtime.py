"""The runtime: serves the MLflow model at MODEL_PATH through the scorer API.

Run as `python -m specr_mlflow.runtime`. Loading a model runs its code: that is what a model is, and
why the processor checks it without.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from specr_scorer import SCHEMA_VARIABLE, Field, LoadError, Model, ScoresMedia, declared_schema, run

from specr_mlflow.direct import NotDirectError, SavedModel, load_direct
from specr_mlflow.media import MediaModel
from specr_mlflow.mlmodel import ModelFolderError, load_mlmodel
from specr_mlflow.predictor import Predictor
from specr_mlflow.schema import SchemaError, Side, parse_signature
from specr_mlflow.served import ServedModel

PATH_VARIABLE = "SPECR_MLFLOW_PATH"
"""Which way to the model: one of PATHS."""
PATHS = ("auto", "direct", "pyfunc")
"""The direct one where there is one, or nothing but one of the two."""

PICTURES_VARIABLE = "SPECR_MLFLOW_PICTURES"
"""Whether tensors of pictures come as `files`, or as `cells`, a column each, which is the default."""


def load(environ: Mapping[str, str]) -> Model | ScoresMedia:
    """Load the model that MODEL_PATH names.

    Raises:
        LoadError: it is no MLflow model, has no usable schema, or MLflow is not installed.
    """
    folder = Path(environ["MODEL_PATH"])
    try:
        mlmodel = load_mlmodel(folder)
        signature = parse_signature(mlmodel, pictures=_takes_pictures(environ))
    except (ModelFolderError, SchemaError) as problem:
        raise LoadError(str(problem)) from problem
    declared = declared_schema(environ)
    inputs = signature.inputs or _side(declared.inputs)
    if inputs is None:
        raise LoadError(
            "the model has no signature with inputs; save it with signature=infer_signature(X, predictions),"
            f" or give its schema in {SCHEMA_VARIABLE}"
        )
    saved = SavedModel(folder, mlmodel["flavors"], inputs, environ)
    try:
        predictor = _load_predictor(saved, mlmodel.get("signature"), environ.get(PATH_VARIABLE, "auto"))
    except ModuleNotFoundError as problem:
        from specr_mlflow.needs import explain_missing  # noqa: PLC0415 - for models that can't be loaded

        raise LoadError(explain_missing(problem, folder)) from problem
    model = ServedModel.of(predictor, folder, mlmodel, inputs, signature.outputs or _side(declared.outputs))
    return MediaModel.of(model, inputs) if model.schema.media else model


def _takes_pictures(environ: Mapping[str, str]) -> bool:
    told = environ.get(PICTURES_VARIABLE, "cells")
    if told not in {"files", "cells"}:
        raise LoadError(f"{PICTURES_VARIABLE} is {told!r}; it must be files or cells")
    return told == "files"


def _load_predictor(saved: SavedModel, signature: object, path: str) -> Predictor:
    """Load the model directly where that is possible and allowed, else by mlflow.pyfunc."""
    if path not in PATHS:
        raise LoadError(f"{PATH_VARIABLE} is {path!r}; it must be {', '.join(PATHS)}")
    if path != "pyfunc":
        try:
            return load_direct(saved, signature)
        except NotDirectError as reason:
            if path == "direct":
                raise LoadError(
                    f"the model is served by mlflow.pyfunc only: {reason}; set {PATH_VARIABLE} to auto"
                ) from reason
    from specr_mlflow.pyfunc import PyfuncPredictor  # noqa: PLC0415 - mlflow takes seconds to import

    return PyfuncPredictor.load(saved.folder, saved.inputs)


def _side(fields: tuple[Field, ...] | None) -> Side | None:
    """Declared columns as if the signature told them."""
    return None if fields is None else Side(fields, tuple(field.name for field in fields))


def main() -> NoReturn:
    """Serve until told to stop."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # a runtime reports to nobody
    run(lambda: load(os.environ))


if __name__ == "__main__":
    main()

"""The processor: a raw MLflow artifact at SOURCE_PATH to a checked model folder at TARGET_PATH.

Run as `python -m specr_mlflow.processor`. It reads names, YAML and the instructions of pickles; nothing is
unpickled, imported or run.
"""

from pathlib import Path
from typing import Any, Final

from specr_processor import Job, Processor, SourceError, model_root
from specr_processor.pickles import Global, Sighting, check_pickles

from specr_mlflow.mlmodel import NAME, ModelFolderError, load_mlmodel
from specr_mlflow.payload import check_payload


def make(job: Job) -> Path:
    """Unpack the source and check it.

    Raises:
        SourceError: it is not to be unpacked, is no MLflow model with a python_function flavor, lacks what
            its MLmodel names, or would run what the project's policy does not allow.
    """
    model = model_root(job.unpack(), NAME)
    try:
        document = load_mlmodel(model)
        check_payload(model, document)
    except ModelFolderError as problem:
        raise SourceError(str(problem)) from None
    check_pickles(job, model, _loader(document))
    return model


def _loader(document: dict[str, Any]) -> list[Sighting]:
    """The module that MLflow would import to load the model, where it is not one of MLflow's."""
    module = str(document["flavors"]["python_function"].get("loader_module", ""))
    if module.startswith("mlflow."):
        return []
    return [Sighting(NAME, (), Global(module, "_load_pyfunc", None))]


PROCESSOR: Final = Processor("specr-mlflow", "MLflow model", NAME, make)

if __name__ == "__main__":
    PROCESSOR.run()

"""The processor: a raw MLflow artifact at SOURCE_PATH to a checked model folder at TARGET_PATH.

Run as `python -m specr_mlflow.processor`. It reads names and YAML; nothing is unpickled, imported
or run.
"""

from pathlib import Path
from typing import Final

from specr_processor import Job, Processor, SourceError, model_root

from specr_mlflow.mlmodel import NAME, ModelFolderError, load_mlmodel


def make(job: Job) -> Path:
    """Unpack the source and check it.

    Raises:
        SourceError: it is not to be unpacked, or is no MLflow model with a python_function flavor.
    """
    model = model_root(job.unpack(), NAME)
    try:
        load_mlmodel(model)
    except ModelFolderError as problem:
        raise SourceError(str(problem)) from None
    return model


PROCESSOR: Final = Processor("specr-mlflow", "MLflow model", NAME, make)

if __name__ == "__main__":
    PROCESSOR.run()

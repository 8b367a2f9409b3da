"""The runtime: serves the MOJO at MODEL_PATH through the scorer API.

Run as `python -m specr_h2o3.runtime`. The model is loaded into a Java machine inside this process, which
stays up: no request starts one.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from specr_processor import SourceError
from specr_scorer import LoadError, Model, run

from specr_h2o3.jar import JarError, find_jar
from specr_h2o3.jvm import JvmError, start_jvm
from specr_h2o3.mojo import describe_mojo
from specr_h2o3.processor import NAME


def load(environ: Mapping[str, str]) -> Model:
    """Load the MOJO that MODEL_PATH names: the processor's folder, or a zip as H2O writes it.

    Raises:
        LoadError: it can't be served, or Java, JPype or genmodel are missing.
    """
    path = Path(environ["MODEL_PATH"])
    path = path / NAME if path.is_dir() else path
    try:
        mojo = describe_mojo(path)
    except FileNotFoundError:
        raise LoadError(f"there is no {path.name} in {path.parent}") from None
    except SourceError as problem:
        raise LoadError(f"the MOJO can't be served: {problem}") from problem
    try:
        jpype = start_jvm(find_jar(environ), environ)
    except (JarError, JvmError) as problem:
        raise LoadError(str(problem)) from problem
    except ModuleNotFoundError as problem:
        raise LoadError(
            f"the Python package {problem.name} is not installed; install specr-h2o3[runtime]"
        ) from problem

    from specr_h2o3.genmodel import GenModel  # noqa: PLC0415 - with what it needs, checked above
    from specr_h2o3.model import serve_mojo  # noqa: PLC0415 - the same

    try:
        return serve_mojo(mojo, GenModel(jpype, path, detailed=mojo.explains_by_details))
    except jpype.JException as problem:
        raise LoadError(f"genmodel can't load the MOJO: {problem}") from problem


def main() -> NoReturn:
    """Serve until told to stop."""
    run(lambda: load(os.environ))


if __name__ == "__main__":
    main()

"""The runtime: serves the serialized Python object at MODEL_PATH through the scorer API.

Run as `python -m specr_pickle.runtime`. Loading the object runs what it refers to: the processor has
looked into it, and the project's policy has let it pass.
"""

import os
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn, cast, get_args

from specr_scorer import SCHEMA_VARIABLE, LoadError, Model, Schema, declared_schema, run

from specr_pickle.layout import FILES, LayoutError, Note, load_note

INPUT_VARIABLE: Final = "SPECR_PICKLE_INPUT"
METHOD_VARIABLE: Final = "SPECR_PICKLE_METHOD"


def load(environ: Mapping[str, str]) -> Model:
    """Load the object that MODEL_PATH names.

    Raises:
        LoadError: there is none, a schema or a package is missing, or it can't score.
    """
    folder = Path(environ["MODEL_PATH"])
    try:
        note = load_note(folder)
    except LayoutError as problem:
        raise LoadError(str(problem)) from problem
    schema = _schema(environ)
    try:
        # pandas takes most of a second, and only a servable model needs it
        from specr_pickle.inputs import Form, infer_form  # noqa: PLC0415
        from specr_pickle.model import PickleModel  # noqa: PLC0415
        from specr_pickle.objects import choose_calls, prepare  # noqa: PLC0415

        thing = prepare(_unpickle(folder / FILES, note), folder / FILES)
    except ModuleNotFoundError as problem:
        raise LoadError(
            f"the Python package {problem.name or problem} is not installed where this runs, and the model "
            "does not bring it along. Install it there, or, if it is a module of your own, put it into the "
            "pickle's folder, or give the runtime `env: {PYTHONPATH: …}` with the folder that it lies in"
        ) from problem
    form = environ.get(INPUT_VARIABLE) or infer_form(thing)
    if form not in get_args(Form):
        raise LoadError(f"{INPUT_VARIABLE} is {form!r}; it must be one of {', '.join(get_args(Form))}")
    calls = choose_calls(thing, schema.outputs, environ.get(METHOD_VARIABLE) or None)
    return PickleModel(schema, calls, cast("Form", form))


def _unpickle(files: Path, note: Note) -> Any:
    """The object. Modules that it brings along are found from now on."""
    sys.path.append(str(files))  # behind all others: what is installed is never replaced
    path = files / note.file
    if note.loader == "joblib":
        import joblib  # noqa: PLC0415 - not every model needs it

        return joblib.load(path)
    with path.open("rb") as file:
        return pickle.load(file)  # noqa: S301 - what this is for


def _schema(environ: Mapping[str, str]) -> Schema:
    inputs, outputs = declared_schema(environ)
    if inputs is None and outputs is None:
        raise LoadError(
            f"{SCHEMA_VARIABLE} is not set: a pickle tells no schema. Declare spec.schema in the experiment"
        )
    if inputs is None or outputs is None:
        raise LoadError(f"{SCHEMA_VARIABLE} is no schema: it declares no {'output' if inputs else 'input'}")
    return Schema(inputs, outputs)


def main() -> NoReturn:
    """Serve until told to stop."""
    run(lambda: load(os.environ))


if __name__ == "__main__":
    main()

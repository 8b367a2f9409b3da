"""MLflow models, made with the mlflow that is installed, clients of them, and rows for them."""

import logging
import math
import os
import warnings
from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from specr_mlflow.runtime import load
from specr_scorer import DataType, Field, Frame, Model, ScoresSeveral
from specr_scorer.batches import join_frames
from specr_scorer.testing import Client

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # mlflow warns of its own type hints when it is imported
    import mlflow.pyfunc
    import mlflow.sklearn

Save = Callable[..., Path]
Pair = tuple[Model, Model]
"""One saved model, loaded through mlflow.pyfunc and directly."""

EXAMPLES = 60 if os.environ.get("CI") else 30
os.environ.setdefault("OMP_NUM_THREADS", "1")  # workers of pytest-xdist would wait for each other's threads

CELLS: Mapping[DataType, st.SearchStrategy[Any]] = {
    DataType.BOOL: st.booleans(),
    DataType.INT32: st.integers(-9, 9) | st.integers(-(2**31), 2**31 - 1),
    DataType.INT64: st.integers(-9, 9) | st.integers(-(2**63), 2**63 - 1),
    DataType.FLOAT32: st.floats(-4, 4) | st.floats(-1e30, 1e30),
    DataType.FLOAT64: st.floats(-4, 4)
    | st.floats(-1e30, 1e30)
    | st.floats(allow_nan=False, allow_infinity=False),
    DataType.STR: st.sampled_from(["red", "green", "blue"]) | st.text(min_size=1, max_size=3),
    DataType.TIME64: st.integers(-(2**62), 2**62),
}


def _call_quietly(call: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mlflow's own, about pandas and its signatures
        logging.getLogger("mlflow").setLevel(logging.CRITICAL)
        call(*arguments, pip_requirements=[], **options)


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Saves a scikit-learn model, or with `python_model` any other, as its author would."""

    def save_model(model: Any, name: str = "model", **options: Any) -> Path:
        folder = tmp_path / name
        if isinstance(model, mlflow.pyfunc.PythonModel):
            _call_quietly(mlflow.pyfunc.save_model, str(folder), python_model=model, **options)
        else:
            _call_quietly(
                mlflow.sklearn.save_model, model, str(folder), serialization_format="cloudpickle", **options
            )
        return folder

    return save_model


@pytest.fixture
def serve() -> Callable[..., Client]:
    """Loads the model in a folder as the runtime does, behind the scorer API without a server."""
    return lambda folder, **env: Client(load({"MODEL_PATH": str(folder), **env}))


@pytest.fixture
def save_flavor(tmp_path: Path) -> Callable[..., Path]:
    """Saves a model by the `save_model` of any flavour."""

    def save_model(flavor: Any, model: Any, **options: Any) -> Path:
        if "serialization_format" in signature(flavor.save_model).parameters:
            options.setdefault("serialization_format", "cloudpickle")
        _call_quietly(flavor.save_model, model, str(tmp_path / "model"), **options)
        return tmp_path / "model"

    return save_model


@st.composite
def _frames(draw: Callable[..., Any], fields: tuple[Field, ...]) -> Frame:
    rows, holed = draw(st.integers(1, 6)), draw(st.booleans())
    columns = {}
    for field in fields:
        cells = st.none() | CELLS[field.type] if holed and field.nullable else CELLS[field.type]
        columns[field.name] = draw(st.lists(cells, min_size=rows, max_size=rows))
    return Frame(columns, rows)


def _outcome(score: Callable[..., Any], *arguments: Any) -> Any:
    """What a model answers, told apart to the last bit and by type, or how it fails."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = score(*arguments)
    except Exception as problem:  # noqa: BLE001 - whatever it is, both ways must agree
        return type(problem).__name__
    return {
        name: [None if isinstance(c, float) and math.isnan(c) else repr(c) for c in cells]
        for name, cells in answer.items()
    }


@pytest.fixture
def agree() -> Callable[..., Pair]:
    """Loads a saved model both ways and asks both the same arbitrary rows: the same answers, or both fail.

    And what several requests get by one call of the direct one is what each of them gets alone.

    With `answers=False` it is no fault that no rows at all are answered.
    """

    def check(folder: Path, *, answers: bool = True) -> Pair:
        environ = {"MODEL_PATH": str(folder)}
        pyfunc, direct = (load({**environ, "SPECR_MLFLOW_PATH": path}) for path in ("pyfunc", "direct"))
        assert pyfunc.schema == direct.schema
        answered = 0

        @settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
        @given(_frames(pyfunc.schema.inputs))
        def ask(frame: Frame) -> None:
            nonlocal answered
            expected, given = _outcome(pyfunc.score, frame), _outcome(direct.score, frame)
            assert given == expected
            answered += isinstance(expected, dict)

        @settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
        @given(st.lists(_frames(pyfunc.schema.inputs), min_size=2, max_size=4))
        def ask_several(frames: list[Frame]) -> None:
            assert isinstance(direct, ScoresSeveral)
            alone = [_outcome(direct.score, frame) for frame in frames]
            given = _outcome(direct.score_several, join_frames(frames), [frame.rows for frame in frames])
            if not all(isinstance(each, dict) for each in alone):
                assert isinstance(given, str)  # whose failure it is shows when each is asked alone
            else:
                assert given == {name: [cell for each in alone for cell in each[name]] for name in alone[0]}

        ask()
        ask_several()
        assert answered or not answers
        return pyfunc, direct

    return check

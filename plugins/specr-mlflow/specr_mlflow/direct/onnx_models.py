"""ONNX graphs in onnxruntime, in the session that the model was saved to run in."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from specr_scorer import DataType

from specr_mlflow.direct.arrays import Columns
from specr_mlflow.direct.saved import NotDirectError, SavedModel
from specr_mlflow.frames import Part, column_array, model_input
from specr_mlflow.predictor import DirectPredictor, Predictor
from specr_mlflow.schema import Side

_CPU: Final = "CPUExecutionProvider"
_DEFAULT_PROVIDERS: Final = ("CUDAExecutionProvider", _CPU)
_ROW_BY_ROW: Final = frozenset(
    {"Cast", "Identity", "TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor", "ZipMap"}
)
"""Operators whose arithmetic is known; whatever adds up by vectors of a processor is not among them."""
_MODES: Final = {"SEQUENTIAL": "ORT_SEQUENTIAL", "PARALLEL": "ORT_PARALLEL"}


def load(saved: SavedModel) -> Predictor:
    """Start a session of the saved graph.

    Raises:
        NotDirectError: it is to run on more than the processor, where MLflow tells what comes of it.
    """
    conf = saved.flavor("onnx")
    path = saved.file(saved.pyfunc.get("data"), conf.get("data"))
    _check_providers(conf)
    options = _options(conf.get("onnx_session_options"))
    session = onnxruntime.InferenceSession(str(path), sess_options=options, providers=[_CPU])
    singles = frozenset(entry.name for entry in session.get_inputs() if entry.type == "tensor(float)")
    names = [entry.name for entry in session.get_inputs()]
    convert = partial(
        _feed, names=names, singles=singles, side=saved.inputs, columns=Columns.of(saved.inputs)
    )
    outputs = [entry.name for entry in session.get_outputs()]
    ask = partial(_run, session, outputs, flat=not saved.inputs.tensors)
    return DirectPredictor(session, convert, ask, apart=_keeps_rows_apart(session, path))


def _keeps_rows_apart(session: Any, path: Path) -> bool:
    """Whether a graph answers a row the same, to the last bit, whatever rows come with it.

    Of trees that holds in a single thread; several would share out the rows, or a row's trees, as many as
    there are. A graph that is made for a fixed number of rows can't take others at all.
    """
    inputs = session.get_inputs()
    fixed = any(isinstance(entry.shape[0], int) for entry in inputs if entry.shape)
    if fixed or session.get_session_options().intra_op_num_threads != 1:
        return False
    try:
        import onnx  # noqa: PLC0415 - for such graphs alone; models of MLflow's come with it
    except ImportError:
        return False
    model = onnx.load(path, load_external_data=False)
    return not model.functions and {node.op_type for node in model.graph.node} <= _ROW_BY_ROW


def _check_providers(conf: Mapping[str, Any]) -> None:
    told = conf.get("providers") or _DEFAULT_PROVIDERS
    wanted = [told] if isinstance(told, str) else told
    names = [entry if isinstance(entry, str) else entry[0] for entry in wanted]
    usable = set(names) & set(onnxruntime.get_available_providers()) - {_CPU}
    if usable:
        raise NotDirectError(f"it is to run by {', '.join(sorted(usable))}")


def _options(told: object) -> Any:
    """The session's options as MLflow sets them."""
    options = onnxruntime.SessionOptions()
    if not isinstance(told, Mapping):
        return options
    for name in ("inter_op_num_threads", "intra_op_num_threads"):
        if told.get(name):
            setattr(options, name, told[name])
    mode = _MODES.get(str(told.get("execution_mode")).upper())
    if mode is not None:
        options.execution_mode = getattr(onnxruntime.ExecutionMode, mode)
    if told.get("graph_optimization_level"):
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel(
            told["graph_optimization_level"]
        )
    for key, value in (told.get("extra_session_config") or {}).items():
        options.add_session_config_entry(key, value)
    return options


def _feed(
    part: Part, names: Sequence[str], singles: frozenset[str], side: Side, columns: Columns | None
) -> dict[str, Any]:
    """The graph's inputs: the tensors, or of a table one array of all columns, or one a column.

    Raises:
        KeyError: the graph has an input that the signature lacks.
    """
    if side.tensors:
        data = model_input(part, side)
        feed = data if isinstance(data, dict) else {names[0]: data}
    elif len(names) == 1:
        feed = {names[0]: _table(part, side, columns)}
    else:
        places = {label: place for place, label in enumerate(side.labels)}
        feed = {name: column_array(part, side.fields[places[name]]) for name in names}
    return {
        name: array.astype(np.float32) if name in singles and array.dtype == np.float64 else array
        for name, array in feed.items()
    }


def _table(part: Part, side: Side, columns: Columns | None) -> Any:
    """All columns as one array, of the type that a data frame's values have."""
    kinds = set() if columns is None else set(columns.types_in(part))
    if columns is not None and (DataType.BOOL not in kinds or len(kinds) == 1):
        array = columns.array(part)
        if array is not None:
            return array
    return model_input(part, side).to_numpy()


def _run(session: Any, outputs: Sequence[str], feed: dict[str, Any], *, flat: bool) -> dict[str, Any]:
    """The outputs by name; of a table, one value a row in whatever shape makes one column."""
    predicted = session.run(outputs, feed)
    if not flat:
        return dict(zip(outputs, predicted, strict=True))
    rows = len(next(iter(feed.values())))
    named = {}
    for name, value in zip(outputs, predicted, strict=True):
        array = np.asarray(value)
        named[name] = array.reshape(-1) if array.size == rows else value
    return named

"""A model loaded by mlflow.pyfunc, behind the scorer's protocol.

Uses only what mlflow has had since 1.29: `load_model`, `predict`, and the model implementation
behind it, which gives a classifier's probabilities.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import mlflow.pyfunc
from specr_scorer import Cell, DataType, Field, Frame, LoadError, Schema

from specr_mlflow.example import load_example
from specr_mlflow.frames import Part, join_parts, model_input, split_missing
from specr_mlflow.predictions import cells_of, columns_of, infer_fields, match
from specr_mlflow.schema import Side

_CLASSIFIER_FLAVORS: Final = ("sklearn", "xgboost", "lightgbm", "catboost")
_NATIVE_ATTRIBUTES: Final = ("sklearn_model", "xgb_model", "lgb_model", "cb_model")
_PLAIN_CELLS: Final[dict[DataType, Cell]] = {DataType.BOOL: False, DataType.STR: "text"}


@dataclass(frozen=True, slots=True)
class Probabilities:
    """A classifier's predict_proba, and the output column of each class."""

    predict: Callable[[Any], Any]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class PyfuncModel:
    """An MLflow model with its columns worked out."""

    schema: Schema
    _model: Any
    _inputs: Side
    _outputs: tuple[Field, ...]
    _probabilities: Probabilities | None
    _example: Mapping[str, object]

    @classmethod
    def load(cls, folder: Path, mlmodel: Mapping[str, Any], inputs: Side, outputs: Side | None) -> Self:
        """Load the model in a folder, that is, run its code.

        Args:
            folder: the model folder.
            mlmodel: its MLmodel document.
            inputs: the input columns.
            outputs: the output columns, None to find them out by scoring the example row.

        Raises:
            LoadError: the outputs are not declared and the example row can't be scored.
        """
        model = mlflow.pyfunc.load_model(str(folder))
        example = load_example(folder, mlmodel, inputs)
        fields = _discover(model, inputs, example) if outputs is None else outputs.fields
        probabilities = _probabilities(model, mlmodel["flavors"])
        if probabilities and {f.name for f in probabilities.fields} & {f.name for f in fields}:
            probabilities = None
        extra = () if probabilities is None else probabilities.fields
        return cls(Schema(inputs.fields, (*fields, *extra)), model, inputs, fields, probabilities, example)

    def score(self, frame: Frame) -> dict[str, list[Cell]]:
        """Predict, and add the probabilities of a classifier."""
        parts = split_missing(frame, self._inputs)
        made = [self._score_part(part) for part in parts]
        return made[0] if parts[0].rows is None else join_parts(parts, made)

    def sample(self) -> Mapping[str, object]:
        """The row that the model was saved with, as far as there is one."""
        return self._example

    def _score_part(self, part: Part) -> dict[str, list[Cell]]:
        data = model_input(part, self._inputs)
        predicted = match(columns_of(_predict(self._model, data, part)), self._outputs)
        cells = {field.name: cells_of(predicted[field.name], field.type) for field in self._outputs}
        if self._probabilities is not None:
            chances = match(columns_of(self._probabilities.predict(data)), self._probabilities.fields)
            cells |= {name: cells_of(column, DataType.FLOAT64) for name, column in chances.items()}
        return cells


def _predict(model: Any, data: Any, part: Part) -> Any:
    """Predict through MLflow's check of the input, but for rows that lack an integer or a boolean.

    MLflow refuses those whatever the signature says of the column, since it holds them in types
    without room for NaN; the model itself sees the NaN that it saw in training.
    """
    if not part.gaps:
        return model.predict(data)
    unchecked = getattr(model, "_predict_fn", None) or model._model_impl.predict  # noqa: SLF001 - no public way
    return unchecked(data)


def _discover(model: Any, inputs: Side, example: Mapping[str, object]) -> tuple[Field, ...]:
    """The output columns of a model that declares none, from its prediction for one row."""
    from specr_scorer.cells import PARSERS, CellError  # noqa: PLC0415

    columns: dict[str, list[Cell]] = {}
    for field in inputs.fields:
        try:
            cell = PARSERS[field.type](example.get(field.name))
        except CellError:
            cell = None
        columns[field.name] = [_PLAIN_CELLS.get(field.type, 0) if cell is None else cell]
    part = split_missing(Frame(columns, 1), inputs)[0]
    try:
        return infer_fields(columns_of(model.predict(model_input(part, inputs))))
    except Exception as problem:
        raise LoadError(
            "the model's signature declares no outputs, and scoring one row to find them out failed"
            f" ({type(problem).__name__}: {problem}); save the model with"
            " signature=infer_signature(X, predictions), or with an input_example"
        ) from problem


def _probabilities(model: Any, flavors: Mapping[str, Any]) -> Probabilities | None:
    """A classifier's probabilities, where predict gives classes and the library tells their order."""
    predicts_classes = flavors["python_function"].get("predict_fn", "predict") == "predict"
    if not predicts_classes or not any(name in flavors for name in _CLASSIFIER_FLAVORS):
        return None
    native = _native(model)
    classes = getattr(native, "classes_", None)
    predict = getattr(native, "predict_proba", None)
    if predict is None or classes is None or getattr(classes, "ndim", 1) != 1:
        return None
    names = [f"probability_{label}" for label in _labels(classes)]
    if not names or len(set(names)) < len(names):
        return None
    return Probabilities(predict, tuple(Field(name, DataType.FLOAT64) for name in names))


def _labels(classes: Any) -> Sequence[object]:
    """Class labels as plain values; none for a classifier of several outputs (a list of arrays)."""
    labels = classes.tolist() if hasattr(classes, "tolist") else list(classes)
    nested = any(isinstance(label, (list, tuple)) or hasattr(label, "shape") for label in labels)
    return [] if nested else labels


def _native(model: Any) -> Any:
    """The library's own model: what the flavour wraps; old mlflow's sklearn flavour wraps nothing."""
    implementation = model._model_impl  # noqa: SLF001 - "a stable developer API", says mlflow
    for attribute in _NATIVE_ATTRIBUTES:
        if hasattr(implementation, attribute):
            return getattr(implementation, attribute)
    return implementation

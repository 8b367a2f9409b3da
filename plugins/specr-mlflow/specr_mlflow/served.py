"""An MLflow model behind the scorer's protocol, whichever way its rows are predicted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from specr_scorer import Cell, Contributions, DataType, Field, Frame, LoadError, Schema

from specr_mlflow.contributions import Explainer, find_explainer
from specr_mlflow.example import load_example
from specr_mlflow.frames import Part, cut, gapless, join_parts, split_missing
from specr_mlflow.independence import is_row_independent
from specr_mlflow.predictions import PredictionError, cells_of, columns_of, infer_fields, match, only_column
from specr_mlflow.predictor import DirectPredictor, Predictor
from specr_mlflow.probabilities import Probabilities, find_probabilities
from specr_mlflow.schema import Side

_PLAIN_CELLS: dict[DataType, Cell] = {DataType.BOOL: False, DataType.STR: "text"}


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A loaded model with its columns worked out."""

    schema: Schema
    _predictor: Predictor
    _outputs: tuple[Field, ...]
    _probabilities: Probabilities | None
    _example: Mapping[str, object]
    _explainer: Explainer | None
    _independent: bool
    _gapless: tuple[str, ...]

    @classmethod
    def of(
        cls,
        predictor: Predictor,
        folder: Path,
        mlmodel: Mapping[str, Any],
        inputs: Side,
        outputs: Side | None,
    ) -> "ServedModel":
        """Work out the columns of a model that was loaded.

        Args:
            predictor: the model.
            folder: the model folder.
            mlmodel: its MLmodel document.
            inputs: the input columns.
            outputs: the output columns, None to find them out by scoring the example row.

        Raises:
            LoadError: the outputs are not declared and the example row can't be scored.
        """
        example = load_example(folder, mlmodel, inputs)
        native = predictor.native
        fields = _discover(predictor, inputs, example) if outputs is None else outputs.fields
        probabilities = find_probabilities(native, mlmodel["flavors"])
        if probabilities and {f.name for f in probabilities.fields} & {f.name for f in fields}:
            probabilities = None
        extra = () if probabilities is None else probabilities.fields
        schema = Schema(inputs.fields, (*fields, *extra))
        explainer = find_explainer(native, inputs, fields, extra)
        kind = ServedModel if explainer is None else ExplainedModel
        apart = isinstance(predictor, DirectPredictor) and predictor.apart
        independent = apart or is_row_independent(native)
        return kind(
            schema, predictor, fields, probabilities, example, explainer, independent, gapless(inputs.fields)
        )

    def score(self, frame: Frame) -> dict[str, list[Cell]]:
        """Predict, and add the probabilities of a classifier."""
        parts = split_missing(frame, self._gapless)
        made = [self._score_part(part) for part in parts]
        return made[0] if parts[0].rows is None else join_parts(parts, made)

    def score_several(self, frame: Frame, counts: Sequence[int]) -> dict[str, list[Cell]]:
        """Predict the rows of several requests, of so many each, as if each request came alone."""
        parts = split_missing(frame, self._gapless)
        prepared = self._predictor.prepare_each(parts[0], counts) if parts[0].rows is None else None
        if prepared is None:
            return _one_below_the_other([self.score(each) for each in cut(frame, counts)], counts)
        answers = [self._ask(data, parts[0]) for data in prepared]
        predicted, chances = (_in_one(each, counts) for each in zip(*answers, strict=True))
        if predicted is None or (chances is None and self._probabilities is not None):
            return _one_below_the_other([self._cells(*answer) for answer in answers], counts)
        return self._cells(predicted, chances)

    def sample(self) -> Mapping[str, object]:
        """The row that the model was saved with, as far as there is one."""
        return self._example

    def row_independent(self) -> bool:
        """Whether a row's cells are the same to the last bit whatever rows come with it."""
        return self._independent

    def any_thread(self) -> bool:
        """Whether calls may come from any thread: true of the libraries that are asked directly."""
        return isinstance(self._predictor, DirectPredictor)

    def _score_part(self, part: Part) -> dict[str, list[Cell]]:
        return self._cells(*self._ask(self._predictor.prepare(part), part))

    def _ask(self, data: Any, part: Part) -> tuple[Any, Any]:
        """What the model predicts for prepared rows, and the probabilities of a classifier."""
        chances = None if self._probabilities is None else self._probabilities.predict(data)
        if self._probabilities is not None and self._probabilities.tell_class:
            predicted = self._probabilities.class_of(chances)
        else:
            predicted = self._predictor.predict(data, part)
        return predicted, chances

    def _cells(self, predicted: Any, chances: Any) -> dict[str, list[Cell]]:
        cells = _cells(predicted, self._outputs)
        if self._probabilities is not None:
            cells |= _cells(chances, self._probabilities.fields)
        return cells


class ExplainedModel(ServedModel):
    """A model whose library tells how much each column moved an answer."""

    __slots__ = ()

    def contributions(self, frame: Frame) -> Contributions:
        """Explain each row. With no rows, only the features and groups without cells count."""
        explainer = self._explainer
        if explainer is None:
            raise TypeError("a model without an explainer gives no contributions")
        columns: list[list[list[float]]] = [
            [[0.0] * frame.rows for _ in explainer.features] for _ in explainer.outputs
        ]
        if frame.rows == 0:
            return explainer.told(columns)
        for part in split_missing(frame, self._gapless):
            values = explainer.groups(self._predictor.prepare(part), part.frame.rows)
            if part.rows is None:
                return explainer.told(values)
            for group, made in zip(columns, values, strict=True):
                for column, cells in zip(group, made, strict=True):
                    for row, cell in zip(part.rows, cells, strict=True):
                        column[row] = cell
        return explainer.told(columns)


def _cells(predicted: Any, fields: tuple[Field, ...]) -> dict[str, list[Cell]]:
    only = only_column(predicted) if len(fields) == 1 else None
    if only is not None:  # whatever it is called, there is no other
        return {fields[0].name: cells_of(only, fields[0].type)}
    columns = match(columns_of(predicted), fields)
    return {field.name: cells_of(columns[field.name], field.type) for field in fields}


def _in_one(answers: Sequence[Any], counts: Sequence[int]) -> Any:
    """Arrays of so many rows each as one; None of anything else."""
    first = answers[0]
    alike = all(
        type(each) is np.ndarray and each.dtype == first.dtype and each.shape == (count, *first.shape[1:])
        for each, count in zip(answers, counts, strict=True)
    )
    return np.concatenate(answers) if alike else None


def _one_below_the_other(
    parts: Sequence[Mapping[str, Sequence[Cell]]], counts: Sequence[int]
) -> dict[str, list[Cell]]:
    """The answers to several requests as one; each must have its own rows, or others would get its cells.

    Raises:
        PredictionError: one has more or fewer.
    """
    for part, count in zip(parts, counts, strict=True):
        for name, cells in part.items():
            if len(cells) != count:
                raise PredictionError(f"predict gave {len(cells)} cells of {name!r} for {count} rows")
    return {name: [cell for part in parts for cell in part[name]] for name in parts[0]}


def _discover(predictor: Predictor, inputs: Side, example: Mapping[str, object]) -> tuple[Field, ...]:
    """The output columns of a model that declares none, from its prediction for one row."""
    from specr_scorer.cells import PARSERS, CellError  # noqa: PLC0415

    columns: dict[str, list[Cell]] = {}
    for field in inputs.fields:
        try:
            cell = PARSERS[field.type](example.get(field.name))
        except CellError:
            cell = None
        columns[field.name] = [_PLAIN_CELLS.get(field.type, 0) if cell is None else cell]
    part = split_missing(Frame(columns, 1), gapless(inputs.fields))[0]
    try:
        return infer_fields(columns_of(predictor.predict(predictor.prepare(part), part)))
    except Exception as problem:
        raise LoadError(
            "the model's signature declares no outputs, and scoring one row to find them out failed"
            f" ({type(problem).__name__}: {problem}); save the model with"
            " signature=infer_signature(X, predictions), or with an input_example"
        ) from problem

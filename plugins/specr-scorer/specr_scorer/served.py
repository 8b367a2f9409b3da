"""A loaded model with everything that depends on it alone, worked out once, at load."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from specr_scorer.cells import PARSERS, CellError, copied
from specr_scorer.media import MediaCellError, read_media
from specr_scorer.model import (
    AnyThread,
    Cell,
    ContributesOriginal,
    Frame,
    LoadError,
    Media,
    Model,
    RowIndependent,
    Sampled,
    ScoresMedia,
    ScoresSeveral,
)
from specr_scorer.requests import RequestReader
from specr_scorer.responses import Response, document
from specr_scorer.schema import DataType, Field, Schema
from specr_scorer.settings import Batch, Settings

_SAMPLES: Final = {
    DataType.BOOL: "False",
    DataType.INT32: "0",
    DataType.INT64: "0",
    DataType.FLOAT32: "0.0",
    DataType.FLOAT64: "0.0",
    DataType.STR: "text",
    DataType.TIME64: "2021-01-01 00:00:00",
}
_SAMPLE_IMAGE: Final = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAS0lEQVR42u3PMQ0AAAwDoE"
    "qv9ErYvQQckD4XAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAYHLAB8+AWnmfUycAAAAA"
    "ElFTkSuQmCC"
)
"""A grey picture of 64 by 64 pixels. Most media are pictures; a model of others shows a sample of its own."""

Predict = Callable[[Frame, Mapping[str, Sequence[Media | None]]], Mapping[str, Sequence[Cell]]]
"""Scores rows and the files of their media columns, which are none for most models."""

PredictSeveral = Callable[[Frame, Sequence[int]], Mapping[str, Sequence[Cell]]]
"""Scores the rows of several requests, of so many rows each, as if each came alone."""


@dataclass(frozen=True, slots=True)
class Served:
    """A loaded model with everything that depends on it alone.

    `predict_several` scores the rows of several requests, told how many each has, where one call may do
    that, and `joins` says whether that is a single prediction. `explainer` gives its Shapley values, where it
    has any. `moves` says whether any thread may call it.
    """

    predict: Predict
    predict_several: PredictSeveral | None
    explainer: ContributesOriginal | None
    joins: bool
    moves: bool
    schema: Schema
    reader: RequestReader
    sample: Mapping[str, Any]
    schema_answer: Response
    sample_answer: Response
    capabilities: Response


def describe(model: Model | ScoresMedia, settings: Settings) -> Served:
    """Prepare a model for service.

    Raises:
        LoadError: its schema is none, or it lacks the method that scores.
    """
    schema = model.schema
    if not isinstance(schema, Schema):
        raise LoadError(f"the model's schema is a {type(schema).__name__}, not a specr_scorer.Schema")
    explainer = model if isinstance(model, ContributesOriginal) and not schema.media else None
    capabilities = ["SCORE"]
    if schema.media:
        capabilities.append("MEDIA_SCORE")
    if explainer is not None:
        capabilities.append("CONTRIBUTION_ORIGINAL")
    sample = _sample_request(model, schema)
    joins = _joins(model, settings.batch)
    return Served(
        predict=_predictor(model, schema),
        predict_several=_predictor_of_several(model, joins=joins),
        explainer=explainer,
        joins=joins,
        moves=settings.threads == 1 and isinstance(model, AnyThread) and model.any_thread(),
        schema=schema,
        reader=RequestReader(schema),
        schema_answer=document({"id": settings.model_id, "schema": _shown_schema(schema)}),
        sample=sample,
        sample_answer=document(sample),
        capabilities=document(capabilities),
    )


def _joins(model: object, batch: Batch) -> bool:
    if batch is Batch.AUTO:
        return isinstance(model, RowIndependent) and model.row_independent()
    return batch is Batch.ON


def _predictor(model: Model | ScoresMedia, schema: Schema) -> Predict:
    if schema.media:
        if not isinstance(model, ScoresMedia):
            raise LoadError(f"the model has the media column {schema.media[0].name!r}, but no score_media")
        return model.score_media
    score = getattr(model, "score", None)
    if not callable(score):
        raise LoadError("the model has no method score")
    return lambda frame, _: score(frame)


def _predictor_of_several(model: Any, *, joins: bool) -> PredictSeveral | None:
    if joins:
        return lambda frame, _: model.score(frame)
    return model.score_several if isinstance(model, ScoresSeveral) else None


def _shown_schema(schema: Schema) -> dict[str, Any]:
    """The columns; an input whose cells may not be missing says so, and everything else says nothing."""

    def shown(fields: tuple[Field, ...]) -> list[dict[str, Any]]:
        return [
            {"name": field.name, "dataType": field.type.value}
            | ({} if field.nullable else {"nullable": False})
            for field in fields
        ]

    return {"inputFields": shown(schema.inputs), "outputFields": shown(schema.outputs)}


def _sample_request(model: object, schema: Schema) -> dict[str, Any]:
    """A score request of one row that passes validation: the model's own row where it has one."""
    row = model.sample() if isinstance(model, Sampled) else {}
    cells = [_sample_cell(field, row) for field in schema.inputs]
    return {"fields": [field.name for field in schema.inputs], "rows": [cells]}


def _sample_cell(field: Field, row: Mapping[str, object]) -> str | None:
    """The model's own cell where its column takes it, else a plain value of the type."""
    if field.name in row:
        try:
            text = copied(row[field.name])
            if field.nullable or PARSERS[field.type](text) is not None:
                PARSERS[field.type](text)
                if field.media and text:
                    read_media(text, {})
                return text
        except (CellError, MediaCellError):
            pass
    return _SAMPLE_IMAGE if field.media else _SAMPLES[field.type]

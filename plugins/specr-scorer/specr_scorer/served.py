"""A loaded model with everything that depends on it alone, worked out once, at load."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from specr_scorer.cells import PARSERS, CellError, copied
from specr_scorer.model import ContributesOriginal, LoadError, Model, Sampled
from specr_scorer.requests import RequestReader
from specr_scorer.responses import Response, document
from specr_scorer.schema import DataType, Field, Schema

_SAMPLES: Final = {
    DataType.BOOL: "False",
    DataType.INT32: "0",
    DataType.INT64: "0",
    DataType.FLOAT32: "0.0",
    DataType.FLOAT64: "0.0",
    DataType.STR: "text",
    DataType.TIME64: "2021-01-01 00:00:00",
}


@dataclass(frozen=True, slots=True)
class Served:
    """A loaded model with everything that depends on it alone."""

    model: Model
    schema: Schema
    reader: RequestReader
    schema_answer: Response
    sample_answer: Response
    capabilities: Response


def describe(model: Model, model_id: str) -> Served:
    """Prepare a model for service.

    Raises:
        LoadError: its schema is none.
    """
    schema = model.schema
    if not isinstance(schema, Schema):
        raise LoadError(f"the model's schema is a {type(schema).__name__}, not a specr_scorer.Schema")
    capabilities = ["SCORE"]
    if isinstance(model, ContributesOriginal):
        capabilities.append("CONTRIBUTION_ORIGINAL")
    return Served(
        model=model,
        schema=schema,
        reader=RequestReader(schema),
        schema_answer=document({"id": model_id, "schema": _shown_schema(schema)}),
        sample_answer=document(_sample_request(model, schema)),
        capabilities=document(capabilities),
    )


def _shown_schema(schema: Schema) -> dict[str, Any]:
    def shown(fields: tuple[Field, ...]) -> list[dict[str, str]]:
        return [{"name": field.name, "dataType": field.type.value} for field in fields]

    return {"inputFields": shown(schema.inputs), "outputFields": shown(schema.outputs)}


def _sample_request(model: Model, schema: Schema) -> dict[str, Any]:
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
                return text
        except CellError:
            pass
    return _SAMPLES[field.type]

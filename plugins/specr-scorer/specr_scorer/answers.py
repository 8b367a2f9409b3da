"""What the model gave back to the answer's JSON.

A model that breaks its own schema is a failed model here, never a broken answer.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from specr_scorer.cells import RENDERERS
from specr_scorer.columns import render_column
from specr_scorer.model import Cell, Contributions
from specr_scorer.requests import ScoreRequest
from specr_scorer.schema import DataType, Schema

Rendered = list[list[str | None]]
"""The output columns of some rows as text, in schema order."""


class OutputError(Exception):
    """The model gave columns that its schema does not announce."""


def render_outputs(schema: Schema, predicted: Mapping[str, Sequence[Cell]], rows: int) -> Rendered:
    """The output columns as text.

    Raises:
        OutputError: an output column is missing, of the wrong length, or of another type.
    """
    columns: Rendered = []
    for field in schema.outputs:
        column = predicted.get(field.name)
        if column is None:
            raise OutputError(f"no output column {field.name!r}; it gave {', '.join(map(repr, predicted))}")
        if len(column) != rows:
            raise OutputError(f"output column {field.name!r} has {len(column)} cells for {rows} rows")
        try:
            columns.append(render_column(field.type, column))
        except (TypeError, ValueError, OverflowError) as error:
            raise OutputError(f"output column {field.name!r} holds no {field.type}: {error}") from error
    return columns


def score_document(
    model_id: str, request: ScoreRequest, outputs: Rendered, contributions: dict[str, Any] | None = None
) -> bytes:
    """The answer to a score request: `{"id", "fields", "score"}`, all cells strings or null.

    Copied cells come first, then an id if one is asked for, then the predictions.
    """
    columns: list[Sequence[str | None]] = list(request.copies)
    if request.asked.layout.makes_ids:
        columns.append([str(uuid.uuid4()) for _ in range(request.frame.rows)])
    columns += outputs
    answer: dict[str, Any] = {"id": model_id}
    if request.asked.shows_fields:
        answer["fields"] = request.asked.layout.answer_fields
    answer["score"] = list(zip(*columns, strict=True))
    if contributions is not None:
        answer["featureShapleyContributions"] = contributions
    return orjson.dumps(answer)


def contribution_document(contributions: Contributions, rows: int) -> dict[str, Any]:
    """Shapley values as the API shows them: `{"features", "contributionGroups"}`.

    Raises:
        OutputError: a group's columns are not one a feature, of one cell a row.
    """
    groups = []
    for group in contributions.groups:
        columns = [[render_share(cell) for cell in column] for column in group.columns] if rows else []
        if rows and [len(column) for column in columns] != [rows] * len(contributions.features):
            raise OutputError(
                f"contributions must hold {rows} rows of {len(contributions.features)} features"
            )
        shown: dict[str, Any] = {"contributions": list(zip(*columns, strict=True))}
        groups.append({"outputGroup": group.output, **shown} if group.output is not None else shown)
    return {"features": contributions.features, "contributionGroups": groups}


render_share = RENDERERS[DataType.FLOAT64]

"""The scorer API, answered in the place of a runtime that does not run.

Answers have the shape that the model's schema asks for, and golden rows get the scores that
are expected of them; so a rehearsal goes through every step, and says nothing of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from specr.canonical import Json, JsonObject, decode_json, encode_json
from specr.providers.protocol import DeploymentOrder, ScorerRequest, ScorerResponse

Answer = Callable[[DeploymentOrder, ScorerRequest], ScorerResponse]
"""Answers a request in the place of the deployment that was ordered so."""

_DATA_TYPES: Final = {"Boolean": "Bool", "String": "Str"}
"""Column types whose name in the scorer API is another."""

_CELLS: Final = {
    "Boolean": "true",
    "Time64": "2021-01-01 00:00:00",
    "Float32": "0.5",
    "Float64": "0.5",
    "Int32": "1",
    "Int64": "1",
    "String": "a",
}
"""A cell that is valid in a column of each type."""


class _BadRequestError(Exception):
    """Answered with 400 and this text."""


def rehearse(order: DeploymentOrder, request: ScorerRequest) -> ScorerResponse:
    """Answer as a runtime would that serves the schema in the order."""
    path = urlsplit(request.path).path.removeprefix(f"/{order.model_id}/")
    match request.method, path.removeprefix("/"):
        case "GET", "model/id":
            return ScorerResponse(200, order.model_id.encode())
        case "GET", "model/schema":
            return _json({"id": order.model_id, "schema": _fields(order)})
        case "GET", "model/sample_request":
            return _json(_sample(order))
        case "GET", "model/capabilities":
            return _json(["SCORE"])
        case "POST", "model/score":
            return _score(order, request.body)
        case "GET", readiness if f"/{readiness}" == order.readiness_path:
            return ScorerResponse(200, b"Ready")
    return _json({"detail": f"Nothing is served at {request.method} {path}"}, 404)


def _json(value: Json, status: int = 200) -> ScorerResponse:
    return ScorerResponse(status, encode_json(value))


def _columns(order: DeploymentOrder, side: str) -> Sequence[JsonObject]:
    """The declared columns; runtimes may serve more outputs, such as those of golden rows."""
    declared: Sequence[JsonObject] = (order.schema or {}).get(side, ())
    if side == "input":
        return declared
    expected = {name: value for golden in order.golden for name, value in golden.expect.items()}
    known = {column["name"] for column in declared}
    return [
        *declared,
        *({"name": n, "type": _type_of(v)} for n, v in expected.items() if n not in known),
    ]


def _type_of(cell: Json) -> str:
    if isinstance(cell, bool):
        return "Boolean"
    return "Float64" if isinstance(cell, int | float) else "String"


def _fields(order: DeploymentOrder) -> JsonObject:
    return {
        key: [
            {"name": c["name"], "dataType": _DATA_TYPES.get(c["type"], c["type"])}
            for c in _columns(order, side)
        ]
        for key, side in (("inputFields", "input"), ("outputFields", "output"))
    }


def _sample(order: DeploymentOrder) -> JsonObject:
    columns = _columns(order, "input")
    return {"fields": [c["name"] for c in columns], "rows": [[_CELLS[c["type"]] for c in columns]]}


def _score(order: DeploymentOrder, body: bytes) -> ScorerResponse:
    try:
        fields, rows = _parse(order, body)
    except _BadRequestError as error:
        return _json({"detail": str(error)}, 400)
    outputs = _columns(order, "output")
    scores = []
    for row in rows:
        expected = _expected(order, dict(zip(fields, row, strict=True)))
        scores.append([_written(expected.get(c["name"], _CELLS[c["type"]])) for c in outputs])
    return _json({"id": order.model_id, "fields": [c["name"] for c in outputs], "score": scores})


def _parse(order: DeploymentOrder, body: bytes) -> tuple[Sequence[str], Sequence[Sequence[Json]]]:
    try:
        data = decode_json(body)
        fields, rows = data["fields"], data["rows"]
        lengths = {len(row) for row in rows}
    except (ValueError, TypeError, KeyError) as error:
        raise _BadRequestError('The body must be {"fields": [..], "rows": [[..], ..]}') from error
    missing = [c["name"] for c in _columns(order, "input") if c["name"] not in fields]
    if missing:
        raise _BadRequestError(f"Missing fields: {', '.join(missing)}")
    if lengths - {len(fields)}:
        raise _BadRequestError(f"Every row must have {len(fields)} cells")
    return fields, rows


def _expected(order: DeploymentOrder, cells: Mapping[str, Json]) -> Mapping[str, Any]:
    """The scores of the golden row with these cells; nothing if there is none."""
    for golden in order.golden:
        if all(_meant(cells.get(name)) == _meant(value) for name, value in golden.row.items()):
            return golden.expect
    return {}


def _written(cell: Json) -> str | None:
    """A cell as the scorer API writes it."""
    if cell is None or isinstance(cell, str):
        return cell
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _meant(cell: Json) -> str | float | None:
    """What a cell means whatever way it is written: `1`, `1.0` and `"1.0"` are the same."""
    if cell is None or cell == "":
        return None
    text = str(cell)
    try:
        return float(text)
    except ValueError:
        return text.lower() if isinstance(cell, bool) else text

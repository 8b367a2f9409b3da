"""The scorer API as an OpenAPI 3.1 document: the same for every model, but for its examples.

What a request needs beyond its schema (the model's fields, rows as wide as the fields) JSON Schema can't say.
"""

from collections.abc import Mapping
from typing import Any, Final

_WORK: Final = (400, 401, 408, 413, 415, 500, 501, 503, 504)
"""What work on a body may be answered with, beside its result."""


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}


def _operation(summary: str, answer: dict[str, Any], *errors: int, **more: Any) -> dict[str, Any]:
    problem = {"description": "the reason, in detail", **_json(_ref("Problem"))}
    responses = {"200": {"description": summary, **answer}, **{str(code): problem for code in errors}}
    return {"summary": summary, "responses": responses, **more}


def _strings() -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}}


def _components() -> dict[str, Any]:
    cell = {"type": ["string", "number", "boolean", "null"]}
    fields = {"type": "array", "items": _ref("Field")}
    request = {
        "fields": _strings(),
        "rows": {"type": "array", "items": {"type": "array", "items": cell}},
        "includeFieldsInOutput": {**_strings(), "type": ["array", "null"]},
        "noFieldNamesInOutput": {"type": ["boolean", "null"]},
        "idField": {"type": ["string", "null"]},
        "requestShapleyValueType": {"enum": ["NONE", "ORIGINAL", "TRANSFORMED", None]},
    }
    cells = {"type": "array", "items": {"type": "array", "items": {"type": ["string", "null"]}}}
    group = {
        "type": "object",
        "required": ["contributions"],
        "properties": {"outputGroup": {"type": "string"}, "contributions": cells},
    }
    contributions = {"features": _strings(), "contributionGroups": {"type": "array", "items": group}}
    types = ["Bool", "Int32", "Int64", "Float32", "Float64", "Str", "Time64"]
    return {
        "Problem": _object({"detail": {"type": "string"}}, "detail"),
        "Field": _object(
            {"name": {"type": "string"}, "dataType": {"enum": types}, "nullable": {"type": "boolean"}},
            "name",
            "dataType",
        ),
        "ModelSchema": _object(
            {"inputFields": fields, "outputFields": fields}, "inputFields", "outputFields"
        ),
        "SchemaAnswer": _object({"id": {"type": "string"}, "schema": _ref("ModelSchema")}, "id", "schema"),
        "ScoreRequest": _object(request, "fields", "rows"),
        "ScoreMediaRequest": _object(
            {**request, "mediaFields": {**_strings(), "type": ["array", "null"]}}, "fields", "rows"
        ),
        "ScoreAnswer": _object(
            {
                "id": {"type": "string"},
                "fields": _strings(),
                "score": cells,
                "featureShapleyContributions": {"type": "object", "properties": contributions},
            },
            "id",
            "score",
        ),
        "ContributionAnswer": _object(
            {"id": {"type": "string"}, **contributions}, "id", "features", "contributionGroups"
        ),
    }


def _form(sample: Mapping[str, Any] | None) -> dict[str, Any]:
    """The body of a score request with files."""
    files = {"type": "array", "items": {"type": "string", "contentMediaType": "application/octet-stream"}}
    form = _object({"scoreMediaRequest": _ref("ScoreMediaRequest"), "files": files}, "scoreMediaRequest")
    encoding = {"scoreMediaRequest": {"contentType": "application/json"}}
    example = {} if sample is None else {"example": {"scoreMediaRequest": sample}}
    content = {"multipart/form-data": {"schema": form, "encoding": encoding, **example}}
    return {"requestBody": {"required": True, "content": content}}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


def openapi_document(sample: Mapping[str, Any] | None = None, *, secured: bool = False) -> dict[str, Any]:
    """The document that `GET /openapi.json` answers. Each path is also served below `/<MODEL_ID>`.

    Args:
        sample: a score request that the model takes, once one is known.
        secured: whether requests need the passphrase.
    """
    paths = _paths(sample)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "specr scorer API", "version": "1"},
        "paths": paths,
        "components": {"schemas": _components()},
    }
    if secured:
        document["components"]["securitySchemes"] = {"passphrase": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"passphrase": []}]
        paths["/readyz"]["get"]["security"] = []
    return document


def _paths(sample: Mapping[str, Any] | None) -> dict[str, Any]:
    score_request = _json(_ref("ScoreRequest"))
    if sample is not None:
        score_request["content"]["application/json"]["example"] = sample
    body = {"requestBody": {"required": True, **score_request}}
    path = {"type": "string", "minLength": 1}
    file = {"name": "file", "in": "query", "required": True, "schema": path}
    score, loading = _json(_ref("ScoreAnswer")), (401, 503)
    return {
        "/readyz": {"get": _operation("Ready once the model is loaded", _text("Ready"), 503)},
        "/metrics": {"get": _operation("Counts for Prometheus", _text("the text format 0.0.4"), 401)},
        "/model/id": {"get": _operation("The model's id", _text("the id"), 401)},
        "/model/schema": {"get": _operation("The model's columns", _json(_ref("SchemaAnswer")), *loading)},
        "/model/sample_request": {
            "get": _operation("A request that passes validation", _json(_ref("ScoreRequest")), *loading)
        },
        "/model/capabilities": {"get": _operation("What the model can do", _json(_strings()), *loading)},
        "/model/score": {
            "post": _operation("Score rows", score, *_WORK, **body),
            "get": _operation(
                "Score a CSV file of the runtime's disk",
                score,
                *(400, 401, 404, 413, 500, 501, 503, 504),
                parameters=[file],
            ),
        },
        "/model/contribution": {
            "post": _operation(
                "Shapley values of rows",
                _json(_ref("ContributionAnswer")),
                *_WORK,
                **body,
            )
        },
        "/model/media-score": {"post": _operation("Score rows with files", score, *_WORK, **_form(sample))},
    }

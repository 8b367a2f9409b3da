"""The JSON Schema of documents, for editors; made from the models, so that the two can't differ.

A document that decodes is valid by it. The reverse does not hold: what lies between
documents, and the names that references may have, no schema can tell.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from specr.resources.base import API_VERSION, METADATA_FIELDS, Part, shapes_of
from specr.resources.catalog import KINDS
from specr.resources.columns import ColumnType
from specr.resources.docs import all_models, attribute_docs
from specr.resources.exact import exact_model

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_REFERENCE: Final = "VariableReference"
_CONSTRAINED: Final = ("pattern", "enum", "maxLength", "minLength")


def document_schema() -> dict[str, Any]:
    """The JSON Schema, draft 2020-12, of one document of any kind."""
    parts = model_schemas()
    kinds = {kind: _document_of(kind, parts.pop(kind)) for kind in KINDS}
    definitions = {name: _with_references(part) for name, part in parts.items()}
    definitions["ColumnType"] = _any_case(definitions["ColumnType"])
    definitions[_REFERENCE] = {
        "type": "string",
        "pattern": r"\$\{var\.[A-Za-z_][A-Za-z0-9_-]*\}",
        "description": "A text with a reference to a variable of the Project.",
    }
    return {
        "$schema": DIALECT,
        "title": "specr document",
        "type": "object",
        "properties": {
            "apiVersion": {"const": API_VERSION, "description": "The version of the spec language."},
            "kind": {"enum": list(KINDS), "description": "What the document declares."},
            "metadata": {"type": "object", "description": "Name, labels and annotations."},
            "spec": {"description": "The arguments of the kind."},
        },
        "required": ["apiVersion", "kind", "metadata"],
        "additionalProperties": False,
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{kind}"},
            }
            for kind in KINDS
        ],
        "$defs": {**kinds, **definitions},
    }


def model_schemas() -> dict[str, dict[str, Any]]:
    """The schema of each kind and of each part, by name, as pydantic makes them, without titles."""
    models: list[tuple[type[BaseModel], Literal["validation"]]] = [
        (exact_model(kind), "validation") for kind in KINDS.values()
    ]
    _, schema = models_json_schema(models, by_alias=True)
    definitions: dict[str, dict[str, Any]] = schema["$defs"]
    return {name: _described(name, _without_titles(part)) for name, part in definitions.items()}


def _described(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A model's schema with the texts under its fields as descriptions."""
    model = all_models().get(name)
    if model is None or "properties" not in schema:
        return schema
    docs = attribute_docs(model)
    by_alias = {s.key: docs.get(s.name, "") for s in shapes_of(model)} if issubclass(model, Part) else docs
    properties = {
        key: {**field, "description": by_alias[key]} if by_alias.get(key) else field
        for key, field in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def hidden_fields(kind: str) -> frozenset[str]:
    """The fields of a kind's model that are no arguments of its spec."""
    return METADATA_FIELDS | {"dependsOn"} if kind == "Project" else METADATA_FIELDS


def summary_of(description: str) -> str:
    """A docstring without its example."""
    return description.partition("\n\nExample:")[0]


def _document_of(kind: str, model: dict[str, Any]) -> dict[str, Any]:
    """The schema of a kind's documents, from that of its model, where all fields lie side by side."""
    fields: dict[str, Any] = model["properties"]
    arguments = {name: field for name, field in fields.items() if name not in hidden_fields(kind)}
    required = [name for name in model.get("required", ()) if name not in METADATA_FIELDS]
    spec: dict[str, Any] = {"type": "object", "properties": arguments, "additionalProperties": False}
    if required:
        spec["required"] = required
    else:
        spec["type"] = ["object", "null"]
    metadata = {
        "type": "object",
        "properties": {name: fields[name] for name in fields if name in METADATA_FIELDS},
        "required": ["name"],
        "additionalProperties": False,
    }
    document = {
        "description": summary_of(model.get("description", "")),
        "properties": {"metadata": metadata, "spec": spec if kind == "Project" else _with_references(spec)},
    }
    return {**document, "required": ["spec"]} if required else document


def _without_titles(schema: Any, *, names: bool = False) -> Any:
    """The schema without titles, which only repeat names; `names` says that its keys are names of fields."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_titles(value, names=not names and key in ("properties", "patternProperties"))
        for key, value in schema.items()
        if names or key != "title"
    }


def _with_references(schema: Any, *, names: bool = False) -> Any:
    """The schema, but wherever only some texts or none would do, a reference to a variable does, too."""
    if isinstance(schema, list):
        return [_with_references(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {
        key: value
        if key == "propertyNames"
        else _with_references(value, names=not names and key in ("properties", "patternProperties"))
        for key, value in schema.items()
    }
    if names or not _excludes_references(schema):
        return changed
    kept = {key: changed.pop(key) for key in ("description", "default") if key in changed}
    return {**kept, "anyOf": [changed, {"$ref": f"#/$defs/{_REFERENCE}"}]}


def _excludes_references(schema: dict[str, Any]) -> bool:
    kind = schema.get("type")
    return kind in ("integer", "number", "boolean") or (
        kind == "string" and any(key in schema for key in _CONSTRAINED)
    )


def _any_case(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of column types, in any case."""
    folded = ["".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in t) for t in ColumnType]
    return {**schema, "anyOf": [*schema["anyOf"], {"type": "string", "pattern": f"^({'|'.join(folded)})$"}]}

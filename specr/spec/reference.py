"""The reference of the spec language as Markdown, made from the models and their docstrings."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from specr.canonical import encode_json
from specr.resources.base import METADATA_FIELDS
from specr.resources.catalog import KINDS
from specr.spec.schema import hidden_fields, model_schemas, summary_of

_INTRODUCTION: Final = """\
# Reference of the spec language

A project is a folder. Every `*.yaml` and `*.yml` file below it belongs to it, but for names that
begin with a dot, for folders that an Artifact names as its source or that hold a file `MLmodel`, for
virtual environments of Python (they hold a file `pyvenv.cfg`), `site-packages` and `node_modules`, for
MLflow's `mlruns` and `mlartifacts`, and for what `.specrignore` names, in the syntax of `.gitignore`. A file
may hold many documents, parted by lines of `---`.

A document has four keys: `apiVersion: specr/v1`, `kind`, `metadata` and `spec`. Names consist of
lower-case letters, digits and dashes, and are unique within a kind. A resource's address is its
kind in lower case, a slash and its name: `deployment/fraud`. Arguments that take the name of
another resource refer to the kind that the argument is named after.

In any text of a `spec`, but for the Project's, `${var.name}` stands for a variable that the Project
declares. A text that is such a reference and nothing else takes on the variable's type. `$${`
stands for `${` itself.

YAML is read as YAML 1.2: `no` is a text, and so is `2021-01-01`. Duplicate keys, tags, merge keys,
numbers that are not finite and integers over 64 bits are errors.

"""

_LIMITS: Final = """\
## Limits

| what | limit |
| --- | --- |
| a file | 32 MiB |
| all files of a project | 1 GiB |
| mappings and lists inside each other | 64 levels |
| values that aliases add to a document | 100,000 |
| a document with tabs, anchors, or over 10,000 brackets | 4 MiB |
| the number of a version | 9223372036854775807 |
| a time limit of a processor or runtime | 31 days |
"""

_PATTERNS: Final = (
    ("a-z0-9-", "name"),
    ("sha256", "digest"),
    ("Ki", "amount"),
    ("^/", "path that begins with a slash"),
)
_TYPES: Final = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "object": "mapping",
    "null": "null",
}


def render_reference() -> str:
    """The whole reference, ending in a newline."""
    schemas = model_schemas()
    parts = sorted(set(schemas) - set(KINDS) - {"ColumnType"})
    sections = [_INTRODUCTION, _metadata_section(schemas), "## Kinds\n\n"]
    sections += [_kind_section(kind, schemas[kind]) for kind in KINDS]
    sections.append("## Parts\n\nMappings that arguments hold.\n\n")
    sections += [_section(name, schemas[name], frozenset()) for name in parts]
    return "".join([*sections, _LIMITS])


def example_of(kind: str) -> str:
    """The YAML example in the docstring of a kind."""
    _, _, example = inspect.cleandoc(KINDS[kind].__doc__ or "").partition("\n\nExample:\n")
    return textwrap.dedent(example).strip("\n") + "\n"


def _metadata_section(schemas: Mapping[str, dict[str, Any]]) -> str:
    shared = schemas["ModelType"]
    return "## metadata\n\n" + "".join(_table(shared, frozenset(shared["properties"]) - METADATA_FIELDS))


def _kind_section(kind: str, schema: dict[str, Any]) -> str:
    return _section(kind, schema, hidden_fields(kind)) + f"```yaml\n{example_of(kind)}```\n\n"


def _section(name: str, schema: dict[str, Any], hidden: frozenset[str]) -> str:
    description = " ".join(summary_of(schema.get("description", "")).split())
    return f"### {name}\n\n{description}\n\n" + "".join(_table(schema, hidden))


def _table(schema: dict[str, Any], hidden: frozenset[str]) -> Iterator[str]:
    required = schema.get("required", ())
    yield "| argument | type | default | |\n| --- | --- | --- | --- |\n"
    fields: dict[str, dict[str, Any]] = schema["properties"]
    for name, field in sorted(fields.items(), key=lambda item: item[0] == "dependsOn"):
        if name not in hidden:
            cells = (
                f"`{name}`",
                _type(field),
                _default(field, name in required),
                field.get("description", ""),
            )
            yield f"| {' | '.join(' '.join(cell.split()).replace('|', '&#124;') for cell in cells)} |\n"
    yield "\n"


def _default(field: dict[str, Any], required: bool) -> str:
    if required:
        return "**required**"
    default = field.get("default")
    return "" if default in (None, "", [], {}) else f"`{encode_json(default).decode()}`"


def _type(field: dict[str, Any]) -> str:
    """The type of a value in words, with links to parts."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return "column type" if name == "ColumnType" else f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        kinds = [option for option in field["anyOf"] if option.get("type") != "null"]
        return " or ".join(dict.fromkeys(_type(option) for option in kinds))
    kind = field.get("type")
    if kind == "array":
        return f"list of {_type(field['items'])}"
    if kind == "object":
        return _mapping(field)
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if kind == "string":
        pattern = field.get("pattern", "")
        return next((word for part, word in _PATTERNS if part in pattern), "text")
    return _TYPES.get(str(kind), "any value") + _bounds(field)


def _mapping(field: dict[str, Any]) -> str:
    held = field.get("additionalProperties", {})
    for of_pattern in field.get("patternProperties", {}).values():
        held = of_pattern
    words = _type(held) if isinstance(held, dict) and held else "any value"
    return f"mapping to {words}"


def _bounds(field: dict[str, Any]) -> str:
    low, high, above = field.get("minimum"), field.get("maximum"), field.get("exclusiveMinimum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" from {low}"
    return f" over {above}" if above is not None else ""

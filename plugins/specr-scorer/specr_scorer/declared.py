"""The schema that an experiment declares, for models that tell none; specr sets it in their environment."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from specr_scorer.model import LoadError
from specr_scorer.schema import DataType, Field, repeated

SCHEMA_VARIABLE: Final = "SPECR_MODEL_SCHEMA"
"""Where it stands, as JSON: `{"input": [{"name", "type"}], "output": [{"name", "type"}]}`."""


class DeclaredSchema(NamedTuple):
    """The columns that are declared; None for a side without any."""

    inputs: tuple[Field, ...] | None = None
    outputs: tuple[Field, ...] | None = None


def declared_schema(environ: Mapping[str, str]) -> DeclaredSchema:
    """Read the declared schema, where there is one.

    Raises:
        LoadError: what stands there is no schema.
    """
    text = environ.get(SCHEMA_VARIABLE)
    if not text:
        return DeclaredSchema()
    try:
        document = json.loads(text)
        return DeclaredSchema(*(_side(document.get(side), side) for side in ("input", "output")))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        raise LoadError(f"{SCHEMA_VARIABLE} is no schema: {problem}") from problem


def _side(columns: Any, side: str) -> tuple[Field, ...] | None:
    fields = tuple(Field(column["name"], DataType.parse(column["type"])) for column in columns or ())
    if not all(isinstance(field.name, str) for field in fields):
        raise TypeError(f"an {side} column's name is no string")
    twice = repeated(field.name for field in fields)
    if twice:
        raise ValueError(f"the {side} column {twice[0]!r} is declared twice")
    return fields or None

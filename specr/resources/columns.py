"""Model schemas: the columns a model takes and gives, with their seven types."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, StringConstraints

from specr.resources.base import Part


class ColumnType(StrEnum):
    """A column's type. Specs may write it in any case."""

    BOOLEAN = "Boolean"
    TIME64 = "Time64"
    FLOAT32 = "Float32"
    FLOAT64 = "Float64"
    INT32 = "Int32"
    INT64 = "Int64"
    STRING = "String"


_BY_LOWER: Final = {t.value.lower(): t for t in ColumnType}


def _fold_case(value: Any) -> Any:
    return _BY_LOWER.get(value.lower(), value) if isinstance(value, str) else value


class Column(Part):
    """One column: its name and its type."""

    name: Annotated[str, StringConstraints(min_length=1)]
    """As the model names it: any text, case and spaces included."""

    type: Annotated[ColumnType, BeforeValidator(_fold_case)]
    """Boolean, Time64, Float32, Float64, Int32, Int64 or String, in any case."""


class ModelSchema(Part):
    """The columns that a model takes and gives, in order."""

    input: tuple[Column, ...]
    """The columns a request must carry."""

    output: tuple[Column, ...]
    """The columns an answer carries."""

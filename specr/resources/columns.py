"""Model schemas: the columns a model takes and gives, with their seven types."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

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

    @classmethod
    def _missing_(cls, value: object) -> ColumnType | None:
        text = value.lower() if isinstance(value, str) else value
        return next((found for found in cls if found.value.lower() == text), None)


class Column(Part, frozen=True, kw_only=True):
    """One column: its name and its type."""

    name: Annotated[str, Meta(min_length=1)]
    """As the model names it: any text, case and spaces included."""

    type: ColumnType
    """Boolean, Time64, Float32, Float64, Int32, Int64 or String, in any case."""


class ModelSchema(Part, frozen=True, kw_only=True):
    """The columns that a model takes and gives, in order."""

    input: tuple[Column, ...]
    """The columns a request must carry."""

    output: tuple[Column, ...]
    """The columns an answer carries."""

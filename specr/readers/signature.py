"""An MLflow signature as columns. Pure: the values of a `MLmodel` in, a schema out.

MLflow's column types map one to one. A tensor of shape (-1,) is one column, one of shape (-1, k) is
k columns of its type, and one of more fixed sizes as many as they multiply to, the last size running
fastest; other shapes and nested types are no columns.

Names are those that the runtime serves: a column's own, else `c0`, `c1`… for inputs, and for outputs
`prediction`, or `prediction_0`… where there are several. A tensor `x` of shape (-1, k) gives
`x_0` … `x_{k-1}`, one of shape (-1, a, b) `x_0` … `x_{a*b-1}`, one of shape (-1,) gives `x`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from specr.canonical import decode_json
from specr.resources.columns import Column, ColumnType, ModelSchema

COLUMN_TYPES: Final[Mapping[str, ColumnType]] = {
    "boolean": ColumnType.BOOLEAN,
    "integer": ColumnType.INT32,
    "long": ColumnType.INT64,
    "float": ColumnType.FLOAT32,
    "double": ColumnType.FLOAT64,
    "string": ColumnType.STRING,
    "datetime": ColumnType.TIME64,
}
"""MLflow's types of columns (`mlflow.types.DataType`), but for binary."""

TENSOR_TYPES: Final[Mapping[str, ColumnType]] = {
    "bool": ColumnType.BOOLEAN,
    "int8": ColumnType.INT32,
    "int16": ColumnType.INT32,
    "int32": ColumnType.INT32,
    "int64": ColumnType.INT64,
    "uint8": ColumnType.INT32,
    "uint16": ColumnType.INT32,
    "uint32": ColumnType.INT64,
    "float16": ColumnType.FLOAT32,
    "float32": ColumnType.FLOAT32,
    "float64": ColumnType.FLOAT64,
    "str": ColumnType.STRING,
    "object": ColumnType.STRING,
    "datetime64[ns]": ColumnType.TIME64,
}
"""numpy's names for the types of a tensor's cells, each with the narrowest column that holds them all."""

_WIDEST: Final = 100_000
"""Columns of one tensor, far above any table's width."""

_SHAPES: Final = (
    f"only columns and tensors of shape (-1,), (-1, k), … of at most {_WIDEST} cells a row are served"
)


class SignatureError(Exception):
    """A signature that can't be told as columns; the message is a sentence without its full stop."""


def schema_of(signature: object) -> ModelSchema | None:
    """The columns that a `MLmodel`'s signature tells; None where it names no inputs.

    Where it names no outputs, the schema has none: the runtime finds them out.

    Raises:
        SignatureError: a side is no list of columns or tensors that can be served.
    """
    if signature is None:
        return None
    if not isinstance(signature, Mapping):
        raise SignatureError("The signature is no mapping")
    inputs, outputs = (_side(signature.get(f"{side}s"), side) for side in ("input", "output"))
    return ModelSchema(input=inputs, output=outputs) if inputs else None


def _side(told: object, side: str) -> tuple[Column, ...]:
    if told is None:
        return ()
    try:
        specs = decode_json(told) if isinstance(told, str) else told
    except ValueError:
        raise SignatureError(f"The signature's {side}s are not JSON") from None
    if not isinstance(specs, list) or not all(isinstance(spec, dict) for spec in specs):
        raise SignatureError(f"The signature's {side}s are no list of columns")
    if specs and specs[0].get("type") == "tensor":
        columns = tuple(column for spec in specs for column in _tensor(spec, side))
    else:
        names = _unnamed(side, len(specs))
        columns = tuple(_column(spec, name, side) for spec, name in zip(specs, names, strict=True))
    _refuse_repeated(columns, side)
    return columns


def _column(spec: Mapping[str, Any], unnamed: str, side: str) -> Column:
    name = _name(spec, side)
    kind = spec.get("type")
    column_type = COLUMN_TYPES.get(kind) if isinstance(kind, str) else None
    if column_type is None:
        raise SignatureError(f"The {side} column {name or unnamed!r} is of type {_shown(kind)}; {_SHAPES}")
    return Column(name=unnamed if name is None else name, type=column_type)


def _tensor(spec: Mapping[str, Any], side: str) -> Iterable[Column]:
    name, details = _name(spec, side), spec.get("tensor-spec")
    label = f"The {side} tensor" if name is None else f"The {side} tensor {name!r}"
    if not isinstance(details, Mapping):
        raise SignatureError(f"{label} has no tensor-spec")
    shape, dtype = details.get("shape"), details.get("dtype")
    if not isinstance(shape, list) or not _is_servable(shape):
        raise SignatureError(f"{label} is of shape {_shown(shape)}; {_SHAPES}")
    column_type = TENSOR_TYPES.get(dtype) if isinstance(dtype, str) else None
    if column_type is None:
        raise SignatureError(f"{label} is of type {_shown(dtype)}, which no column type holds")
    count = math.prod(shape[1:])
    if name is None:
        names = _unnamed(side, count)
    else:
        names = [name] if len(shape) == 1 else [f"{name}_{index}" for index in range(count)]
    return (Column(name=column, type=column_type) for column in names)


def _name(spec: Mapping[str, Any], side: str) -> str | None:
    """A column's own name as text; tables may have numbers for names."""
    name = spec.get("name")
    if name is None:
        return None
    if isinstance(name, (dict, list)) or name == "":
        raise SignatureError(f"The signature has {_article(side)} column whose name is {_shown(name)}")
    return str(name)


def _is_servable(shape: Sequence[Any]) -> bool:
    return (
        bool(shape)
        and all(type(size) is int for size in shape)
        and shape[0] == -1
        and all(0 < size <= _WIDEST for size in shape[1:])
        and math.prod(shape[1:]) <= _WIDEST
    )


def _unnamed(side: str, count: int) -> list[str]:
    if side == "input":
        return [f"c{index}" for index in range(count)]
    return ["prediction"] if count == 1 else [f"prediction_{index}" for index in range(count)]


def _refuse_repeated(columns: Iterable[Column], side: str) -> None:
    seen = set[str]()
    for column in columns:
        if column.name in seen:
            raise SignatureError(f"Two {side} columns are named {column.name!r}")
        seen.add(column.name)


def _shown(value: object) -> str:
    text = f"({', '.join(map(str, value))})" if isinstance(value, list) else repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _article(side: str) -> str:
    return f"an {side}"

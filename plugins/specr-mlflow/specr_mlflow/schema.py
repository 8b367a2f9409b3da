"""An MLflow signature as columns of the scorer API. Pure: values in, values out.

MLflow's column types map one to one. A tensor of shape (-1,) is one column, one of shape (-1, k) is
k columns, and one of more fixed sizes as many as they multiply to, the last size running fastest; other
shapes and nested types are no columns and an error that names them. An input column of type binary is a
column of files, and so is, where that is asked for, an input tensor of pictures.

Names: a column's own name, else `c0`, `c1`… for inputs, and for outputs `prediction`, or
`prediction_0`… where there are several. A tensor `x` of shape (-1, k) gives `x_0` … `x_{k-1}`, one of
shape (-1, a, b) `x_0` … `x_{a*b-1}`.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from specr_scorer.schema import DataType, Field, repeated

from specr_mlflow.pictures import Picture

COLUMN_TYPES: Final[dict[str, DataType]] = {
    "boolean": DataType.BOOL,
    "integer": DataType.INT32,
    "long": DataType.INT64,
    "float": DataType.FLOAT32,
    "double": DataType.FLOAT64,
    "string": DataType.STR,
    "datetime": DataType.TIME64,
}
TENSOR_TYPES: Final[dict[str, DataType]] = {
    "bool": DataType.BOOL,
    "int8": DataType.INT32,
    "int16": DataType.INT32,
    "int32": DataType.INT32,
    "int64": DataType.INT64,
    "uint8": DataType.INT32,
    "uint16": DataType.INT32,
    "uint32": DataType.INT64,
    "float16": DataType.FLOAT32,
    "float32": DataType.FLOAT32,
    "float64": DataType.FLOAT64,
    "str": DataType.STR,
    "object": DataType.STR,
    "datetime64[ns]": DataType.TIME64,
}
_NEVER_MISSING: Final = frozenset({DataType.BOOL, DataType.INT32, DataType.INT64})
"""Types whose numpy arrays have no room for a missing value."""
_MOST_COLUMNS: Final = 100_000
"""The widest tensor that is told as columns, far above any table's width."""
_PICTURE: Final = "image"
"""The column of a tensor of pictures without a name."""
_WAY_OUT: Final = (
    f"only columns and tensors of shape (-1,), (-1, k), … of at most {_MOST_COLUMNS} cells a row are served"
)


class SchemaError(Exception):
    """A signature that can't be told as columns; the message names the column and the reason."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor and the columns it is told as.

    `shape` is that of one row: () where a row is one cell, as it also is of a tensor of pictures in files.
    """

    name: str | None
    dtype: str
    fields: tuple[Field, ...]
    shape: tuple[int, ...]
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """The inputs or the outputs of a signature.

    `labels` are the columns' own names in the model's frames, one a field, None where the signature
    leaves them out. `tensors` is empty for a signature of columns.
    """

    fields: tuple[Field, ...]
    labels: tuple[object, ...]
    tensors: tuple[Tensor, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """Both sides of a model's signature; None for a side that it leaves out."""

    inputs: Side | None
    outputs: Side | None


def parse_signature(mlmodel: Mapping[str, Any], *, pictures: bool = False) -> Signature:
    """The columns that an MLmodel document's signature tells.

    Args:
        mlmodel: the document.
        pictures: whether input tensors of pictures are columns of files, not as many columns as cells.

    Raises:
        SchemaError: a side is no list of columns or tensors that can be served.
    """
    signature = mlmodel.get("signature") or {}
    if not isinstance(signature, Mapping):
        raise SchemaError("the signature is no mapping")
    return Signature(
        inputs=_side(signature.get("inputs"), "input", pictures=pictures),
        outputs=_side(signature.get("outputs"), "output"),
    )


def _side(text: object, side: str, *, pictures: bool = False) -> Side | None:
    if text is None:
        return None
    try:
        specs = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        raise SchemaError(f"the signature's {side}s are not JSON") from None
    if not isinstance(specs, list) or not all(isinstance(spec, dict) for spec in specs):
        raise SchemaError(f"the signature's {side}s are no list of columns")
    if not specs:
        return None
    told_as_tensors = specs[0].get("type") == "tensor"
    made = _tensors(specs, side, pictures=pictures) if told_as_tensors else _columns(specs, side)
    twice = repeated(field.name for field in made.fields)
    if twice:
        raise SchemaError(f"two {side} columns are named {twice[0]!r}")
    return made


def unnamed(side: str, count: int) -> list[str]:
    """The names of columns that have none of their own; `side` is `input` or `output`."""
    if side == "input":
        return [f"c{index}" for index in range(count)]
    return ["prediction"] if count == 1 else [f"prediction_{index}" for index in range(count)]


def _columns(specs: Sequence[Mapping[str, Any]], side: str) -> Side:
    labels = tuple(spec.get("name") for spec in specs)
    names = [
        made if label is None else str(label)
        for label, made in zip(labels, unnamed(side, len(specs)), strict=True)
    ]
    return Side(tuple(_column(name, spec, side) for name, spec in zip(names, specs, strict=True)), labels)


def _column(name: str, spec: Mapping[str, Any], side: str) -> Field:
    kind = spec.get("type")
    if kind == "binary" and side == "input":
        return Field(name, DataType.STR, _nullable(spec, DataType.STR), media=True)
    data_type = COLUMN_TYPES.get(kind) if isinstance(kind, str) else None
    if data_type is None:
        raise SchemaError(f"the {side} column {name!r} is of type {kind!r}; {_WAY_OUT}")
    return Field(name, data_type, _nullable(spec, data_type))


def _nullable(spec: Mapping[str, Any], data_type: DataType) -> bool:
    """Whether a cell may be missing. Old signatures don't say; then it may where numpy has room for it."""
    if isinstance(spec.get("required"), bool):
        return not spec["required"]
    if isinstance(spec.get("optional"), bool):
        return bool(spec["optional"])
    return data_type not in _NEVER_MISSING


def _tensors(specs: Sequence[Mapping[str, Any]], side: str, *, pictures: bool) -> Side:
    files = (_pictures(spec) if pictures else None for spec in specs)
    tensors = tuple(made or _tensor(spec, side) for made, spec in zip(files, specs, strict=True))
    fields = tuple(field for tensor in tensors for field in tensor.fields)
    return Side(fields, tuple(None for _ in fields), tensors)


def _pictures(spec: Mapping[str, Any]) -> Tensor | None:
    """A tensor of pictures as a column of files; None for another tensor."""
    name, details = spec.get("name"), spec.get("tensor-spec")
    shape = details.get("shape") if isinstance(details, Mapping) else None
    if not isinstance(details, Mapping) or not isinstance(shape, list):
        return None
    picture = Picture.of(shape, details.get("dtype"))
    if picture is None:
        return None
    own = None if name is None else str(name)
    field = Field(own or _PICTURE, DataType.STR, nullable=False, media=True)
    return Tensor(own, picture.dtype, (field,), (), picture)


def _tensor(spec: Mapping[str, Any], side: str) -> Tensor:
    name = spec.get("name")
    details = spec.get("tensor-spec")
    label = f"the {side} tensor" if name is None else f"the {side} tensor {name!r}"
    if not isinstance(details, Mapping):
        raise SchemaError(f"{label} has no tensor-spec")
    shape, dtype = details.get("shape"), details.get("dtype")
    if not isinstance(shape, list) or not _servable(shape):
        raise SchemaError(f"{label} is of shape {_shown(shape)}; {_WAY_OUT}")
    data_type = TENSOR_TYPES.get(dtype) if isinstance(dtype, str) else None
    if data_type is None:
        raise SchemaError(f"{label} is of type {dtype!r}, which no column type holds")
    nullable = data_type not in _NEVER_MISSING and dtype != "str"
    names = _tensor_names(None if name is None else str(name), shape, side)
    fields = tuple(Field(column, data_type, nullable) for column in names)
    return Tensor(None if name is None else str(name), str(dtype), fields, tuple(shape[1:]))


def _servable(shape: Sequence[Any]) -> bool:
    return (
        bool(shape)
        and all(type(size) is int for size in shape)
        and shape[0] == -1
        and all(0 < size <= _MOST_COLUMNS for size in shape[1:])
        and math.prod(shape[1:]) <= _MOST_COLUMNS
    )


def _shown(shape: object) -> str:
    return str(tuple(shape)) if isinstance(shape, list) else repr(shape)


def _tensor_names(name: str | None, shape: Sequence[int], side: str) -> list[str]:
    count = math.prod(shape[1:])
    if name is None:
        return unnamed(side, count)
    return [name] if len(shape) == 1 else [f"{name}_{index}" for index in range(count)]

"""The pydantic models of parts: they explain what does not fit, and make the JSON Schema.

Derived from the fields of the Structs, so that the two can't differ in what they are made of.
"""

from __future__ import annotations

import re
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, Meta
from msgspec.structs import fields
from pydantic import BaseModel, ConfigDict, Field, Strict, TypeAdapter, ValidationError, create_model

from specr.resources.base import Part, shapes_of
from specr.resources.convert import MismatchError, read
from specr.resources.project import TypedSettings

T = TypeVar("T")

_STRICT = (bool, int, float)


class _Exact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


@cache
def exact_model(part: type[Part]) -> type[BaseModel]:
    """The model with the fields of a part, by the names that they have in YAML."""
    hints = get_type_hints(part, include_extras=True)
    found = {field.name: field for field in fields(part)}
    made: dict[str, Any] = {}
    for name, key, _ in shapes_of(part):
        field = found[name]
        if field.default_factory is not NODEFAULT:
            given = Field(default_factory=field.default_factory, alias=key)
        elif field.default is not NODEFAULT:
            given = Field(default=field.default, alias=key)
        else:
            given = Field(alias=key)
        made[name] = (_exact_type(hints[name]), given)
    return create_model(part.__name__, __base__=_Exact, __doc__=part.__doc__, **made)


@cache
def _exact_settings() -> type[BaseModel]:
    name, openly = TypedSettings.__name__, ConfigDict(frozen=True, extra="allow")
    return create_model(name, __config__=openly, __doc__=TypedSettings.__doc__, type=(str, ...))


def convert_exactly(data: Any, wanted: type[T]) -> T:
    """Like `specr.resources.convert.convert`, by pydantic.

    Raises:
        MismatchError: the data do not fit; with all that is wrong.
    """
    adapter = TypeAdapter(_exact_type(wanted))
    try:
        value = adapter.validate_python(data)
    except ValidationError as error:
        raise MismatchError(error.errors(include_url=False)) from None
    try:
        return read(adapter.dump_python(value, by_alias=True, exclude_unset=True), wanted)
    except msgspec.ValidationError as error:
        raise MismatchError([{"type": "unfit", "loc": (), "msg": str(error), "input": data}]) from None


def _exact_type(hint: Any, *, is_key: bool = False) -> Any:
    """The type for pydantic that takes what msgspec takes of the given one, or more."""
    if isinstance(hint, type) and issubclass(hint, Part):
        return exact_model(hint)
    if hint is TypedSettings:
        return _exact_settings()
    if hint in _STRICT and not is_key:
        return Annotated[hint, Strict()]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        bare, *notes = arguments
        limits = [_limits(note) for note in notes if isinstance(note, Meta)]
        return Annotated[(_exact_type(bare, is_key=is_key), *limits)]
    if origin in (Union, UnionType):
        return Union[tuple(_exact_type(each) for each in arguments)]  # noqa: UP007 - made at run time
    if origin is dict:
        key, value = arguments
        return dict[_exact_type(key, is_key=True), _exact_type(value)]  # type: ignore[misc]
    if origin is tuple:
        return tuple[_exact_type(arguments[0]), ...]  # type: ignore[misc]
    return hint


def _limits(meta: Meta) -> Any:
    pattern = None if meta.pattern is None else re.sub(r"\\Z$", "$", meta.pattern)
    given = {name: getattr(meta, name) for name in ("ge", "gt", "le", "lt", "min_length", "max_length")}
    return Field(pattern=pattern, **{name: value for name, value in given.items() if value is not None})

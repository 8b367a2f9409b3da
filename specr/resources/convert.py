"""From data to the parts of specs that they are, checked.

Two readers, as for YAML: Structs are read by msgspec, at a fraction of what pydantic's import alone
costs; only what it refuses is given to the pydantic model of the same fields (`specr.resources.exact`),
which finds all that is wrong, each with its place. What the first takes, the second takes for the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from specr.resources.project import TypedSettings

T = TypeVar("T")


class MismatchError(ValueError):
    """Data that do not fit: `details` says each thing that is wrong, as pydantic's `ErrorDetails`."""

    def __init__(self, details: Sequence[Any]) -> None:
        self.details = tuple(details)
        super().__init__("; ".join(f"{'.'.join(map(str, d['loc']))}: {d['msg']}" for d in self.details))


def convert(data: Any, wanted: type[T]) -> T:
    """The part, or other type made of parts, that data in YAML's spelling are.

    Raises:
        MismatchError: they are not; with all that is wrong.
    """
    try:
        return read(data, wanted)
    except msgspec.ValidationError:
        from specr.resources.exact import convert_exactly  # noqa: PLC0415 - imports pydantic, for errors only

        return convert_exactly(data, wanted)


def read(data: Any, wanted: type[T]) -> T:
    """Like `convert`, but it says of the first thing that is wrong only that there is one.

    Raises:
        msgspec.ValidationError: the data do not fit.
    """
    return msgspec.convert(data, wanted, str_keys=True, dec_hook=_read_other)


def _read_other(wanted: type[Any], data: Any) -> Any:
    if wanted is TypedSettings:
        return TypedSettings.read(data)
    raise NotImplementedError(wanted)

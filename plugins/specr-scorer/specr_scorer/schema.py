"""What a model takes and gives: named columns of seven types.

Values only: nothing here parses a request or touches a model.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class DataType(StrEnum):
    """The column types of the scorer API; the value is the `dataType` that answers show."""

    BOOL = "Bool"
    INT32 = "Int32"
    INT64 = "Int64"
    FLOAT32 = "Float32"
    FLOAT64 = "Float64"
    STR = "Str"
    TIME64 = "Time64"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a type's name in any case; `Boolean` and `String` are the long names of Bool and Str.

        Raises:
            ValueError: the text names no type; the message lists the names there are.
        """
        wanted = text.lower()
        wanted = {"boolean": "bool", "string": "str"}.get(wanted, wanted)
        for member in cls:
            if member.value.lower() == wanted:
                return member
        known = "Boolean, Time64, Float32, Float64, Int32, Int64, String"
        raise ValueError(f"{text!r} is no column type; the types are {known}")


@dataclass(frozen=True, slots=True)
class Field:
    """One column. `nullable` says whether an input cell may be missing; outputs always may.

    A `media` input is a Str column whose cells stand for files: images, sound, documents.
    """

    name: str
    type: DataType
    nullable: bool = True
    media: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a model, in the order in which they are served.

    Raises:
        ValueError: a name stands twice on one side, there is no output, or a media column is
            no Str input.
    """

    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]

    def __post_init__(self) -> None:
        for side, fields in (("input", self.inputs), ("output", self.outputs)):
            twice = repeated(field.name for field in fields)
            if twice:
                raise ValueError(f"the {side} column {twice[0]!r} is declared twice")
        if not self.outputs:
            raise ValueError("the model declares no output column")
        for field in (*self.media, *(output for output in self.outputs if output.media)):
            if field.type is not DataType.STR or field in self.outputs:
                raise ValueError(f"the media column {field.name!r} is no input of type Str")

    @property
    def media(self) -> tuple[Field, ...]:
        """The inputs whose cells stand for files."""
        return tuple(field for field in self.inputs if field.media)


def repeated(names: Iterable[str]) -> list[str]:
    """The names that occur more than once, in order of first occurrence."""
    return [name for name, count in Counter(names).items() if count > 1]

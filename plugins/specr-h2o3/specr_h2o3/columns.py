"""Columns as a MOJO has them. Values only; the reader and the runtime each have their own types for them."""

from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    """What a column's cells are to genmodel, which itself knows doubles and level names alone."""

    NUMBER = auto()
    """A double: H2O keeps no whole numbers apart."""

    WHOLE = auto()
    """A double that is always whole and small: the index of a cluster, a flag."""

    TIME = auto()
    """Milliseconds since 1970, UTC."""

    CATEGORY = auto()
    """One of the levels seen in training; any other counts as missing."""

    WORD = auto()
    """Text that is looked up as it stands."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `required` says that a row can't be scored without it."""

    name: str
    kind: Kind
    required: bool = False

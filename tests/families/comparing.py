"""The library's own predictions against a deployment's answers, cell by cell. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tests.families.models import Cell, Table
from tests.families.scorer import Column

_SHOWN: Final = 5


class DifferenceError(Exception):
    """Answers that are not the library's own; the message says which, in which row and column."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell that is not as expected, or a number that is off by `amount`, relative beyond 1."""

    row: int
    column: str
    expected: Cell
    got: Cell
    amount: float = float("inf")

    def __str__(self) -> str:
        off = "" if self.amount == float("inf") else f", off by {self.amount:.3g}"
        return f"row {self.row}, column {self.column!r}: expected {self.expected!r}, got {self.got!r}{off}"


def largest_difference(
    expected: Table, got: Table, outputs: Sequence[Column], tolerance: float, rows: Sequence[int]
) -> float:
    """How far the numbers are off at most; texts, truths, times, whole numbers and gaps must be the same.

    Args:
        expected: the library's predictions, all of them.
        got: the answer to the rows asked.
        outputs: the columns that the deployment serves; it must serve those expected.
        tolerance: how far a number may be off, relative to the larger of 1 and itself.
        rows: which of the expected rows were asked.

    Raises:
        DifferenceError: a column or row is missing, or a cell is off by more than the tolerance.
    """
    types = {column.name: column.data_type for column in outputs}
    missing = [name for name in expected.fields if name not in types or name not in got.fields]
    if missing:
        raise DifferenceError(f"columns {missing} are expected; served are {list(got.fields)}")
    if len(got.rows) != len(rows):
        raise DifferenceError(f"{len(got.rows)} rows came back for {len(rows)}")
    found = list(_differences(expected, got, types, rows))
    beyond = [difference for difference in found if not difference.amount <= tolerance]
    if beyond:
        shown = "\n  ".join(map(str, beyond[:_SHOWN]))
        more = f"\n  and {len(beyond) - _SHOWN} more" if len(beyond) > _SHOWN else ""
        raise DifferenceError(f"{len(beyond)} cells of {len(rows)} rows differ:\n  {shown}{more}")
    return max((difference.amount for difference in found), default=0.0)


def _differences(
    expected: Table, got: Table, types: Mapping[str, str], rows: Sequence[int]
) -> Iterator[Difference]:
    places = [(name, position, got.fields.index(name)) for position, name in enumerate(expected.fields)]
    for row, answer in zip(rows, got.rows, strict=True):
        for name, position, place in places:
            wanted, cell = expected.rows[row][position], answer[place]
            amount = _distance(wanted, cell, types[name])
            if amount:
                yield Difference(row, name, wanted, cell, amount)


def _distance(wanted: Cell, cell: Cell, data_type: str) -> float:
    """0 for the same value; for floats how far they are apart; else infinite."""
    if wanted is None or cell is None:
        return 0.0 if wanted is cell else float("inf")
    try:
        first, second = (_READERS[data_type](value) for value in (wanted, cell))
    except ValueError:
        return float("inf")
    if first == second:
        return 0.0
    if isinstance(first, float) and isinstance(second, float):
        return abs(first - second) / max(1.0, abs(first))
    return float("inf")


def _truth(cell: Cell) -> bool:
    if isinstance(cell, bool):
        return cell
    if cell not in ("True", "False"):
        raise ValueError(f"{cell!r} is no truth")
    return cell == "True"


def _time(cell: Cell) -> datetime:
    moment = datetime.fromisoformat(str(cell))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_READERS: Final[Mapping[str, Callable[[Cell], object]]] = {
    "Str": str,
    "Bool": _truth,
    "Int32": lambda cell: int(str(cell)),
    "Int64": lambda cell: int(str(cell)),
    "Float32": lambda cell: float(str(cell)),
    "Float64": lambda cell: float(str(cell)),
    "Time64": _time,
}
"""How each column type is read; what can't be read so is a difference."""

"""From cells to genmodel's numbers."""

import math
from collections.abc import Sequence

from specr_h2o3.encoding import LevelCode, NumberCode, encode_columns, level_code

NAN = math.nan


def same(found: Sequence[Sequence[float]], expected: Sequence[Sequence[float]]) -> bool:
    return repr([list(row) for row in found]) == repr([list(row) for row in expected])


def test_numbers_are_themselves_and_missing_ones_nan() -> None:
    assert same(NumberCode(0).encode([1.5, None, 2]), [[1.5, NAN, 2.0]])


def test_times_are_milliseconds() -> None:
    assert same(NumberCode(0, is_time=True).encode([1_500_000_000, None]), [[1500.0, NAN]])


def test_levels_are_their_index_and_others_missing() -> None:
    code = level_code(
        2, ["a", "b"], 4, lambda level: [NAN, NAN, {"a": 0.0, "b": 1.0}.get(level or "", NAN), NAN]
    )
    assert code == LevelCode(2, {"a": (0.0,), "b": (1.0,)}, code.missing)
    assert same(code.encode(["b", None, "unseen", "a"]), [[1.0, NAN, NAN, 0.0]])


def test_levels_may_fill_several_places() -> None:
    def one_hot(level: str | None) -> list[float]:
        place = {"a": 1, "b": 2, None: 3}[level]
        return [NAN, *(float(number == place) for number in (1, 2, 3)), NAN]

    code = level_code(1, ["a", "b"], 5, one_hot)
    assert code.encode(["b", "unseen"]) == [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]


def test_rows_have_nan_where_no_column_is() -> None:
    codes = [("x", NumberCode(2)), ("y", NumberCode(0))]
    columns = {"x": [1.0, 2.0], "y": [3.0, None], "other": ["a", "b"]}
    assert same(encode_columns(codes, columns, 3, 2), [[3.0, NAN], [NAN, NAN], [1.0, 2.0]])

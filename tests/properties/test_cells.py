"""Golden rows against the scorer's own reader: plans refuse what it refuses, and nothing that it takes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from specr.resources.cells import NUMBERS, cell_fault, cell_text, never_equals
from specr.resources.columns import ColumnType
from specr.resources.deployment import GoldenRow
from specr.verify.scorer import matches

_EDGES = [m * n for m in (1, -1) for n in (2**31 - 1, 2**31, 2**63 - 1, 2**63, 10**18, 10**19, 2**24 + 1)]
numbers = st.integers() | st.floats() | st.sampled_from([*_EDGES, 3.4028235677973366e38, 3.402823e38])
spelt_numbers = st.builds(
    lambda number, form, before, after: f"{before}{form.format(number)}{after}",
    numbers | st.decimals(),
    st.sampled_from(["{}", "{}.0", "{}e0", "{}e-1", "+{}", "0{}", "{}_0", "{}.", "\u0661{}", "{}e400"]),
    st.sampled_from(["", " ", "\t", "x"]),
    st.sampled_from(["", "\n", "%", "nan"]),
)
zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1677, 9, 1), datetime(2262, 5, 1)) | st.datetimes()  # noqa: DTZ001
times = st.builds(
    lambda moment, zone, form: moment.replace(tzinfo=zone).strftime(form),
    moments,
    st.none() | zones,
    st.sampled_from(["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S.%f %z", "%x"]),
)
words = st.sampled_from(
    ["", " ", "nan", "NaN", "NaT", " nat", "NA", "null", "inf", "-Infinity", "True", "FALSE"]
)
lookalikes = st.from_regex(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:?[0-9]{2})?)?", fullmatch=True
)
cells = (
    st.none()
    | st.booleans()
    | numbers
    | spelt_numbers
    | times
    | words
    | lookalikes
    | st.text(max_size=6)
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(max_size=2), st.integers(), max_size=2)
)
kinds = st.sampled_from(sorted(ColumnType))


@given(cells, kinds)
@example("3.5", ColumnType.INT64)
@example(3.0, ColumnType.INT64)
@example("1e999999999", ColumnType.INT32)
@example("1677-09-21 00:12:43.145224193", ColumnType.TIME64)
@example("1677-09-21 00:12:43.145224192", ColumnType.TIME64)
@example("2262-04-11T23:47:16.854775807", ColumnType.TIME64)
@example("2262-04-11T23:47:16.854775808", ColumnType.TIME64)
def test_plans_refuse_the_cells_that_the_scorer_refuses(cell: Any, kind: ColumnType) -> None:
    reader = pytest.importorskip("specr_scorer.cells", reason="the plug-in is not installed")
    schema = pytest.importorskip("specr_scorer.schema")
    parse = reader.PARSERS[schema.DataType.parse(kind.value)]
    try:
        parse(cell_text(cell))
        is_taken = True
    except reader.CellError:
        is_taken = False
    assert (cell_fault(cell, kind.value) == "") is is_taken


_ROW = GoldenRow(row={}, expect={"y": 1}, tolerance=1e12)
_SPELT = {"Boolean": "Bool", "String": "Str"}


@given(cells, cells, kinds)
def test_what_plans_say_never_comes_never_does(expected: Any, got: Any, kind: ColumnType) -> None:
    if never_equals(expected, kind.value):
        assert not matches(expected, cell_text(got), _SPELT.get(kind, kind.value), _ROW.margin)


@given(numbers | st.none() | st.booleans(), st.sampled_from(sorted(NUMBERS)))
def test_any_number_may_come_of_a_column_of_numbers(expected: Any, kind: str) -> None:
    assert not never_equals(expected, kind)

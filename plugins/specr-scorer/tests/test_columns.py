"""Many cells at once are read and written as one at a time."""

from array import array
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specr_scorer import DataType
from specr_scorer.cells import PARSERS, RENDERERS, CellError
from specr_scorer.columns import parse_column, render_column

NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([2.0**31, -(2.0**31), 3.4028235677973366e38, 3.4e38, -3.5e38, 1e308, 0.0, -0.0]),
)
TEXTS = st.one_of(
    NUMBERS.map(str),
    st.sampled_from(
        [
            "",
            " 1",
            "1_0",
            "\u0661",
            "nan",
            "NaT",
            "inf",
            "-Infinity",
            "1e999",
            "1e400",
            "x",
            "0x1",
            "1.0",
            "9" * 30,
            "-0",
            " -0\t",
            "1e-0",
            "-0.0",
            "1E5",
            "+1",
            ".5",
            "5.",
            "00",
            "null",
            "true",
            "1,2",
            "[1",
            "2]",
            '"a',
            'b"',
            "{}",
            "\ud800",
        ]
    ),
)
ONE_KIND = st.one_of(
    *(
        st.lists(cells, min_size=0, max_size=30)
        for cells in (
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(-(2**33), 2**33),
            st.integers(-(2**63), 2**64 - 1),
            NUMBERS,
            NUMBERS.map(str),
            st.integers(-(2**33), 2**33).map(str),
            TEXTS,
            st.one_of(NUMBERS, st.none()),
            st.one_of(st.integers(-(2**33), 2**33), st.none()),
            st.one_of(NUMBERS.map(str), st.sampled_from(["", "-0", None])),
            st.one_of(st.integers(-9, 9).map(str), st.sampled_from(["", "-0", None])),
            st.one_of(st.decimals(allow_nan=False, allow_infinity=False).map(str), TEXTS),
            st.from_regex(r"-?[0-9]{1,30}\.[0-9]{1,30}([eE][-+]?[0-9]{1,3})?", fullmatch=True),
            st.from_regex(r"-?[0-9]{1,3}\s?", fullmatch=True),
            st.text(min_size=1, max_size=3),
            st.one_of(NUMBERS, TEXTS, st.none(), st.booleans()),
        )
    )
)


def outcome(read: Any) -> Any:
    try:
        return [(type(value), repr(value)) for value in read()]
    except CellError as error:
        return str(error)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(list(DataType)), ONE_KIND)
def test_a_column_is_its_cells(kind: DataType, cells: list[Any]) -> None:
    one_by_one = outcome(lambda: [PARSERS[kind](cell) for cell in cells])
    assert outcome(lambda: parse_column(kind, cells)) == one_by_one


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(list(DataType)),
    st.one_of(
        st.lists(st.floats(), max_size=30),
        st.lists(st.floats(-1e17, 1e17), min_size=9, max_size=30),
        st.lists(st.floats(-1e-3, 1e-3), min_size=9, max_size=30),
        st.lists(st.integers(-(2**62), 2**62), max_size=30),
        st.lists(st.one_of(st.floats(), st.integers(0, 1), st.none(), st.booleans(), st.text()), max_size=30),
    ),
)
def test_a_written_column_is_its_written_values(kind: DataType, values: list[Any]) -> None:
    def write(render: Any) -> Any:
        try:
            return render()
        except (TypeError, ValueError, OverflowError) as error:
            return type(error)

    one_by_one = write(lambda: [RENDERERS[kind](value) for value in values])
    assert write(lambda: render_column(kind, values)) == one_by_one


@pytest.mark.parametrize("code", ["f", "d"])
def test_arrays_are_written_by_their_values(code: str) -> None:
    values = array(code, [0.1, 1e30, -0.0, 5.0, 1 / 3] * 4)
    assert render_column(DataType.FLOAT32, values) == [repr(float(value)) for value in values]

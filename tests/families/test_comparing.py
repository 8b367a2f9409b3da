from __future__ import annotations

import pytest

from tests.families.comparing import DifferenceError, largest_difference
from tests.families.models import Cell, Table
from tests.families.scorer import Column


def difference(data_type: str, expected: Cell, got: Cell, tolerance: float = 0.0) -> float:
    return largest_difference(
        Table(("x",), ((expected,),)), Table(("x",), ((got,),)), [Column("x", data_type)], tolerance, [0]
    )


@pytest.mark.parametrize(
    ("data_type", "expected", "got"),
    [
        ("Float64", 0.1, "0.1"),
        ("Float64", 1, "1.0"),
        ("Float32", 0.10000000149011612, "0.10000000149011612"),
        ("Float64", None, None),
        ("Int64", 2**60 + 1, str(2**60 + 1)),
        ("Bool", True, "True"),
        ("Str", "a", "a"),
        ("Time64", "2021-01-01T00:00:00", "2021-01-01 00:00:00"),
    ],
)
def test_the_same_value_is_no_difference(data_type: str, expected: Cell, got: Cell) -> None:
    assert difference(data_type, expected, got) == 0.0


@pytest.mark.parametrize(
    ("data_type", "expected", "got"),
    [
        ("Float64", 0.1, "0.10000000000000002"),
        ("Float64", None, "0.0"),
        ("Float64", 0.0, None),
        ("Float64", 0.5, "half"),
        ("Int64", 2**60 + 1, str(2**60)),
        ("Int64", 1, "1.5"),
        ("Bool", True, "False"),
        ("Bool", True, "yes"),
        ("Str", "a", "A"),
        ("Time64", "2021-01-01T00:00:00", "2021-01-02 00:00:00"),
    ],
)
def test_another_value_is_told_with_its_row_and_column(data_type: str, expected: Cell, got: Cell) -> None:
    with pytest.raises(DifferenceError, match=r"1 cells of 1 rows differ:\n  row 0, column 'x': expected"):
        difference(data_type, expected, got)


def test_a_number_may_be_off_by_the_tolerance_and_no_more() -> None:
    assert difference("Float64", 1000.0, "1000.1", tolerance=1e-3) == pytest.approx(1e-4)
    with pytest.raises(DifferenceError, match=r"off by 0\.0001"):
        difference("Float64", 1000.0, "1000.1", tolerance=1e-5)


def test_a_tolerance_is_for_floats_alone() -> None:
    with pytest.raises(DifferenceError):
        difference("Int64", 1000, "1001", tolerance=1e-2)


def test_rows_are_told_by_their_place_among_all() -> None:
    expected = Table(("x",), ((1.0,), (2.0,), (3.0,)))
    with pytest.raises(DifferenceError, match="row 2, column 'x'"):
        largest_difference(expected, Table(("x",), (("4.0",),)), [Column("x", "Float64")], 0.0, [2])


def test_a_column_or_row_that_does_not_come_back_is_told() -> None:
    expected = Table(("x", "y"), ((1.0, 2.0),))
    with pytest.raises(DifferenceError, match=r"columns \['y'\] are expected"):
        largest_difference(expected, Table(("x",), (("1.0",),)), [Column("x", "Float64")], 0.0, [0])
    with pytest.raises(DifferenceError, match="0 rows came back for 1"):
        largest_difference(Table(("x",), ((1.0,),)), Table(("x",), ()), [Column("x", "Float64")], 0.0, [0])


def test_served_columns_that_are_not_expected_are_left_alone() -> None:
    got = Table(("more", "x"), (("?", "1.0"),))
    columns = [Column("more", "Str"), Column("x", "Float64")]
    assert largest_difference(Table(("x",), ((1.0,),)), got, columns, 0.0, [0]) == 0.0

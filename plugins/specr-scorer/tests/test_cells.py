import math
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specr_scorer.cells import PARSERS, RENDERERS, CellError
from specr_scorer.schema import DataType

NUMBERS = [DataType.INT32, DataType.INT64, DataType.FLOAT32, DataType.FLOAT64]
JANUARY = 1_609_459_200 * 10**9


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("Int64", "1.0", 1),
        ("Int64", "7", 7),
        ("Int64", " -7 ", -7),
        ("Int64", "+7", 7),
        ("Int64", "1e3", 1000),
        ("Int64", 3.0, 3),
        ("Int64", True, 1),
        ("Int64", "9223372036854775807", 2**63 - 1),
        ("Int64", "9007199254740993.0", 2**53 + 1),
        ("Int64", "-9223372036854775808", -(2**63)),
        ("Int32", "2147483647", 2**31 - 1),
        ("Float64", "1.5", 1.5),
        ("Float64", "1e-400", 0.0),
        ("Float64", 2, 2.0),
        ("Float64", False, 0.0),
        ("Float32", "3.4028234663852886e38", 3.4028234663852886e38),
        ("Bool", "True", True),
        ("Bool", "false", False),
        ("Bool", "TRUE", True),
        ("Bool", "1", True),
        ("Bool", 0, False),
        ("Bool", 1.0, True),
        ("Str", "NaN", "NaN"),
        ("Str", " ", " "),
        ("Str", 1, "1"),
        ("Str", 1.5, "1.5"),
        ("Str", True, "True"),
        ("Time64", "2021-01-01", JANUARY),
        ("Time64", "2021-01-01 00:00:00", JANUARY),
        ("Time64", "2021-01-01T00:00:00", JANUARY),
        ("Time64", "2021-01-01T00:00", JANUARY),
        ("Time64", "2021-01-01T00:00:00Z", JANUARY),
        ("Time64", "2021-01-01T02:30:00+02:30", JANUARY),
        ("Time64", "2020-12-31T19:00:00-0500", JANUARY),
        ("Time64", "2020-12-31 19:00:00 -05", JANUARY),
        ("Time64", "2021-01-01 00:00:00.000000001", JANUARY + 1),
        ("Time64", "1969-12-31 23:59:59.5", -(5 * 10**8)),
        ("Time64", "2262-04-11 23:47:16.854775807", 2**63 - 1),
    ],
)
def test_a_cell_that_fits_is_parsed(kind: str, cell: object, value: object) -> None:
    parsed = PARSERS[DataType(kind)](cell)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize("kind", list(DataType))
@pytest.mark.parametrize("cell", [None, ""])
def test_null_and_the_empty_string_are_missing(kind: DataType, cell: object) -> None:
    assert PARSERS[kind](cell) is None


@pytest.mark.parametrize("kind", [*NUMBERS, DataType.TIME64])
@pytest.mark.parametrize("cell", ["NaN", "nan", "NaT", "NAN"])
def test_nan_and_nat_are_missing_for_numbers_and_times(kind: DataType, cell: str) -> None:
    assert PARSERS[kind](cell) is None


@pytest.mark.parametrize(
    ("kind", "cell", "reason"),
    [
        ("Int32", "2147483648", "out of the range of Int32"),
        ("Int32", -2147483649, "out of the range of Int32"),
        ("Int64", "9223372036854775808", "out of the range"),
        ("Int64", 2**63, "out of the range"),
        ("Int64", 1e300, "out of the range"),
        ("Int64", "1e999999999", "out of range"),
        ("Int64", "9" * 5000, "out of range"),
        ("Int64", "1.5", "not a whole number"),
        ("Int64", 1.5, "not a whole number"),
        ("Int64", "1e-999999999", "not a whole number"),
        ("Int64", "inf", "not a finite number"),
        ("Int64", "1_000", "not a number"),
        ("Int64", "\u0661", "not a number"),
        ("Int64", "sNaN", "not a finite number"),
        ("Int64", "abc", "not a number"),
        ("Int64", [], "not a number"),
        ("Float64", "inf", "not a finite number"),
        ("Float64", "-Infinity", "not a finite number"),
        ("Float64", "1e400", "not a finite number"),
        ("Float64", "1_0", "not a number"),
        ("Float64", "0x10", "not a number"),
        ("Float64", " ", "not a number"),
        ("Float64", {}, "not a number"),
        ("Float32", "3.5e38", "out of the range of Float32"),
        ("Float32", "-1e300", "out of the range of Float32"),
        ("Bool", "yes", "not a boolean"),
        ("Bool", 2, "not a boolean"),
        ("Bool", [], "not a boolean"),
        ("Str", ["x"], "not a string"),
        ("Time64", "2021-02-30", "not a date of the calendar"),
        ("Time64", "2021-01-01 24:00:00", "not a time of day"),
        ("Time64", "2021-01-01T00:00:00+25:00", "no such time zone"),
        ("Time64", "01/02/2021", "not a time"),
        ("Time64", "2021-1-1", "not a time"),
        ("Time64", 1609459200, "not a time"),
        ("Time64", "1600-01-01", "out of the range of Time64"),
        ("Time64", "2300-01-01", "out of the range of Time64"),
        ("Time64", "0000-01-01", "not a date"),
    ],
)
def test_a_cell_that_does_not_fit_says_why(kind: str, cell: object, reason: str) -> None:
    with pytest.raises(CellError, match=reason):
        PARSERS[DataType(kind)](cell)


@settings(deadline=None)
@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_survive_the_way_out_and_back(value: int) -> None:
    assert PARSERS[DataType.INT64](RENDERERS[DataType.INT64](value)) == value


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_survive_the_way_out_and_back(value: float) -> None:
    assert PARSERS[DataType.FLOAT64](RENDERERS[DataType.FLOAT64](value)) == value


@settings(deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_single_floats_survive_the_way_out_and_back(value: float) -> None:
    assert PARSERS[DataType.FLOAT32](RENDERERS[DataType.FLOAT32](value)) == value


@settings(deadline=None)
@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_times_survive_the_way_out_and_back(value: int) -> None:
    assert PARSERS[DataType.TIME64](RENDERERS[DataType.TIME64](value)) == value


@settings(deadline=None)
@given(st.datetimes(datetime(1678, 1, 1), datetime(2262, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_iso_times_mean_what_python_takes_them_for(moment: datetime) -> None:
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    parsed = PARSERS[DataType.TIME64](moment.isoformat())
    assert isinstance(parsed, int)
    assert math.isclose(parsed / 10**9, seconds, abs_tol=1e-5)


@settings(deadline=None)
@given(st.sampled_from(list(DataType)), st.one_of(st.text(), st.floats(), st.integers(), st.booleans()))
def test_any_scalar_is_parsed_missing_or_refused(kind: DataType, cell: object) -> None:
    try:
        value = PARSERS[kind](cell)
    except CellError:
        return
    text = RENDERERS[kind](value)
    assert (text is None) == (value is None)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("Bool", True, "True"),
        ("Int64", 3.0, "3"),
        ("Float64", 0.1, "0.1"),
        ("Float64", math.inf, "inf"),
        ("Float32", 0.100000001490116119384765625, "0.10000000149011612"),
        ("Float32", -math.inf, "-inf"),
        ("Str", "", ""),
        ("Time64", JANUARY + 120 * 10**6, "2021-01-01 00:00:00.12"),
    ],
)
def test_predictions_are_shown_as_strings(kind: str, value: object, text: str) -> None:
    assert RENDERERS[DataType(kind)](value) == text


@pytest.mark.parametrize("kind", list(DataType))
def test_a_missing_prediction_is_null(kind: DataType) -> None:
    assert RENDERERS[kind](None) is None
    assert RENDERERS[kind](math.nan) is None


@pytest.mark.parametrize(("kind", "value"), [("Int64", 1.5), ("Int64", "7"), ("Bool", 2), ("Float64", "x")])
def test_a_prediction_of_another_type_is_refused_not_rounded(kind: str, value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        RENDERERS[DataType(kind)](value)


@pytest.mark.parametrize(
    ("text", "kind"), [("Boolean", "Bool"), ("STRING", "Str"), ("time64", "Time64"), ("int32", "Int32")]
)
def test_types_are_named_in_any_case(text: str, kind: str) -> None:
    assert DataType.parse(text) == kind


def test_an_unknown_type_is_told_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'decimal' is no column type; the types are Boolean"):
        DataType.parse("decimal")

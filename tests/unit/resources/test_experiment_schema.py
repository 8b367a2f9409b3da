from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.resources.columns import Column, ColumnType, ModelSchema
from specr.resources.experiment import Experiment
from specr.resources.experiment_schema import experiment_schema, metadata_schema, parse_columns

SCHEMA = ModelSchema(
    input=(Column(name="a b", type=ColumnType.INT32),), output=(Column(name="p", type=ColumnType.FLOAT64),)
)
LISTS = {
    "input_schema": [{"name": "a b", "type": "int32"}],
    "output_schema": [{"name": "p", "type": "FLOAT64"}],
}


def spelt(value: Any, form: int) -> Any:
    return [value, json.dumps(value), {"json_value": value}, {"json_value": json.dumps(value)}][form]


@pytest.mark.parametrize("form", range(4))
def test_metadata_is_read_in_all_its_spellings(form: int) -> None:
    experiment = Experiment(name="e", metadata={key: spelt(value, form) for key, value in LISTS.items()})
    assert experiment_schema(experiment) == SCHEMA
    assert metadata_schema(experiment) == SCHEMA


def test_the_schema_comes_before_the_metadata() -> None:
    other = ModelSchema(input=(), output=())
    experiment = Experiment(name="e", metadata=LISTS, declared_schema=other)
    assert experiment_schema(experiment) == other
    assert metadata_schema(experiment) == SCHEMA


@pytest.mark.parametrize("metadata", [{}, {"input_schema": []}, {"output_schema": []}])
def test_without_both_sides_there_is_none(metadata: dict[str, Any]) -> None:
    assert experiment_schema(Experiment(name="e", metadata=metadata)) is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, "it must be a list of columns, each with name and type"),
        (None, "it must be a list of columns, each with name and type"),
        ("{", "the text is not JSON"),
        ('"x"', "it must be a list of columns, each with name and type"),
        ({"value": []}, "a mapping must have the one key json_value"),
        (["a"], "column 1 must be a mapping with name and type"),
        (
            [{"name": "a", "type": "int32"}, {"name": "b", "type": "int"}],
            "column 2 has an unknown type, 'int'",
        ),
        ([{"name": "a"}], "column 1 must have a name and a type, and nothing else"),
        ([{"type": "int32"}], "column 1 must have a name and a type, and nothing else"),
        ([{"name": "", "type": "int32"}], "column 1 must have a name and a type, and nothing else"),
        ([{"name": "a", "type": "int32", "x": 1}], "column 1 must have a name and a type, and nothing else"),
    ],
)
def test_what_is_wrong_is_told(value: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        parse_columns(value)
    assert str(caught.value) == message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "type", "json_value"]), inner)
    ),
    max_leaves=6,
)


@given(json_values)
def test_any_value_gives_columns_or_a_reason(value: Any) -> None:
    try:
        found: tuple[object, ...] = parse_columns(value)
    except ValueError as error:
        found = error.args
    assert all(isinstance(one, Column) or (isinstance(one, str) and "\n" not in one) for one in found)

"""The schema that specr hands to a runtime in its environment."""

import json
from typing import Any

import pytest
from specr_scorer import DataType, Field, LoadError
from specr_scorer.declared import SCHEMA_VARIABLE, DeclaredSchema, declared_schema

X, LABEL = {"name": "x", "type": "Float64"}, {"name": "label", "type": "string"}


def read(document: Any) -> DeclaredSchema:
    return declared_schema({SCHEMA_VARIABLE: document if isinstance(document, str) else json.dumps(document)})


def test_both_sides_are_columns_in_their_order() -> None:
    wanted = (Field("x", DataType.FLOAT64), Field("label", DataType.STR))
    assert read({"input": [X, LABEL], "output": [X]}) == DeclaredSchema(wanted, wanted[:1])


@pytest.mark.parametrize("document", ["", {}, {"input": None}, {"input": [], "output": []}])
def test_what_is_not_declared_is_none(document: Any) -> None:
    assert read(document) == DeclaredSchema(None, None)
    assert declared_schema({}) == DeclaredSchema(None, None)


def test_one_side_may_be_declared_alone() -> None:
    assert read({"output": [X]}) == DeclaredSchema(None, (Field("x", DataType.FLOAT64),))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{", "Expecting"),
        ("[" * 100_000, "recursion"),
        ("[]", "no attribute"),
        ({"input": 1}, "not iterable"),
        ({"input": [1]}, "not subscriptable"),
        ({"input": [{"name": "x"}]}, "type"),
        ({"input": [{"type": "Str"}]}, "name"),
        ({"input": [{"name": 5, "type": "Str"}]}, "an input column's name is no string"),
        ({"input": [{"name": "x", "type": "Float99"}]}, "'Float99' is no column type"),
        ({"input": [X, X]}, "the input column 'x' is declared twice"),
        ({"output": [{"name": "x", "type": 5}]}, "no attribute"),
    ],
)
def test_what_is_no_schema_is_told_with_the_reason(document: Any, reason: str) -> None:
    with pytest.raises(LoadError, match=f"^SPECR_MODEL_SCHEMA is no schema: .*{reason}"):
        read(document)

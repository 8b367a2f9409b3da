"""Signatures as MLflow writes them, and the columns they are told as."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specr_mlflow.schema import SchemaError, parse_signature


def signature(inputs: Any = None, outputs: Any = None) -> dict[str, Any]:
    sides = {"inputs": inputs, "outputs": outputs}
    return {"signature": {side: json.dumps(specs) for side, specs in sides.items() if specs is not None}}


def tensor(dtype: str, *shape: int, name: str | None = None) -> dict[str, Any]:
    spec = {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": list(shape)}}
    return spec if name is None else {**spec, "name": name}


def inputs_of(*specs: dict[str, Any]) -> list[tuple[str, str, bool]]:
    side = parse_signature(signature(list(specs))).inputs
    assert side is not None
    return [(field.name, field.type.value, field.nullable) for field in side.fields]


def outputs_of(*specs: dict[str, Any]) -> list[tuple[str, str]]:
    side = parse_signature(signature(None, list(specs))).outputs
    assert side is not None
    return [(field.name, field.type.value) for field in side.fields]


def test_the_seven_column_types() -> None:
    names = ["boolean", "integer", "long", "float", "double", "string", "datetime"]
    columns = inputs_of(*({"type": name, "name": f"a {name}", "required": True} for name in names))
    assert columns == [
        ("a boolean", "Bool", False),
        ("a integer", "Int32", False),
        ("a long", "Int64", False),
        ("a float", "Float32", False),
        ("a double", "Float64", False),
        ("a string", "Str", False),
        ("a datetime", "Time64", False),
    ]


@pytest.mark.parametrize(
    ("spec", "nullable"),
    [
        ({"type": "double", "required": False}, True),
        ({"type": "long", "required": False}, True),
        ({"type": "double", "required": True}, False),
        ({"type": "long", "optional": True}, True),
        ({"type": "double", "optional": False}, False),
        ({"type": "double"}, True),
        ({"type": "string"}, True),
        ({"type": "datetime"}, True),
        ({"type": "long"}, False),
        ({"type": "integer"}, False),
        ({"type": "boolean"}, False),
    ],
)
def test_what_is_not_required_may_be_missing(spec: dict[str, Any], nullable: bool) -> None:
    assert inputs_of({**spec, "name": "x"})[0][2] is nullable


def test_tensors_are_told_as_columns() -> None:
    assert inputs_of(tensor("float32", -1, 3)) == [(f"c{index}", "Float32", True) for index in range(3)]
    assert inputs_of(tensor("int64", -1)) == [("c0", "Int64", False)]
    assert inputs_of(tensor("uint8", -1, 2, name="x"), tensor("bool", -1, name="flag")) == [
        ("x_0", "Int32", False),
        ("x_1", "Int32", False),
        ("flag", "Bool", False),
    ]


def test_tensors_of_further_sizes_are_told_row_by_row() -> None:
    assert inputs_of(tensor("float32", -1, 2, 2)) == [(f"c{index}", "Float32", True) for index in range(4)]
    assert inputs_of(tensor("int64", -1, 1, 1, 1, name="x")) == [("x_0", "Int64", False)]
    assert [name for name, _ in outputs_of(tensor("float64", -1, 3, 2))][::5] == [
        "prediction_0",
        "prediction_5",
    ]
    assert outputs_of(tensor("float64", -1, 1, 1)) == [("prediction", "Float64")]


def test_outputs_without_a_name_are_predictions() -> None:
    assert outputs_of({"type": "long"}) == [("prediction", "Int64")]
    assert outputs_of({"type": "long"}, {"type": "double"}) == [
        ("prediction_0", "Int64"),
        ("prediction_1", "Float64"),
    ]
    assert outputs_of(tensor("int64", -1)) == [("prediction", "Int64")]
    assert outputs_of(tensor("object", -1)) == [("prediction", "Str")]
    assert outputs_of(tensor("float32", -1, 1)) == [("prediction", "Float32")]
    assert outputs_of(tensor("float64", -1, 2)) == [("prediction_0", "Float64"), ("prediction_1", "Float64")]
    assert outputs_of(tensor("float64", -1, 1, name="dense")) == [("dense_0", "Float64")]
    assert outputs_of({"type": "string", "name": "label"}) == [("label", "Str")]


@pytest.mark.parametrize(
    "document", [{}, {"signature": None}, {"signature": {"inputs": None, "outputs": "[]"}}]
)
def test_a_side_may_be_left_out(document: dict[str, Any]) -> None:
    parsed = parse_signature(document)
    assert (parsed.inputs, parsed.outputs) == (None, None)


@pytest.mark.parametrize(
    ("specs", "reason"),
    [
        ([{"type": "any", "name": "x"}], "the input column 'x' is of type 'any'; only columns"),
        (
            [{"type": "array", "name": "x", "items": {"type": "long"}}],
            "the input column 'x' is of type 'array'",
        ),
        ([{"type": {"a": 1}, "name": "x"}], "the input column 'x' is of type"),
        ([{"name": "x"}], "the input column 'x' is of type None"),
        ([tensor("float32", -1, -1, 28)], r"the input tensor is of shape \(-1, -1, 28\)"),
        (
            [tensor("float32", -1, 3, 224, 224)],
            r"of shape \(-1, 3, 224, 224\); .* at most 100000 cells a row",
        ),
        ([tensor("float32", 3, 4, name="x")], r"the input tensor 'x' is of shape \(3, 4\)"),
        ([tensor("float32", -1, -1)], r"of shape \(-1, -1\)"),
        ([tensor("float32", -1, 10**9)], "of shape"),
        ([tensor("complex64", -1, 2)], "is of type 'complex64', which no column type holds"),
        ([tensor("uint64", -1, 2)], "is of type 'uint64'"),
        ([{"type": "tensor"}], "has no tensor-spec"),
        ([{"type": "tensor", "tensor-spec": {"dtype": "bool"}}], "of shape None"),
        ([{"type": "long", "name": "x"}, {"type": "long", "name": "x"}], "two input columns are named 'x'"),
        (["x"], "the signature's inputs are no list of columns"),
        ({"x": "long"}, "the signature's inputs are no list of columns"),
    ],
)
def test_what_is_no_column_is_told(specs: Any, reason: str) -> None:
    with pytest.raises(SchemaError, match=reason):
        parse_signature(signature(specs))


@pytest.mark.parametrize("document", [{"signature": "x"}, {"signature": {"inputs": "{"}}, {"signature": [1]}])
def test_a_signature_that_is_none_is_told(document: dict[str, Any]) -> None:
    with pytest.raises(SchemaError):
        parse_signature(document)


anything = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(["tensor", "long"])
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "name", "tensor-spec", "shape", "dtype", "required"]), inner, max_size=4
        )
    ),
)


@settings(deadline=None)
@given(anything, anything)
def test_any_signature_is_read_or_refused(inputs: Any, outputs: Any) -> None:
    try:
        parsed = parse_signature(signature(inputs, outputs))
    except SchemaError:
        return
    for side in (parsed.inputs, parsed.outputs):
        assert side is None or len(side.fields) == len(side.labels) > 0

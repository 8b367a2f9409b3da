"""MLflow signatures as columns: every type, every name, and what can't be told as columns."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.readers.signature import COLUMN_TYPES, TENSOR_TYPES, SignatureError, schema_of


def columns(side: str, *specs: Any) -> list[tuple[str, str]]:
    schema = schema_of({"inputs": '[{"type":"long","name":"x"}]', side: json.dumps(specs)})
    assert schema is not None
    return [(c.name, c.type.value) for c in (schema.input if side == "inputs" else schema.output)]


def refused(signature: object) -> str:
    with pytest.raises(SignatureError) as caught:
        schema_of(signature)
    return str(caught.value)


def column(kind: Any, name: Any = None) -> dict[str, Any]:
    return {"type": kind} if name is None else {"type": kind, "name": name}


def tensor(dtype: Any, shape: Any, name: str | None = None) -> dict[str, Any]:
    told = {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}}
    return told if name is None else {**told, "name": name}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("boolean", "Boolean"),
        ("integer", "Int32"),
        ("long", "Int64"),
        ("float", "Float32"),
        ("double", "Float64"),
        ("string", "String"),
        ("datetime", "Time64"),
    ],
)
def test_column_types(kind: str, expected: str) -> None:
    assert columns("inputs", {**column(kind, "a b"), "required": False}) == [("a b", expected)]


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("bool", "Boolean"),
        ("int8", "Int32"),
        ("uint16", "Int32"),
        ("int32", "Int32"),
        ("uint32", "Int64"),
        ("int64", "Int64"),
        ("float16", "Float32"),
        ("float32", "Float32"),
        ("float64", "Float64"),
        ("str", "String"),
        ("object", "String"),
        ("datetime64[ns]", "Time64"),
    ],
)
def test_tensor_types(dtype: str, expected: str) -> None:
    assert columns("inputs", tensor(dtype, [-1, 1], "t")) == [("t_0", expected)]


def test_names_of_inputs() -> None:
    assert columns("inputs", column("long"), column("double")) == [("c0", "Int64"), ("c1", "Float64")]
    assert columns("inputs", column("long", 0), column("long", 1.5)) == [("0", "Int64"), ("1.5", "Int64")]
    assert columns("inputs", tensor("float32", [-1, 3])) == [(f"c{n}", "Float32") for n in range(3)]
    assert columns("inputs", tensor("float32", [-1], "age"), tensor("int64", [-1, 2], "x")) == [
        ("age", "Float32"),
        ("x_0", "Int64"),
        ("x_1", "Int64"),
    ]


def test_names_of_outputs() -> None:
    assert columns("outputs", column("long")) == [("prediction", "Int64")]
    assert columns("outputs", column("long"), column("long")) == [
        ("prediction_0", "Int64"),
        ("prediction_1", "Int64"),
    ]
    assert columns("outputs", column("string", "cultivar")) == [("cultivar", "String")]
    assert columns("outputs", tensor("int64", [-1])) == [("prediction", "Int64")]
    assert columns("outputs", tensor("float64", [-1, 1])) == [("prediction", "Float64")]
    assert columns("outputs", tensor("float64", [-1, 2])) == [
        ("prediction_0", "Float64"),
        ("prediction_1", "Float64"),
    ]
    assert columns("outputs", tensor("float64", [-1, 1], "y")) == [("y_0", "Float64")]


@pytest.mark.parametrize("signature", [None, {}, {"inputs": None}, {"inputs": "[]", "outputs": "[]"}])
def test_no_inputs_are_no_schema(signature: object) -> None:
    assert schema_of(signature) is None


def test_no_outputs_leave_that_side_empty() -> None:
    schema = schema_of({"inputs": '[{"type":"long","name":"x"}]', "outputs": None, "params": "[]"})
    assert schema is not None
    assert schema.output == ()


def test_a_list_counts_as_its_json() -> None:
    schema = schema_of({"inputs": [column("long", "x")]})
    assert schema is not None
    assert schema.input[0].name == "x"


@pytest.mark.parametrize(
    ("specs", "told"),
    [
        ([column("binary", "image")], "input column 'image' is of type 'binary'"),
        ([column("long", "x"), column("binary")], "input column 'c1' is of type 'binary'"),
        ([{"type": "array", "items": {"type": "long"}, "name": "tags"}], "'tags' is of type 'array'"),
        ([{"type": "object", "properties": {}, "name": "o"}], "'o' is of type 'object'"),
        ([column("any", "a")], "'a' is of type 'any'"),
        ([column({"x": "y" * 200}, "a")], "…"),
        ([column(None, "a")], "None"),
        ([column("long", "a"), column("long", "a")], "Two input columns are named 'a'"),
        ([column("long", "")], "name is ''"),
        ([column("long", ["a"])], "name is (a)"),
        ([tensor("float32", [-1, -1, 28], "pixels")], "tensor 'pixels' is of shape (-1, -1, 28)"),
        ([tensor("float32", [-1, 3, 224, 224])], "The input tensor is of shape (-1, 3, 224, 224)"),
        ([tensor("float32", [28])], "(28)"),
        ([tensor("float32", [-1, -1])], "(-1, -1)"),
        ([tensor("float32", [-1, 0])], "(-1, 0)"),
        ([tensor("float32", [-1, True])], "(-1, True)"),
        ([tensor("float32", [])], "shape ()"),
        ([tensor("float32", "(-1,)")], "'(-1,)'"),
        ([tensor("float32", [-1, 10**9])], "(-1, 1000000000)"),
        ([tensor("uint64", [-1, 2])], "'uint64', which no column type holds"),
        ([tensor("complex128", [-1, 2])], "'complex128'"),
        ([tensor(None, [-1, 2])], "None"),
        ([{"type": "tensor"}], "no tensor-spec"),
        ([tensor("int64", [-1, 2], "x"), tensor("int64", [-1], "x_1")], "Two input columns are named 'x_1'"),
        ([1], "no list of columns"),
        ({"a": 1}, "no list of columns"),
    ],
)
def test_what_cannot_be_told_as_columns(specs: Any, told: str) -> None:
    assert told in refused({"inputs": json.dumps(specs)})


def test_text_that_is_no_json_is_told() -> None:
    assert "inputs are not JSON" in refused({"inputs": "[{"})
    assert "inputs are not JSON" in refused({"inputs": "[" * 100_000})
    assert "outputs are not JSON" in refused({"inputs": "[]", "outputs": "nonsense"})
    assert "no mapping" in refused(["x"])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["long", "tensor", "float32", "a", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "name", "tensor-spec", "shape", "dtype"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(json_values, json_values)
def test_any_value_gives_a_schema_or_a_signature_error(inputs: Any, outputs: Any) -> None:
    for signature in (inputs, {"inputs": inputs, "outputs": outputs}):
        with suppress(SignatureError):
            schema = schema_of(signature)
            assert schema is None or schema.input


def test_the_tables_hold_no_type_twice_in_two_ways() -> None:
    assert len(set(COLUMN_TYPES.values())) == 7
    assert set(TENSOR_TYPES.values()) == set(COLUMN_TYPES.values())


names = st.none() | st.text(min_size=1, max_size=4) | st.integers(0, 9)
column_specs = st.builds(column, st.sampled_from([*COLUMN_TYPES, "binary"]), names)
tensor_specs = st.builds(
    tensor,
    st.sampled_from([*TENSOR_TYPES, "uint64"]),
    st.lists(st.integers(-1, 3), max_size=3)
    | st.lists(st.integers(1, 4), max_size=3).map(lambda sizes: [-1, *sizes])
    | st.sampled_from([[-1, 100_000], [-1, 1000, 100], [-1, 1000, 101]]),
    st.none() | st.text(min_size=1, max_size=4),
)
sides = st.none() | (st.lists(column_specs, max_size=4) | st.lists(tensor_specs, max_size=3)).map(json.dumps)


@given(sides, sides)
def test_the_runtime_serves_the_columns_that_the_reader_tells(
    inputs: str | None, outputs: str | None
) -> None:
    served = pytest.importorskip("specr_mlflow.schema", reason="the plug-in is not installed")
    model = {"signature": {"inputs": inputs, "outputs": outputs}}
    spelling = {"Bool": "Boolean", "Str": "String"}
    try:
        told = schema_of(model["signature"])
    except SignatureError as refusal:
        if "is of type 'binary'" in str(refusal):
            return  # a runtime takes them as files, for which plans have no column type
        with pytest.raises(served.SchemaError):
            served.parse_signature(model)
        return
    runtime = served.parse_signature(model)
    if told is None:
        assert runtime.inputs is None
        return
    for mine, theirs in ((told.input, runtime.inputs), (told.output, runtime.outputs)):
        fields = theirs.fields if theirs else ()
        assert [(c.name, c.type.value) for c in mine] == [
            (f.name, spelling.get(f.type.value, f.type.value)) for f in fields
        ]

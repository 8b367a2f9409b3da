from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from specr.address import Address
from specr.resources.base import METADATA_FIELDS, shapes_of
from specr.resources.catalog import KINDS
from specr.spec.decode import Decoded, claimed_address, decode_document
from specr.spec.document import Document
from specr.spec.reference import example_of
from specr.spec.schema import document_schema
from specr.spec.values import read_value
from tests.unit.spec.documents import FULL, document_values
from tests.unit.spec.projects import document, loaded, marked, only

VALIDATOR = Draft202012Validator(document_schema())
VARIABLES = {"x": "x"}


def decode(value: Any) -> Decoded:
    return decode_document(Document("f.yaml", 0, 0, "${", value), VARIABLES)


def as_json(value: Any) -> Any:
    """The value as an editor's checker sees it: all keys are texts."""
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))


@pytest.mark.parametrize("kind", KINDS)
def test_every_argument_of_every_kind_is_read(kind: str) -> None:
    value = {"apiVersion": "specr/v1", "kind": kind, "metadata": {"name": "n"}, "spec": FULL[kind]}
    resource = decode(value).resource
    assert resource is not None
    assert resource.address == Address(kind.lower(), "n")
    known = {shape.key for shape in shapes_of(KINDS[kind])} - METADATA_FIELDS
    assert set(FULL[kind]) <= known
    assert known - set(FULL[kind]) <= {"dependsOn", "alias", "image", "command", "resources"}
    again = decode({**value, "spec": resource.arguments()}).resource
    assert again == resource


@given(document_values())
def test_any_document_gives_a_resource_or_findings_in_our_own_words(value: Any) -> None:
    decoded = decode(value)
    assert (decoded.resource is None) == bool(decoded.findings)
    for finding in decoded.findings:
        diagnostic = finding.diagnostic
        assert diagnostic.summary != "Value does not fit", diagnostic
        for text in (diagnostic.summary, diagnostic.detail):
            assert text
            assert "\n" not in text
            assert "pydantic" not in text.lower()
            assert "Input should" not in text


@given(document_values())
def test_each_place_has_one_finding_of_a_kind(value: Any) -> None:
    found = [finding.diagnostic for finding in decode(value).findings]
    places = [(diagnostic.path, diagnostic.summary, diagnostic.at_key) for diagnostic in found]
    assert len(places) == len(set(places))


@given(document_values())
def test_what_decodes_is_valid_by_the_schema_for_editors(value: Any) -> None:
    if decode(value).resource is not None:
        errors = list(VALIDATOR.iter_errors(as_json(value)))
        assert errors == []


@given(document_values(), st.data())
def test_what_is_wrong_in_shape_is_invalid_by_the_schema_too(value: Any, data: st.DataObject) -> None:
    del data
    by_shape = {
        "Unknown argument",
        "Missing argument",
        "Unknown kind",
        "Unknown apiVersion",
        "Document has no kind",
    }
    if any(f.diagnostic.summary in by_shape for f in decode(value).findings):
        assert not VALIDATOR.is_valid(as_json(value))


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(document_schema())


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_each_kind_holds(kind: str) -> None:
    value = read_value(example_of(kind))
    assert value["kind"] == kind
    assert decode(value).findings == ()
    assert list(VALIDATOR.iter_errors(as_json(value))) == []


def test_metadata_and_spec_do_not_mix() -> None:
    decoded = decode(
        {"apiVersion": "specr/v1", "kind": "ModelType", "metadata": {"name": "t"}, "spec": {"name": "other"}}
    )
    assert [f.diagnostic.path for f in decoded.findings] == [("spec", "name")]


@pytest.mark.parametrize("spec", ["", "spec:\n", "spec: {}\n", "spec: null\n"])
def test_a_spec_that_needs_nothing_may_be_left_out(spec: str) -> None:
    loaded("apiVersion: specr/v1\nkind: ModelType\nmetadata: {name: t}\n" + spec)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"kind": "Model", "metadata": {"name": "a"}}, "model/a"),
        ({"kind": "modelType", "metadata": {"name": "a"}}, "modeltype/a"),
        ({"kind": "Nope", "metadata": {"name": "a"}}, None),
        ({"kind": "Model", "metadata": {"name": "A"}}, None),
        ({"kind": ["Model"], "metadata": []}, None),
        ([], None),
    ],
)
def test_a_document_claims_its_address_as_far_as_it_can_be_told(value: Any, expected: str | None) -> None:
    address = claimed_address(value)
    assert (address and str(address)) == expected


@pytest.mark.parametrize("number", ["9" * 900, "9" * 5000, "-" + "9" * 5000, "0" * 5000 + str(2**63)])
def test_a_version_of_thousands_of_digits_is_told_in_few_words(number: str) -> None:
    found = only(document("Model", "m", f"\n  versions:\n    ? '{number}'\n    : a\n    1: b\n"))
    assert found.summary in ("Value out of range", "Value of the wrong type")
    assert len(found.detail) < 200


def test_zeros_before_a_version_do_not_count() -> None:
    zeros = "0" * 5000
    loaded(
        document("Experiment", "a") + document("Model", "m", f"\n  versions:\n    ? '{zeros}7'\n    : a\n")
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (document("Runtime", "r", "{modelType: t, imgae: x}"), "imgae"),
        (document("Runtime", "r", "{modelType: 3}"), "3"),
        (document("Runtime", "r", "{modelType: t, command: [a, 1]}"), "1"),
        (document("Runtime", "r", "{modelType: t, resources: {limits: {cpu: [1, 2]}}}"), "[1, 2]"),
        (document("Runtime", "r", "{modelType: t, env: {a-b: x}}"), "a-b"),
        (document("Runtime", "r", "{modelType: t, readiness: {}, env: {A: {valueFrom: {envv: x}}}}"), "envv"),
        (document("Runtime", "r", "{image: x}"), "spec"),
        (document("Runtime", "r", "{modelType: }"), "modelType"),
        (document("Model", "m", "{versions: {'1.0': a}}"), "'1.0'"),
        (document("Model", "m", "{versions: {'1_0': a}}"), "'1_0'"),
        (
            "apiVersion: specr/v1\nkind: Runtime\nmetadata:\n  name: r\nspec:\n  modelType:\n    a: b\n",
            "modelType",
        ),
        ("apiVersion: specr/v1\nkind: ModelType\nmetadata:\n  name: >-\n    A\n    b\n", "name"),
        ("apiVersion: specr/v1\nkind: ModelType\nmetadata: {name: &n t, labels: {a: 1, b: *n}}\n", "1"),
    ],
)
def test_findings_mark_what_is_to_blame(text: str, expected: str) -> None:
    assert marked(only(text)) == expected

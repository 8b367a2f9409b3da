from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.address import Address
from specr.resources.experiment import Experiment
from specr.spec.problem import Problem
from specr.spec.variables import Value, declared_variables, interpolate, override_variables
from tests.unit.spec.projects import document, loaded

VALUES: dict[str, Value] = {"text": "eu", "number": 3, "share": 0.5, "flag": True, "a-b": "dash"}


def replaced(value: Any) -> Any:
    problems: list[Problem] = []
    result = interpolate(value, VALUES, (), problems)
    assert problems == []
    return result


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${var.text}", "eu"),
        ("${var.number}", 3),
        ("${var.share}", 0.5),
        ("${var.flag}", True),
        ("${var.a-b}", "dash"),
        ("in ${var.text}: ${var.number}, ${var.share}, ${var.flag}", "in eu: 3, 0.5, true"),
        ("${var.text}${var.text}", "eueu"),
        ("$${var.text}", "${var.text}"),
        ("$$${var.text}", "$${var.text}"),
        ("${HOME} $HOME ${x.y} ${variable}", "${HOME} $HOME ${x.y} ${variable}"),
        ("$", "$"),
        ("", ""),
        (["${var.number}", {"${var.text}": "${var.text}"}], [3, {"${var.text}": "eu"}]),
        (7, 7),
        (None, None),
    ],
)
def test_references_are_replaced(value: Any, expected: Any) -> None:
    result = replaced(value)
    assert result == expected
    assert type(result) is type(expected)


@given(st.text(alphabet="${}var. x"))
def test_any_text_is_replaced_or_found_wrong(text: str) -> None:
    problems: list[Problem] = []
    result = interpolate(text, VALUES, ("spec",), problems)
    assert isinstance(result, str)
    if "${" not in text:
        assert (result, problems) == (text, [])


@given(st.text())
def test_escaped_text_means_itself(text: str) -> None:
    assert replaced(text.replace("${", "$${")) == text


@pytest.mark.parametrize(
    "text", ["${var.x", "${ var.text }", "${vars.text}", "${var}", "${var.}", "${var.a b}", "a ${var.1}"]
)
def test_malformed_references_are_told(text: str) -> None:
    problems: list[Problem] = []
    interpolate({"k": [text]}, VALUES, ("spec",), problems)
    assert [(p.path, p.summary) for p in problems] == [
        (("spec", "k", 0), "Malformed reference to a variable")
    ]


def test_without_values_nothing_is_replaced_or_judged() -> None:
    problems: list[Problem] = []
    assert interpolate("${var.nope} ${var", None, (), problems) == "${var.nope} ${var"
    assert problems == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("text", "us", "us"),
        ("text", "3", "3"),
        ("number", "-4", -4),
        ("share", "1", 1.0),
        ("share", "1e-3", 0.001),
        ("flag", "false", False),
    ],
)
def test_values_from_outside_take_the_type_of_the_default(name: str, text: str, expected: Value) -> None:
    values, found = override_variables(VALUES, {name: text})
    assert found == []
    assert values == {**VALUES, name: expected}
    assert type(values[name]) is type(expected)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("number", "3.5"),
        ("number", ""),
        ("number", "9" * 30),
        ("number", "18446744073709551616"),
        ("number", "٣"),
        ("share", "inf"),
        ("share", "x"),
        ("flag", "True"),
        ("flag", "1"),
    ],
)
def test_values_of_another_type_are_refused(name: str, text: str) -> None:
    values, found = override_variables(VALUES, {name: text})
    assert values == VALUES
    assert [d.summary for d in found] == ["Value of the wrong type for a variable"]


def test_only_fitting_declarations_count() -> None:
    assert declared_variables({"variables": {"a": 1, "b c": 2, "d": [1], "e": None, 3: "x"}}) == {"a": 1}
    assert declared_variables({"variables": []}) == {}
    assert declared_variables(None) == {}


def test_names_and_labels_and_values_of_variables_are_left_alone() -> None:
    project = document("Project", "p", "{variables: {a: '${A}', b: '$${x}'}}")
    text = project + (
        "---\napiVersion: specr/v1\nkind: Experiment\nmetadata: {name: e, labels: {l: '${var.a}'}}\n"
        "spec: {parameters: {p: '${var.a}', q: '${var.b}'}}\n"
    )
    specs = loaded(text)
    experiment = specs.resources[Address("experiment", "e")]
    assert isinstance(experiment, Experiment)
    assert experiment.labels == {"l": "${var.a}"}
    assert experiment.parameters == {"p": "${A}", "q": "$${x}"}


def test_specs_tell_the_values_they_were_read_with() -> None:
    project = document("Project", "p", "{variables: {a: 1, b: x}}")
    assert loaded(project, variables={"a": "2"}).variables == {"a": 2, "b": "x"}

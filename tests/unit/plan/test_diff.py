from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from specr.address import parse_address
from specr.canonical import encode_json
from specr.plan.diff import diff_arguments
from specr.plan.model import Difference
from specr.plan.unknown import fill_placeholders, find_placeholders, placeholder

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([1.0, 0.5]) | st.text(max_size=3)
KEYS = st.sampled_from(["a", "b", "__c", "d e", "0", "x.y", "['q']"])
JSON = st.recursive(
    SCALARS, lambda s: st.lists(s, max_size=3) | st.dictionaries(KEYS, s, max_size=3), max_leaves=8
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=4)
BUILD = parse_address("build/a.b")


@given(OBJECTS, OBJECTS)
@example({"a": 1}, {"a": True})
@example({"a": 1}, {"a": 1.0})
@example({"__c": 1}, {"__c": 2})
def test_a_diff_is_empty_exactly_if_the_canonical_json_is_the_same(
    a: dict[str, Any], b: dict[str, Any]
) -> None:
    assert (diff_arguments(a, b) == ()) == (encode_json(a) == encode_json(b))


@given(OBJECTS, OBJECTS)
def test_each_difference_names_what_stands_at_its_path(a: dict[str, Any], b: dict[str, Any]) -> None:
    for difference in diff_arguments(a, b):
        for root, value in ((a, difference.prior), (b, difference.planned)):
            found = value_at(root, difference.path)
            assert encode_json(found) == encode_json(value)


def value_at(root: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        try:
            root = root[part]
        except (KeyError, IndexError, TypeError):
            return None
    return root


def test_leaves_are_told_one_by_one() -> None:
    prior = {"env": {"A": "1", "B": "2"}, "command": ["x"]}
    planned = {"env": {"A": "1", "B": "3", "C": "4"}, "command": ["x", "y"]}
    assert diff_arguments(prior, planned) == (
        Difference(("command", 1), None, "y"),
        Difference(("env", "B"), "2", "3"),
        Difference(("env", "C"), None, "4"),
    )


def test_a_value_known_after_apply_is_told_as_one() -> None:
    planned = {"digest": placeholder(BUILD, "digest"), "same": 1}
    assert diff_arguments({"digest": "sha256:1", "same": 1}, planned) == (
        Difference(("digest",), "sha256:1", None, unknown=True),
    )
    (found,) = diff_arguments({"digest": {"was": "a mapping"}, "same": 1}, planned)
    assert (found.path, found.unknown) == (("digest",), True)


@given(OBJECTS)
def test_filling_leaves_no_placeholder_and_nothing_else_changed(value: dict[str, Any]) -> None:
    holed = {"hole": placeholder(BUILD, "digest"), "list": [placeholder(BUILD, "size")], "rest": value}
    assert set(find_placeholders(holed)) == {("hole",), ("list", 0)}
    filled = fill_placeholders(holed, lambda address, name: f"{address}.{name}")
    assert filled == {"hole": "build/a.b.digest", "list": ["build/a.b.size"], "rest": value}


def test_positions_in_lists_are_not_matched_by_equality() -> None:
    """`1 == True` to Python, so that the first of two would be told as gone."""
    told = diff_arguments({"b": [None, 1]}, {"b": [True]})
    assert [(d.path, d.prior, d.planned) for d in told] == [(("b", 0), None, True), (("b", 1), 1, None)]

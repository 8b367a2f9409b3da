from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.address import Address, is_name, parse_address

names = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
addresses = st.builds(
    Address,
    kind=st.from_regex(r"[a-z]+", fullmatch=True),
    name=st.one_of(names, st.tuples(names, names).map(".".join)),
    module=st.one_of(st.just(""), st.lists(names, min_size=1, max_size=3).map(".".join)),
    key=st.from_regex(r"[A-Za-z0-9_.-]*", fullmatch=True),
)


@given(addresses)
def test_parse_and_str_are_inverse(address: Address) -> None:
    assert parse_address(str(address)) == address


@given(st.text(max_size=30))
def test_what_parses_is_written_back_the_same(text: str) -> None:
    try:
        address = parse_address(text)
    except ValueError:
        return
    assert str(address) == text


def test_all_parts_are_read() -> None:
    assert parse_address("risk.deployment/api[eu]") == Address("deployment", "api", "risk", "eu")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "deployment",
        "Deployment/a",
        "deployment/",
        "deployment/A",
        "deployment/-a",
        "a/b/c",
        "a/b\n",
        "a/b[]",
        " a/b",
    ],
)
def test_other_texts_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an address; one looks like deployment/fraud"):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("a", True), ("a-1", True), ("a" * 63, True), ("a" * 64, False)]
)
def test_names_are_dns_labels(text: str, expected: bool) -> None:
    assert is_name(text) is expected


@pytest.mark.parametrize("text", ["", "A", "a-", "-a", "a.b", "a_b", "a\n", "é"])
def test_other_names_are_refused(text: str) -> None:
    assert not is_name(text)


@given(st.one_of(names, st.text("aZ09-ß\n²", max_size=4), st.integers(60, 66).map("a".__mul__)))
def test_names_are_what_the_pattern_says(text: str) -> None:
    assert is_name(text) == bool(re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", text))


@pytest.mark.parametrize("text", ["ß/a", "²/a", "a/²", "a/ß", "1/a", "K/a", "a/", "/a", "a/a/a", "ª/a"])
def test_only_plain_letters_make_a_kind_or_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        parse_address(text)

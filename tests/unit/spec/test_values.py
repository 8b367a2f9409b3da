from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import ryaml
from hypothesis import example, given
from hypothesis import strategies as st

from specr.spec.fault import Fault
from specr.spec.split import decode_text, split_documents
from specr.spec.values import is_plain, read_exactly, read_value

PIECES = [
    *(
        "a",
        "b",
        "key",
        "foo bar",
        "é",
        "日本",
        "- ",
        "-",
        "-1",
        ": ",
        ":",
        ":\n",
        "\n",
        "\n  ",
        "\n    ",
        "\n ",
        "\n\n",
    ),
    *(
        " ",
        "  ",
        "\t",
        "'",
        "''",
        '"',
        '""',
        "\\",
        "\\n",
        "\\x41",
        "\\\n",
        "[",
        "]",
        "{",
        "}",
        ",",
        "? ",
        "?",
        "!",
    ),
    *(
        "& ",
        "&a",
        "*a",
        " * ",
        "|",
        "|-",
        "|+",
        "|2",
        ">",
        ">-",
        ">2+",
        "# c",
        "#",
        " #c",
        "%",
        "@",
        "`",
        "=",
        "<<",
    ),
    *(
        "1",
        "0",
        "007",
        "0x1F",
        "0o17",
        "0b1",
        "1.5",
        "1e3",
        ".5",
        "1.",
        "+1",
        "-0",
        ".inf",
        "nan",
        "null",
        "~",
        "true",
    ),
    *(
        "no",
        "yes",
        "True",
        "2021-01-01",
        "1:30",
        "1_000",
        "9" * 40,
        "---",
        "\n---\n",
        "...",
        "\n...\n",
        "x: y",
    ),
    *(
        "spec:",
        "versions:",
        "1: a",
        "true: b",
        "1.0: c",
        "null: d",
        "a:b",
        "a,b",
        "a]b",
        "a#b",
        "a #b",
        "a'b",
        'a"b',
    ),
    *(
        "http://x",
        "-a",
        "?a",
        ":a",
        "...a",
        "---a",
        "a\n  b",
        "key: |\n  text\n",
        "key: >\n  folded\n  text\n\n",
    ),
    *("k: 'q\n  r'\n", "- a\n- b\n", "- - a\n", "- k: v\n  l: w\n", "{a: b}", "[a, b]", "{a, b}", "[a: b]"),
    *("{'a':b}", '{"a":1,"b":[1,2]}', "{a:1}", "[a,]", "[,]"),
]

texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
arguments = texts.map(lambda text: f"kind: X\nspec:\n  k: {text}\n  z: 1\n")


def outcome(read: Callable[[str], Any], text: str) -> Any:
    """The value with its types, or that there is none."""
    try:
        return repr(read(text))
    except Fault:
        return Fault


@given(st.one_of(texts, arguments))
@example("k: |# c\n")
@example("k: |\n \n")
@example("spec:\n  versions:\n    1: a\n    true: b\n")
@example("a: 017\nb: -0x1F\nc: 0b11\nd: +0o7\ne: 1e400\n")
@example("a: !x {b: c}\n")
@example("a: &x 1\nb: *x\n")
@example("<<: {a: 1}\n")
@example('a: "\\0"\n')
@example(f"a: {'9' * 40}\nb: {'9' * 400}\n")
def test_the_fast_reader_and_the_exact_one_give_the_same_values(text: str) -> None:
    try:
        chunks = list(split_documents(decode_text(text.encode())))
    except Fault:
        return
    for chunk in chunks:
        assert outcome(read_value, chunk.text) == outcome(read_exactly, chunk.text)
        assert is_plain(chunk.text) or not is_plain(decode_text(text.encode()))


characters = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])).filter(
    lambda text: text != "<<"
)
json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | characters,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(characters, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(characters, json, max_size=4))
def test_what_is_dumped_is_read_back_as_it_was(value: dict[str, Any]) -> None:
    try:
        text = decode_text(ryaml.dumps(value).encode())  # type: ignore[attr-defined]
    except Fault:  # characters that only escapes can carry
        return
    assert read_value(text) == value
    assert repr(read_value(text)) == repr(read_exactly(text))


@pytest.mark.parametrize("read", [read_value, read_exactly])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("True", True),
        ("tRue", "tRue"),
        ("~", None),
        ("", None),
        ("NULL", None),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0x1F", "-0x1F"),
        ("017", 17),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("12:30:00", "12:30:00"),
        ("2021-01-01", "2021-01-01"),
        ("2021-01-01T00:00:00Z", "2021-01-01T00:00:00Z"),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e400", "1e400"),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("=", "="),
        ("'1'", "1"),
        ('"\\u00e9\\U0001F600"', "é😀"),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(read: Callable[[str], Any], text: str, expected: Any) -> None:
    value = read(f"a: {text}\n")["a"]
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("a: 1\na: 2", "Duplicate key"),
        ("a: {b: 1, 'b': 2}", "Duplicate key"),
        ("a: !x 1", "Tags are not supported"),
        ("a: !!str 1", "Tags are not supported"),
        ("a: ! 1", "Tags are not supported"),
        ("<<: {a: 1}", "Merge keys are not supported"),
        ("a: *b", "Alias to an unknown anchor"),
        ("a: &b [*b]", "Alias inside its own anchor"),
        ("true: 1", "Key is not text"),
        ("1.5: 1", "Key is not text"),
        ("1: 1", "Key is not text"),
        ("~: 1", "Key is not text"),
        ("? [a]\n: 1", "Key is not text"),
        ("spec: {metadata: {1: a}}", "Key is not text"),
        ("spec: {versions: &v {1: a}, other: *v}", "Key is not text"),
        ("a: .inf", "Number is not finite"),
        ("a: -.INF", "Number is not finite"),
        ("a: .nan", "Number is not finite"),
        ("a: 18446744073709551616", "Integer over 64 bits"),
        ("a: -9223372036854775809", "Integer over 64 bits"),
        ("a: " + "9" * 5000, "Integer over 64 bits"),
        ("a: 0x" + "f" * 5000, "Integer over 64 bits"),
        ('a: "\\0"', "Character that text can't hold"),
        ('a: "\\ud800"', "Character that text can't hold"),
        ('a: "\\U00110000"', "Invalid YAML"),
        ("a: [1", "Invalid YAML"),
        ("%TAG ! x\na: 1", "Invalid YAML"),
    ],
)
def test_what_specs_leave_out_of_yaml_is_refused(text: str, summary: str) -> None:
    with pytest.raises(Fault) as caught:
        read_value(text)
    assert caught.value.summary == summary


def test_versions_may_have_integers_for_keys() -> None:
    assert read_value("spec: {versions: {1: a, '2': b}}") == {"spec": {"versions": {1: "a", "2": "b"}}}


def test_aliases_stand_for_what_their_anchors_name() -> None:
    assert read_value("a: &x {b: [1]}\nc: *x\n&k d: *k\n") == {"a": {"b": [1]}, "c": {"b": [1]}, "d": "d"}


@pytest.mark.parametrize("levels", [65, 100_000])
@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[{a: "])
def test_deep_nesting_is_refused_before_it_costs_anything(opening: str, levels: int) -> None:
    with pytest.raises(Fault) as caught:
        read_value("- " + opening * levels)
    assert caught.value.summary in ("Nested too deeply", "Key is not text")


def test_nesting_is_allowed_up_to_its_limit() -> None:
    text = "a: " + "[" * 63 + "]" * 63
    assert read_value(text) == read_exactly(text)
    with pytest.raises(Fault, match="Nested too deeply"):
        read_value("a: " + "[" * 64 + "]" * 64)


def test_nesting_by_aliases_counts() -> None:
    lines = ["a0: &a0 []"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 70)]
    with pytest.raises(Fault, match="Nested too deeply"):
        read_value("\n".join(lines))


def test_aliases_can_not_blow_up_a_document() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(Fault, match="Too many aliased values"):
        read_value("\n".join(lines))


def test_a_long_document_is_read_exactly_only_up_to_a_limit() -> None:
    with pytest.raises(Fault, match="Document is too long"):
        read_value("a: !x " + "x" * (4 * 2**20))
    assert len(read_value("a: " + "x" * (4 * 2**20))["a"]) == 4 * 2**20


@given(st.one_of(texts, st.text(max_size=60)))
def test_any_text_gives_a_value_or_a_fault_with_a_place_in_it(text: str) -> None:
    try:
        read_value(decode_text(text.encode()))
        return
    except Fault as fault:
        place = fault.place
    assert 0 <= place[0] <= text.count("\n") + text.count("\r") + 1

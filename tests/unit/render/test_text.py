from __future__ import annotations

from typing import Any

import pytest

from specr.address import Address
from specr.plan.unknown import placeholder
from specr.render.text import encodable, key_text, neutral, pair_text, path_text, shortened, value_text

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (1.0, "1.0"),
        ("text", '"text"'),
        ('say "hi" \\ ', '"say \\"hi\\" \\\\ "'),
        ("two\nlines\t", '"two\\nlines\\t"'),
        ("\x1b[31mred", '"\\u001b[31mred"'),
        ("\u202eabc", '"\\u202eabc"'),
        ("naïve 模型", '"naïve 模型"'),
        (DIGEST, "sha256:0123456789ab"),
        (DIGEST[:-1], f'"{DIGEST[:-1]}"'),
        ([], "[]"),
        ({}, "{}"),
        ([1, "a"], '[1, "a"]'),
        ({"b": 1, "a": [2]}, "{a: [2], b: 1}"),
        ({"odd key": 1}, '{"odd key": 1}'),
        ({"valueFrom": {"env": "TOKEN"}}, '(secret from env "TOKEN")'),
        ({"name": "amount", "type": "Float64"}, "amount: Float64"),
        ({"name": "amount", "type": 1}, '{name: "amount", type: 1}'),
        (placeholder(Address("build", "a.b"), "digest"), "(known after apply)"),
    ],
)
def test_values_are_shown_on_one_line(value: Any, shown: str) -> None:
    assert value_text(value, 200) == shown


def test_long_values_keep_their_brackets() -> None:
    assert value_text("x" * 50, 10) == '"xxxxxxx…"'
    assert value_text(list(range(50)), 12) == "[0, 1, 2, …]"
    assert value_text({"a": "b" * 50}, 12) == '{a: "bbbbb…}'


def test_two_long_values_are_cut_where_they_differ() -> None:
    prefix = "http://models.example/" + "a" * 100
    text = pair_text(f"{prefix}/one", f"{prefix}/two", 80)
    assert text.startswith("…")
    assert 'one" -> ' in text
    assert text.endswith('two"')
    assert len(text) <= 80


def test_values_that_would_look_the_same_are_shown_in_full() -> None:
    other = DIGEST[:-1] + "0"
    assert pair_text(DIGEST, other, 200) == f'"{DIGEST}" -> "{other}"'


def test_keys_and_paths() -> None:
    assert key_text(3) == "[3]"
    assert key_text("a b") == '"a b"'
    assert path_text(("runtime", "env", "LEVEL")) == "runtime.env.LEVEL"
    assert path_text(["versions", 2, "x"]) == "versions[2].x"
    assert path_text(()) == ""


def test_neutral_leaves_visible_text_alone() -> None:
    assert neutral("naïve 模型 …") == "naïve 模型 …"
    assert neutral("\x00\x7f\x9b\u2028\U000e0001") == "\\u0000\\u007f\\u009b\\u2028\\U000e0001"


def test_shortened() -> None:
    assert shortened("abc", 3) == "abc"
    assert shortened("abcd", 3) == "ab…"
    assert shortened("abcd", 0) == "…"


def test_names_that_are_no_unicode_can_be_written_all_the_same() -> None:
    assert encodable("a\udcff") == "a\\udcff"
    assert neutral("a\udcff") == "a\\udcff"

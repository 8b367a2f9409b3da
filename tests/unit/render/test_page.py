from __future__ import annotations

import pytest

from specr.render.page import LEAST_LIMIT, Page, cell, code, details, fenced


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("plain", "`plain`"),
        ("a `b` c", "``a `b` c``"),
        ("`", "`` ` ``"),
        ("``` x", "```` ``` x ````"),
        ("", "` `"),
        ("two\nlines", "`two\\nlines`"),
    ],
)
def test_a_code_span_holds_any_text(text: str, span: str) -> None:
    assert code(text) == span


def test_a_bar_would_end_a_cell() -> None:
    assert cell("a | b") == "`a ¦ b`"


def test_a_fence_is_longer_than_any_inside() -> None:
    assert fenced(["```", "````x"]) == "`````diff\n```\n````x\n`````"
    assert fenced(["one\ntwo"]) == "```diff\none\\ntwo\n```"


def test_a_summary_holds_no_html() -> None:
    assert "<code>&lt;b&gt;&amp;</code>" in details("<b>&", ["line"])


def test_what_finds_no_room_is_counted() -> None:
    page = Page(LEAST_LIMIT)
    page.add_all("item", ["x" * 1000] * 5)
    page.miss("other thing", 2)
    text = page.text("specr plan")
    assert len(text) <= LEAST_LIMIT
    assert text.endswith(
        "\n_2 more items and 2 more other things not shown here: run `specr plan` to see everything._\n"
    )


def test_a_share_leaves_room_for_what_follows() -> None:
    page = Page(LEAST_LIMIT)
    page.add_all("item", ["x" * 100] * 100, share=0.5)
    assert page.add("y" * 1800)
    assert not page.add("y" * 1800)

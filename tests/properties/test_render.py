from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from specr.address import Address
from specr.canonical import decode_json
from specr.plan.codec import encode_plan, plan_to_text
from specr.plan.model import Plan
from specr.render.markdown import render_markdown
from specr.render.page import LEAST_LIMIT
from specr.render.terminal import render_plan
from tests.properties.plans import plans

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
OWN_HTML = re.compile(
    r"(<!-- specr plan -->|<details>\n<summary><code>[^<>]*</code></summary>|</details>)\n*",
)
OWN_TEXT = re.compile(r"[A-Za-z0-9 .,:()'-]*")


def tokens_of(text: str) -> list[Token]:
    found = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        found += [token, *(token.children or [])]
    return found


def crowd(plan: Plan, times: int) -> Plan:
    """The same plan with many more changes."""
    copies = tuple(
        replace(change, address=Address(change.address.kind, f"{change.address.name[:8]}-{n}"))
        for n in range(times)
        for change in plan.changes
    )
    return replace(plan, changes=copies)


@given(plans, st.integers(20, 200))
def test_a_terminal_gets_visible_text_only(plan: Plan, width: int) -> None:
    text = render_plan(encode_plan(plan), width=width)
    assert all(character.isprintable() for character in text.replace("\n", ""))
    assert text.endswith("\n")


@given(plans)
def test_colour_changes_no_text(plan: Plan) -> None:
    data = encode_plan(plan)
    assert COLOUR.sub("", render_plan(data, colour=True)) == render_plan(data)


@given(plans)
def test_a_saved_plan_looks_like_a_fresh_one(plan: Plan) -> None:
    saved = decode_json(plan_to_text(plan))
    assert render_plan(saved) == render_plan(encode_plan(plan))
    assert render_markdown(saved) == render_markdown(encode_plan(plan))


@given(plans)
def test_every_change_is_told(plan: Plan) -> None:
    text = render_plan(encode_plan(plan))
    markdown = render_markdown(encode_plan(plan), limit=1_000_000)
    for change in plan.steps:
        assert f"{change.action.symbol} {change.address}" in text
        assert f"| `{change.action.symbol}` | `{change.address}` |" in markdown


@given(plans, st.integers(0, 60), st.integers(LEAST_LIMIT, 20_000))
def test_a_comment_keeps_its_limit_and_says_what_it_leaves_out(plan: Plan, times: int, limit: int) -> None:
    plan = crowd(plan, times)
    text = render_markdown(encode_plan(plan), limit=limit)
    assert len(text) <= limit
    rows = text.count("\n| `")
    omitted = re.search(r"(\d+) more changes?(?:,| and| not shown)", text)
    assert rows + (int(omitted[1]) if omitted else 0) == len(plan.steps)


@given(plans, st.integers(0, 30), st.integers(LEAST_LIMIT, 60_000))
def test_a_comment_holds_no_markup_but_its_own(plan: Plan, times: int, limit: int) -> None:
    text = render_markdown(encode_plan(crowd(plan, times)), limit=limit)
    tokens = tokens_of(text)
    kinds = {token.type for token in tokens}
    assert not kinds & {"html_inline", "link_open", "image", "hr", "code_block", "s_open"}
    assert sum(token.type == "heading_open" for token in tokens) == 1
    for token in tokens:
        if token.type == "html_block":
            assert OWN_HTML.fullmatch(token.content)
        if token.type == "text":
            assert OWN_TEXT.fullmatch(token.content)
        if token.type == "fence":
            assert token.info == "diff"
    details = text.count("\n<details>\n")
    assert text.count("\n</details>\n") == details
    assert sum(token.type == "html_block" for token in tokens) == 1 + 2 * details

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec.structs import replace

from specr.address import Address
from specr.apply.events import (
    Event,
    Outcome,
    OutcomeKind,
    RunFinished,
    RunStarted,
    StepFinished,
    StepProgress,
    StepStarted,
)
from specr.canonical import decode_json
from specr.diagnostics import Diagnostic
from specr.plan.codec import encode_difference, encode_plan, plan_to_text
from specr.plan.model import Change, Plan
from specr.render.diff import render_diff, render_diff_markdown
from specr.render.events import check_stream, decode_event, event_line
from specr.render.markdown import render_markdown
from specr.render.page import LEAST_LIMIT
from specr.render.steps import plain_progress
from specr.render.terminal import render_plan
from tests.properties.plans import addresses, changes, objects, paths, plans, texts

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
OWN_HTML = re.compile(
    r"(<!-- specr (?:plan|diff) -->|<details>\n<summary><code>[^<>]*</code></summary>|</details>)\n*",
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


def assert_no_markup_but_its_own(text: str) -> None:
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


@given(plans, st.integers(0, 30), st.integers(LEAST_LIMIT, 60_000))
def test_a_comment_holds_no_markup_but_its_own(plan: Plan, times: int, limit: int) -> None:
    assert_no_markup_but_its_own(render_markdown(encode_plan(crowd(plan, times)), limit=limit))


@st.composite
def comparisons(draw: st.DrawFn) -> dict[str, Any]:
    """What two versions of specs could differ in, with the nastiest of names for files."""
    changed = [
        {
            "address": str(change.address),
            "change": draw(st.sampled_from(["added", "removed", "changed"])),
            "file": draw(texts),
            "pack": draw(st.just("") | texts),
            "prior": change.prior or {},
            "planned": change.planned or {},
            "differences": [encode_difference(d) for d in change.differences],
        }
        for change in draw(st.lists(changes, max_size=8))
    ]
    affected = [
        {
            "address": str(change.address),
            "because": [item["address"] for item in changed],
            "rollOut": draw(st.sampled_from(["yes", "no", "maybe"])),
            "differences": [encode_difference(d) for d in change.differences],
        }
        for change in draw(st.lists(changes, max_size=4))
    ]
    counts = {kind: sum(c["change"] == kind for c in changed) for kind in ("added", "removed", "changed")}
    summary = {**counts, "affected": len(affected)}
    return {
        "changes": changed,
        "affected": affected,
        "problems": [{}] * draw(st.integers(0, 2)),
        "summary": summary,
    }


@given(comparisons(), st.integers(LEAST_LIMIT, 60_000))
def test_a_comparison_keeps_the_same_promises(data: dict[str, Any], limit: int) -> None:
    comment = render_diff_markdown(data, limit=limit)
    assert len(comment) <= limit
    assert_no_markup_but_its_own(comment)
    text = render_diff(data)
    assert all(character.isprintable() for character in text.replace("\n", ""))
    assert COLOUR.sub("", render_diff(data, colour=True)) == text


@st.composite
def runs(draw: st.DrawFn) -> list[Event]:
    """The events of a run as an engine could tell them: any order, any outcome, skipped ones never begun."""
    chosen = draw(st.lists(changes, max_size=6, unique_by=lambda change: change.address))
    events: list[Event] = [RunStarted("apply", "sha256:1", len(chosen))]
    counts = dict.fromkeys((kind.value for kind in OutcomeKind), 0)
    waiting, running = list(chosen), list[Change]()
    while waiting or running:
        if waiting and (not running or draw(st.booleans())):
            change = waiting.pop()
            if draw(st.booleans()):
                outcome = Outcome(
                    change.address, change.action, OutcomeKind.SKIPPED, because=draw(st.none() | addresses)
                )
                counts["skipped"] += 1
                events.append(StepFinished(outcome))
                continue
            running.append(change)
            events.append(StepStarted(change.address, change.action, change.effect))
            continue
        change = draw(st.sampled_from(running))
        if draw(st.booleans()):
            events.append(StepProgress(change.address, draw(texts), draw(texts)))
            continue
        running.remove(change)
        kind = draw(st.sampled_from([kind for kind in OutcomeKind if kind is not OutcomeKind.SKIPPED]))
        problem = Diagnostic(draw(texts), draw(texts), notes=(draw(texts),), path=draw(paths))
        found = (problem,) if kind is OutcomeKind.FAILED else ()
        counts[kind.value] += 1
        events.append(
            StepFinished(Outcome(change.address, change.action, kind, found, attributes=draw(objects)))
        )
    return [*events, RunFinished("failed", counts, 1.5)]


@given(runs())
def test_event_streams_survive_json_and_nest(events: list[Event]) -> None:
    lines = [event_line(event) for event in events]
    assert [decode_event(decode_json(line)) for line in lines] == events
    assert all(line.count("\n") == 1 for line in lines)
    report = check_stream(lines)
    assert report.complete
    assert report.problems == ()


@given(runs(), st.data())
def test_a_stream_cut_anywhere_is_sound(events: list[Event], data: st.DataObject) -> None:
    whole = "".join(event_line(event) for event in events).encode()
    cut = whole[: data.draw(st.integers(0, len(whole) - 2))]
    report = check_stream(cut.splitlines())
    assert report.problems == ()
    assert not report.complete


@given(runs())
def test_progress_is_visible_text_only(events: list[Event]) -> None:
    written: list[str] = []
    observe = plain_progress(written.append)
    for event in events:
        observe(event)
    assert all(line.endswith("\n") and line[:-1].isprintable() for line in written)

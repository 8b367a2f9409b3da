"""A plan as Markdown for a pull request's comment.

Text from specs stands in code spans and fences only, so it can bring in neither Markdown
nor HTML nor mentions. The result never exceeds its limit. Reads the plan's JSON form only.
"""

from __future__ import annotations

from typing import Final

from specr.canonical import JsonObject
from specr.plan.model import Action
from specr.render import words
from specr.render.blocks import change_lines, drift_lines, is_compact
from specr.render.page import DEFAULT_LIMIT, Page, cell, code, details, diff_lines, fenced, indented, name
from specr.render.text import shortened

MARKER: Final = "<!-- specr plan -->"
"""The first line of every comment, by which a bot finds the one to write over."""

_SHARE: Final = 0.4
"""How much of the room that is left drift and table may each take."""

_WIDTH: Final = 110
_SYMBOLS: Final = {action.value: action.symbol for action in Action}


def render_markdown(plan: JsonObject, *, limit: int = DEFAULT_LIMIT) -> str:
    """The plan as Markdown of at most `limit` characters, with a line on what is left out.

    Raises:
        ValueError: the limit is below `specr.render.page.LEAST_LIMIT`.
    """
    page = Page(limit)
    page.add(f"{MARKER}\n### {words.summary(plan)}\n")
    for note in (words.interruptions(plan, name), words.scope(plan, name)):
        if note:
            page.add(f"\n> {note}\n")
    for title, group in words.drift_groups(plan):
        page.add(f"\n**{title}**\n\n")
        page.add_all("drifted object", map(_drift_entry, group), share=_SHARE)
    if plan["changes"]:
        page.add("\n| | Address | What happens | Why |\n| --- | --- | --- | --- |\n")
        page.add_all("change", map(_row, plan["changes"]), share=_SHARE)
        page.add("\n")
        _add_details(page, plan)
    return page.text("specr plan")


def _drift_entry(drift: JsonObject) -> str:
    entry = f"- {code(shortened(words.drift_headline(drift), 400))}\n"
    lines = drift_lines(drift, _WIDTH)
    return f"{entry}\n{indented(fenced(diff_lines(lines)))}\n\n" if lines else entry


def _row(change: JsonObject) -> str:
    what = words.verb(change)
    told = words.told_difference(change)
    if told:
        what += f": {cell(told)}"
    if change["interrupts"]:
        what += f", **{words.interruption(change).partition(':')[0]}**"
    why = words.cause_words(change, cell)
    return f"| {code(_SYMBOLS[change['action']])} | {name(change['address'])} | {what} | {why} |\n"


def _add_details(page: Page, plan: JsonObject) -> None:
    for change in plan["changes"]:
        why = words.reason(change)
        lines = diff_lines(change_lines(change, _WIDTH))
        if why:
            lines.insert(0, f"# {why}")
        told = lines and not is_compact(change)
        if told and not page.add(details(words.headline(change), lines)):
            page.miss("detailed change")

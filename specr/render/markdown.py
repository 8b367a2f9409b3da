"""A plan as Markdown for a pull request's comment.

Text from specs stands in code spans and fences only, whose delimiters it can't close, so
it can bring in neither Markdown nor HTML nor mentions. The result never exceeds its limit.
Reads the plan's JSON form only.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from specr.canonical import JsonObject
from specr.plan.model import Action
from specr.render import words
from specr.render.blocks import Line, change_lines, drift_lines, is_compact
from specr.render.text import neutral, shortened

MARKER: Final = "<!-- specr plan -->"
"""The first line of every comment, by which a bot finds the one to write over."""

DEFAULT_LIMIT: Final = 60_000
"""Characters, below the 65,536 that GitHub takes."""

LEAST_LIMIT: Final = 4_000
"""The smallest limit in which a summary fits."""

_RESERVE: Final = 200
"""Characters kept free for the line that says what is left out."""

_TABLE_SHARE: Final = 0.4
_DETAIL_LINES: Final = 200
_WIDTH: Final = 110
_NAME_LIMIT: Final = 140
_SYMBOLS: Final = {action.value: action.symbol for action in Action}
_DIFF_SYMBOLS: Final = {"~": "!", "-/+": "!", ".": " ", "": " "}


def render_markdown(plan: JsonObject, *, limit: int = DEFAULT_LIMIT) -> str:
    """The plan as Markdown of at most `limit` characters, with a line on what is left out.

    Raises:
        ValueError: the limit is below LEAST_LIMIT.
    """
    if limit < LEAST_LIMIT:
        raise ValueError(f"the limit is {limit} characters; {LEAST_LIMIT} is the least")
    page = _Page(limit)
    page.add(f"{MARKER}\n### {words.summary(plan)}\n")
    for note in (words.interruptions(plan, _name), words.scope(plan, _name)):
        if note:
            page.add(f"\n> {note}\n")
    _add_drift(page, plan)
    _add_table(page, plan)
    _add_details(page, plan)
    return page.text()


def code(text: str) -> str:
    """A code span that holds exactly this text, on one line."""
    text = neutral(text) or " "
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def fenced(lines: list[str], language: str = "diff") -> str:
    """A fence that holds exactly these lines."""
    body = "\n".join(map(neutral, lines))
    longest = max(map(len, re.findall(r"`+", body)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}{language}\n{body}\n{fence}"


class _Page:
    """Text that grows up to a limit, and counts what found no room."""

    def __init__(self, limit: int) -> None:
        self._parts: list[str] = []
        self._left = limit - _RESERVE
        self._missing: dict[str, int] = {}

    @property
    def left(self) -> int:
        return self._left

    def add(self, text: str) -> bool:
        if len(text) > self._left:
            return False
        self._parts.append(text)
        self._left -= len(text)
        return True

    def missing(self, noun: str, count: int) -> None:
        if count:
            self._missing[noun] = self._missing.get(noun, 0) + count

    def text(self) -> str:
        if self._missing:
            told = " and ".join(words.counted(n, f"more {noun}") for noun, n in self._missing.items())
            self._parts.append(f"\n_{told} not shown here: run `specr plan` to see everything._\n")
        return "".join(self._parts)


def _add_drift(page: _Page, plan: JsonObject) -> None:
    drifts = plan["drift"]
    if not drifts:
        return
    shown = 0
    if page.add("\n**Changed outside of specr**\n\n"):
        room = page.left - int(page.left * _TABLE_SHARE)
        for drift in drifts:
            entry = _drift_entry(drift)
            if page.left - len(entry) < room or not page.add(entry):
                break
            shown += 1
    page.missing("drifted object", len(drifts) - shown)


def _drift_entry(drift: JsonObject) -> str:
    entry = f"- {code(shortened(words.drift_headline(drift), 400))}\n"
    lines = drift_lines(drift, _WIDTH)
    if not lines:
        return entry
    fence = fenced([_diff_line(line) for line in lines[:_DETAIL_LINES]])
    return f"{entry}\n{_indented(fence)}\n\n"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _add_table(page: _Page, plan: JsonObject) -> None:
    changes = plan["changes"]
    if not changes:
        return
    shown = 0
    if page.add("\n| | Address | What happens | Why |\n| --- | --- | --- | --- |\n"):
        room = page.left - int(page.left * _TABLE_SHARE)
        for change in changes:
            row = _row(change)
            if page.left - len(row) < room or not page.add(row):
                break
            shown += 1
    page.missing("change", len(changes) - shown)


def _row(change: JsonObject) -> str:
    what = words.verb(change)
    told = words.told_difference(change)
    if told:
        what += f": {_cell(told)}"
    if change["interrupts"]:
        what += f", **{words.interruption(change).partition(':')[0]}**"
    why = words.cause_words(change["cause"], _cell)
    return f"| {code(_SYMBOLS[change['action']])} | {_name(change['address'])} | {what} | {why} |\n"


def _name(name: str) -> str:
    return code(shortened(name, _NAME_LIMIT))


def _cell(text: str) -> str:
    """A code span for a table, where a bar would end the cell even inside the span."""
    return _name(text.replace("|", "¦"))


def _add_details(page: _Page, plan: JsonObject) -> None:
    told = [change for change in plan["changes"] if not is_compact(change)]
    page.add("\n")
    missing = 0
    for change in told:
        lines = list(_detail_lines(change))
        if lines and not page.add(_detail(change, lines)):
            missing += 1
    page.missing("change in detail", missing)


def _detail(change: JsonObject, lines: list[str]) -> str:
    heading = html.escape(shortened(words.headline(change), 300))
    return f"<details>\n<summary><code>{heading}</code></summary>\n\n{fenced(lines)}\n\n</details>\n\n"


def _detail_lines(change: JsonObject) -> Iterator[str]:
    why = words.reason(change)
    if why:
        yield f"# {why}"
    lines = change_lines(change, _WIDTH)
    for line in lines[:_DETAIL_LINES]:
        yield _diff_line(line)
    if len(lines) > _DETAIL_LINES:
        yield f"# {words.counted(len(lines) - _DETAIL_LINES, 'more line')}"


def _diff_line(line: Line) -> str:
    symbol = _DIFF_SYMBOLS.get(line.symbol, line.symbol)
    return f"{symbol} {'    ' * line.depth}{line.text}"

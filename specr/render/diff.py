"""What differs between two versions of specs, for terminals and for pull requests.

Reads the JSON form that `specr.render.comparison` gives. The same rules of safety hold as
for plans: text from specs is neutralised, and stands in code spans and fences only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from specr.canonical import JsonObject
from specr.render.blocks import change_lines, is_compact
from specr.render.ink import Ink
from specr.render.page import DEFAULT_LIMIT, Page, cell, details, diff_lines, name
from specr.render.terminal import DEFAULT_WIDTH
from specr.render.text import neutral
from specr.render.words import counted, listed

MARKER: Final = "<!-- specr diff -->"
"""The first line of every comment, by which a bot finds the one to write over."""

_ACTIONS: Final = {"added": "create", "removed": "delete", "changed": "update"}
_SYMBOLS: Final = {"added": "+", "removed": "-", "changed": "~"}
_FATES: Final = {
    "yes": "will be rolled out again",
    "maybe": "will be rolled out again if the bytes differ",
    "no": "will be updated without a new rollout",
}
_FRAME: Final = 8
_WIDTH: Final = 110


def render_diff(data: JsonObject, *, colour: bool = False, width: int = DEFAULT_WIDTH) -> str:
    """What differs, as text that ends in a newline."""
    return "\n".join(_lines(data, Ink(colour), max(width, 40) - _FRAME)) + "\n"


def render_diff_markdown(data: JsonObject, *, limit: int = DEFAULT_LIMIT) -> str:
    """What differs, as Markdown of at most `limit` characters.

    Raises:
        ValueError: the limit is below `specr.render.page.LEAST_LIMIT`.
    """
    page = Page(limit)
    page.add(f"{MARKER}\n### {_summary(data)}\n")
    if data["problems"]:
        page.add(f"\n> **{_problem_count(data)}**\n")
    if data["affected"]:
        page.add("\n| Affected deployment | What happens | Because of |\n| --- | --- | --- |\n")
        page.add_all("affected deployment", map(_affected_row, data["affected"]), share=0.4)
    if data["changes"]:
        page.add("\n| | Address | File |\n| --- | --- | --- |\n")
        page.add_all("change", map(_change_row, data["changes"]), share=0.4)
        page.add("\n")
    for item in (*data["affected"], *data["changes"]):
        lines = diff_lines(change_lines(_as_change(item), _WIDTH))
        told = lines and not _is_told_by_address(item)
        if told and not page.add(details(_headline(item), lines)):
            page.miss("detailed change")
    return page.text("specr diff")


def _lines(data: JsonObject, ink: Ink, width: int) -> Iterator[str]:
    yield ink.bold(_summary(data))
    after_block = True
    for change in data["changes"]:
        short = _is_told_by_address(change)
        if after_block or not short:
            yield ""
        after_block = not short
        place = ink.dim(f"  # {neutral(_origin(change))}") if _origin(change) else ""
        yield f"  {ink.symbol(_SYMBOLS[change['change']])} {change['address']}{place}"
        if not short:
            yield from ink.lines(change_lines(_as_change(change), width))
    if data["affected"]:
        yield ""
        yield ink.bold("Affected deployments:")
    for affected in data["affected"]:
        yield ""
        yield f"  {ink.symbol('~')} {_headline(affected)}"
        yield ink.dim(f"      # because of {listed(affected['because'])}")
        yield from ink.lines(change_lines(_as_change(affected), width))
    if data["problems"]:
        yield ""
        yield ink.bold(_problem_count(data))


def _summary(data: JsonObject) -> str:
    counts = data["summary"]
    parts = [f"{counts[kind]} {kind}" for kind in _ACTIONS if counts[kind]]
    if not parts:
        return "No differences."
    reach = f" {counted(counts['affected'], 'more deployment')} affected." if counts["affected"] else ""
    return f"Diff: {', '.join(parts)}.{reach}"


def _problem_count(data: JsonObject) -> str:
    return f"{counted(len(data['problems']), 'problem')} will stop the next plan, see `specr validate`."


def _headline(item: JsonObject) -> str:
    if "rollOut" in item:
        return f"{item['address']} {_FATES[item['rollOut']]}"
    return f"{item['address']} is {item['change']}"


def _origin(change: JsonObject) -> str:
    return f"pack {change['pack']}" if change["pack"] else str(change["file"])


def _is_told_by_address(item: JsonObject) -> bool:
    """Packs are not reviewed leaf by leaf, and what goes is told by its address."""
    if "rollOut" in item:
        return False
    return item["change"] == "removed" or (bool(item["pack"]) and is_compact(_as_change(item)))


def _as_change(item: JsonObject) -> dict[str, Any]:
    """The item in the form that blocks are made of."""
    return {
        "address": item["address"],
        "action": _ACTIONS[item.get("change", "changed")],
        "prior": item.get("prior", {}),
        "planned": item.get("planned", {}),
        "differences": item["differences"],
        "unknown": [],
        "interrupts": False,
    }


def _affected_row(item: JsonObject) -> str:
    because = listed(map(cell, item["because"]))
    return f"| {name(item['address'])} | {_FATES[item['rollOut']]} | {because} |\n"


def _change_row(item: JsonObject) -> str:
    return f"| `{_SYMBOLS[item['change']]}` | {name(item['address'])} | {cell(_origin(item))} |\n"

"""A plan for people at a terminal, in the manner they know from Terraform.

Reads the plan's JSON form only. Values come out of `specr.render.text` neutralised, so
that colours are the only escape sequences in the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from specr.canonical import JsonObject
from specr.plan.model import Action
from specr.render import words
from specr.render.ink import Ink

DEFAULT_WIDTH: Final = 100
"""Columns to fill where the terminal does not tell its own."""

_SYMBOLS: Final = {action.value: action.symbol for action in Action}
_FRAME: Final = 8
"""Columns before the text of a field: indentation and symbol."""


def render_plan(plan: JsonObject, *, colour: bool = False, width: int = DEFAULT_WIDTH) -> str:
    """The whole plan as text that ends in a newline: summary, drift, changes, summary."""
    return "\n".join(_lines(plan, Ink(colour), max(width, 40) - _FRAME)) + "\n"


def _lines(plan: JsonObject, ink: Ink, width: int) -> Iterator[str]:
    foot = [line for line in (words.interruptions(plan), words.scope(plan)) if line]
    yield ink.bold(words.summary(plan))
    if plan["changes"] or plan["drift"]:
        yield ""
        yield from _details(plan, ink, width)
    yield from foot


def _details(plan: JsonObject, ink: Ink, width: int) -> Iterator[str]:
    from specr.render.blocks import is_compact  # noqa: PLC0415 - most plans find nothing, and start-up counts

    if plan["drift"]:
        yield from _drift(plan, ink, width)
    compact = [change for change in plan["changes"] if is_compact(change)]
    yield from _catalogue([change for change in compact if change["planned"] is not None], ink)
    for change in plan["changes"]:
        if not is_compact(change):
            yield from _change(change, ink, width)
    yield from _catalogue([change for change in compact if change["planned"] is None], ink)
    if plan["changes"]:
        yield ink.bold(words.summary(plan))


def _drift(plan: JsonObject, ink: Ink, width: int) -> Iterator[str]:
    from specr.render.blocks import drift_lines  # noqa: PLC0415 - see above

    for title, group in words.drift_groups(plan):
        yield f"{title}:"
        yield ""
        for drift in group:
            yield f"  {ink.symbol('!')} {words.drift_headline(drift)}"
            yield from ink.lines(drift_lines(drift, width))
        yield ""


def _catalogue(changes: list[JsonObject], ink: Ink) -> Iterator[str]:
    """Catalogue records, which have no effect of their own: many in a block, by address alone."""
    by_action = sorted(changes, key=lambda change: change["action"])
    for action, group in groupby(by_action, key=lambda change: change["action"]):
        members = list(group)
        count = words.counted(len(members), "catalogue record")
        yield ink.bold(f"  # {count} {words.verb(members[0])}")
        for change in members:
            yield f"  {ink.symbol(_SYMBOLS[action])} {change['address']}"
        yield ""


def _change(change: JsonObject, ink: Ink, width: int) -> Iterator[str]:
    from specr.render.blocks import change_lines  # noqa: PLC0415 - see above

    yield ink.bold(f"  # {words.headline(change)}")
    why = words.reason(change)
    if why:
        yield ink.dim(f"  # {why}")
    symbol = _SYMBOLS[change["action"]]
    where = f" on {change['provider']}" if change["provider"] else ""
    opening = f"{' ' * (3 - len(symbol))}{ink.symbol(symbol)} {change['address']}{where}"
    lines = change_lines(change, width)
    if lines:
        yield f"{opening} {{"
        yield from ink.lines(lines)
        yield "    }"
    else:
        yield opening
    yield ""

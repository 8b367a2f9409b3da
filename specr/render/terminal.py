"""A plan for people at a terminal, in the manner they know from Terraform.

Reads the plan's JSON form only. Values come out of `specr.render.text` neutralised, so
that colours here are the only escape sequences in the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

import click

from specr.canonical import JsonObject
from specr.plan.model import Action
from specr.render import words
from specr.render.blocks import Line, change_lines, drift_lines, is_compact

DEFAULT_WIDTH: Final = 100
"""Columns to fill where the terminal does not tell its own."""

_COLOURS: Final = {"+": "green", "-": "red", "~": "yellow", "-/+": "red", "!": "magenta", ".": "cyan"}
_SYMBOLS: Final = {action.value: action.symbol for action in Action}
_FRAME: Final = 8
"""Columns before the text of a field: indentation and symbol."""


def render_plan(plan: JsonObject, *, colour: bool = False, width: int = DEFAULT_WIDTH) -> str:
    """The whole plan as text that ends in a newline: summary, drift, changes, summary."""
    return "\n".join(_Terminal(colour=colour, width=max(width, 40)).plan(plan)) + "\n"


class _Terminal:
    def __init__(self, *, colour: bool, width: int) -> None:
        self._colour = colour
        self._width = width

    def plan(self, plan: JsonObject) -> Iterator[str]:
        foot = [line for line in (words.interruptions(plan), words.scope(plan)) if line]
        yield self._bold(words.summary(plan))
        if not plan["changes"] and not plan["drift"]:
            yield from foot
            return
        yield ""
        if plan["drift"]:
            yield from self._drift(plan)
        for compact, changes in groupby(plan["changes"], key=is_compact):
            if compact:
                yield from self._catalogue(list(changes))
                continue
            for change in changes:
                yield from self._change(change)
        if plan["changes"]:
            yield self._bold(words.summary(plan))
        yield from foot

    def _drift(self, plan: JsonObject) -> Iterator[str]:
        yield "Changed outside of specr since it was applied:"
        yield ""
        for drift in plan["drift"]:
            yield f"  {self._symbol('!')} {words.drift_headline(drift)}"
            yield from self._lines(drift_lines(drift, self._width - _FRAME))
        yield ""

    def _catalogue(self, changes: list[JsonObject]) -> Iterator[str]:
        for action, group in groupby(changes, key=lambda change: change["action"]):
            members = list(group)
            count = words.counted(len(members), "catalogue record")
            yield self._bold(f"  # {count} {words.verb(members[0])}")
            for change in members:
                yield f"  {self._symbol(_SYMBOLS[action])} {change['address']}"
            yield ""

    def _change(self, change: JsonObject) -> Iterator[str]:
        yield self._bold(f"  # {words.headline(change)}")
        why = words.reason(change)
        if why:
            yield self._dim(f"  # {why}")
        symbol = _SYMBOLS[change["action"]]
        where = f" on {change['provider']}" if change["provider"] else ""
        opening = f"{' ' * (3 - len(symbol))}{self._symbol(symbol)} {change['address']}{where}"
        lines = change_lines(change, self._width - _FRAME)
        if lines:
            yield f"{opening} {{"
            yield from self._lines(lines)
            yield "    }"
        else:
            yield opening
        yield ""

    def _lines(self, lines: list[Line]) -> Iterator[str]:
        for line in lines:
            indent = " " * (6 + 4 * line.depth)
            text = self._dim(f"# {line.text}") if line.symbol == "#" else line.text
            mark = "  " if line.symbol in {"#", ""} else f"{self._symbol(line.symbol)} "
            yield f"{indent}{mark}{text}"

    def _symbol(self, symbol: str) -> str:
        if not self._colour:
            return symbol
        if symbol == "-/+":
            return f"{click.style('-', fg='red')}/{click.style('+', fg='green')}"
        return click.style(symbol, fg=_COLOURS[symbol])

    def _bold(self, text: str) -> str:
        return click.style(text, bold=True) if self._colour else text

    def _dim(self, text: str) -> str:
        return click.style(text, dim=True) if self._colour else text

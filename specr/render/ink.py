"""Colour and indentation for terminals: the only place that writes escape sequences by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import click
from msgspec import Struct

from specr.render.blocks import Line

_COLOURS: Final = {"+": "green", "-": "red", "~": "yellow", "!": "magenta", ".": "cyan"}


class Ink(Struct, frozen=True):
    """Styles text, or leaves it as it is."""

    colour: bool

    def symbol(self, symbol: str) -> str:
        """A change's symbol in its colour."""
        if not self.colour:
            return symbol
        if symbol == "-/+":
            return f"{click.style('-', fg='red')}/{click.style('+', fg='green')}"
        return click.style(symbol, fg=_COLOURS[symbol])

    def bold(self, text: str) -> str:
        """Text that stands out."""
        return click.style(text, bold=True) if self.colour else text

    def dim(self, text: str) -> str:
        """Text that steps back."""
        return click.style(text, dim=True) if self.colour else text

    def lines(self, lines: Iterable[Line]) -> Iterator[str]:
        """The lines of a block, below its heading."""
        for line in lines:
            indent = " " * (6 + 4 * line.depth)
            text = self.dim(f"# {line.text}") if line.symbol == "#" else line.text
            mark = "  " if line.symbol in {"#", ""} else f"{self.symbol(line.symbol)} "
            yield f"{indent}{mark}{text}"

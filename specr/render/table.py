"""Plain aligned columns, for eyes and for pipes: two spaces between, nothing at line ends."""

from __future__ import annotations

from collections.abc import Sequence

from specr.render.text import neutral


def render_table(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> str:
    """Rows as lines, each ending in a newline; cells come out neutralised. Empty for no rows."""
    if not rows:
        return ""
    cells = [[neutral(cell) for cell in row] for row in ([header, *rows] if header else rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"
        for row in cells
    )

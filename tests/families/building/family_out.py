"""For `build.py` files: writes rows and predictions as JSON. Imports no library, so it works anywhere."""

import json
import math
from pathlib import Path
from typing import Any


def write_table(path: Path, columns: Any) -> None:
    """Write columns, a mapping by name or a data frame, as `{"fields": […], "rows": [[…], …]}`.

    Cells may be Python's or numpy's scalars, pandas' times and missing values: anything that is not equal to
    itself is missing, as NaN, NaT and NA say of themselves; floats of 32 bits keep their value.
    """
    cells = [[_cell(value) for value in column] for column in (columns[name] for name in columns)]
    document = {"fields": list(columns), "rows": [list(row) for row in zip(*cells, strict=True)]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, allow_nan=False), encoding="utf-8")


def _cell(value: Any) -> str | float | bool | None:
    if value is None or type(value).__name__ == "NAType" or bool(value != value):  # noqa: PLR0124 - NaN, NaT
        return None
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if type(value).__name__ == "datetime64":
        return str(value)
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and math.isinf(plain):
        raise ValueError("an infinite number is no cell")
    if isinstance(plain, (str, int, float, bool)):
        return plain
    raise TypeError(f"{type(value).__name__} is no cell")

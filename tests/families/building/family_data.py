"""For `build.py` files: a table of loans with every column type, and gaps as real tables have them."""

from typing import Any, Final

import numpy as np
import pandas as pd

NUMERIC: Final = ["income", "balance", "age", "months", "employed"]
WHOLE: Final = ["age", "months", "employed"]
TEXT: Final = ["region", "purpose"]
TIMES: Final = ["opened"]
_REGIONS: Final = ["north", "south", "east", "west", "Île-de-France"]
_PURPOSES: Final = ["car", "house", "study", "other, or none"]


def loans(rows: int, seed: int, gaps: float = 0.1, *, whole: bool = True) -> pd.DataFrame:
    """Loans with numbers of four widths, a truth, two texts and a time.

    `gaps` is the share of missing cells. Integers and truths have some only if `whole`, and are floats with
    NaN then, as pandas reads them from files.
    """
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": random.lognormal(10, 0.6, rows),
            "balance": random.normal(1000, 400, rows).astype("float32"),
            "age": random.integers(18, 90, rows).astype("int32"),
            "months": random.integers(6, 360, rows).astype("int64"),
            "employed": random.random(rows) < 0.7,
            "region": pd.Series(random.choice(_REGIONS, rows), dtype=object),
            "purpose": pd.Series(random.choice(_PURPOSES, rows), dtype=object),
            "opened": np.datetime64("2015-01-01", "ns")
            + (random.integers(0, 3000, rows) * 86_400 * 10**9).astype("timedelta64[ns]"),
        }
    )
    for name in frame.columns if gaps else []:
        holes = random.random(rows) < gaps
        if whole or name not in WHOLE:
            frame[name] = _with_gaps(frame[name], holes)
    return frame


def risk(frame: pd.DataFrame, seed: int) -> Any:
    """A number that depends on the columns and on chance: what the models learn."""
    random = np.random.default_rng(seed)
    known = frame.fillna({"income": 22_000.0, "balance": 1000.0, "age": 45, "employed": 1.0})
    return (
        np.log(known["income"].astype("float64")) * 0.8
        - known["age"].astype("float64") * 0.02
        + known["employed"].astype("float64")
        + (known["region"] == "north") * 0.7
        + random.normal(0, 0.3, len(frame))
    ).to_numpy()


def _with_gaps(column: pd.Series, holes: Any) -> pd.Series:
    if column.dtype == object or column.dtype.kind == "M":
        return column.mask(holes)
    wide = column.astype("float32" if column.dtype == "float32" else "float64")
    return wide.mask(holes)

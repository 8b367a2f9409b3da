"""Formulas such as `risk ~ np.log(income) + C(region)`, which are evaluated as code when a model is loaded.

A formula is judged by its tokens, which its library takes apart as Python does. It is harmless if all that it
calls is listed here. What can't be told for certain counts as harm.
"""

import io
import re
import tokenize
from typing import Final

from specr_processor.pickles.known import UFUNCS, words

_FUNCTIONS: Final = UFUNCS | words("""
    C Q I bs cc cr te center lag poly scale standardize Diff Helmert Poly Sum Treatment
    bool float int len str
""")
"""What a formula may call by a plain name: numpy's functions, and those that formulas themselves bring."""

_NUMPYS: Final = UFUNCS | words("""
    arange array asarray column_stack cumsum digitize float32 float64 floor_divide heaviside hypot int32
    int64 interp logaddexp ones ones_like searchsorted sign size tile unique vander where zeros zeros_like
""")
_PANDAS: Final = words("Categorical cut get_dummies isna isnull notna notnull qcut to_datetime to_numeric")
_METHODS: Final = words("""
    abs astype between clip diff eq fillna ge gt isin isna isnull le lt max mean median min ne notna notnull
    pow rank round shift std sum
""")
"""What columns can be asked for."""

_MODULES: Final = {"np": _NUMPYS, "numpy": _NUMPYS, "pd": _PANDAS, "pandas": _PANDAS}
_WORDS: Final = words("and else if in is not or")
"""Words of Python's that may stand before a parenthesis; all others of its own begin something else."""
_OTHERS: Final = words(
    "as assert async await class def del for from global import lambda nonlocal raise with yield"
)
_NEUTRAL: Final = (tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER)
_TEXT: Final = re.compile(r"'[^'\"\\]*'|\"[^'\"\\]*\"")
"""Texts that all who take formulas apart see alike: no escapes, no prefix, no quotes within."""


def flaw_of(formula: str) -> str | None:
    """Why evaluating a formula may do more than to compute; None where it does not."""
    text = formula.replace("\n", " ").strip()  # as the libraries do it
    try:
        tokens = [
            token
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type not in _NEUTRAL
        ]
    except (tokenize.TokenError, SyntaxError):
        return "can't be taken apart"
    for place, token in enumerate(tokens):
        before = tokens[max(0, place - 3) : place]
        if flaw := _flaw(token, [earlier.string for earlier in before], before):
            return flaw
    return None


def _flaw(token: tokenize.TokenInfo, before: list[str], earlier: list[tokenize.TokenInfo]) -> str | None:
    if token.type == tokenize.STRING:
        return None if _TEXT.fullmatch(token.string) else "has a text that can't be followed"
    if token.type == tokenize.NAME:
        if token.string in _OTHERS:
            return f"says `{token.string}`"
        hidden = before[-1:] == ["."] and token.string.startswith("_")
        return f"asks for `{token.string}`" if hidden else None
    if token.type not in (tokenize.OP, tokenize.NUMBER):
        return "can't be taken apart"
    if token.string == ":=":
        return "assigns"
    if token.string == "(" and earlier and earlier[-1].type != tokenize.OP:
        return None if _may_call(before) else f"calls `{_called(before)}`"
    if token.string == "(" and before[-1:] in ([")"], ["]"], ["}"]):
        return "calls what it computes"
    return None


def _called(before: list[str]) -> str:
    """What stands before a parenthesis, without what stands before that."""
    return "".join(before[-3:] if before[-2:-1] == ["."] else before[-1:])


def _may_call(before: list[str]) -> bool:
    """Whether what stands before a parenthesis may be called: at most three tokens of it are told."""
    name = before[-1]
    if before[-2:-1] != ["."]:
        return name in _WORDS or name in _FUNCTIONS
    owner = before[0] if len(before) == 3 else ""
    return name in _MODULES.get(owner, _METHODS)

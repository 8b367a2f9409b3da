"""What the YAML parser's complaints mean, in our own words.

The parser tells what it expected in terms of its grammar; people need to know
what in their text is to blame. Knows the complaints, not the texts.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ruamel.yaml.error import MarkedYAMLError

from specr.spec.fault import SYNTAX, Fault, Place


class _Explanation(NamedTuple):
    complaint: str
    detail: str
    remedy: str = ""


_INDENT: Final = "Give keys of one mapping, and entries of one list, the same indent, in spaces."
_QUOTE: Final = "Put quotes round text that holds a colon and a space, or begins with a special character."
_ESCAPES: Final = "Use single quotes for text with backslashes."

_EXPLANATIONS: Final = tuple(
    _Explanation(*row)
    for row in (
        (
            r"found character '\\t'",
            "A tab stands where indentation or a value begins.",
            "Indent with spaces.",
        ),
        (
            r"found character '([@`%])'",
            "A plain text can't begin with `{0}`.",
            "Put quotes round the text.",
        ),
        (
            r"found character ['\"](.+)['\"] that cannot start",
            "Nothing in YAML begins with `{0}` here.",
            "Put quotes round the text.",
        ),
        (
            r"could not find expected ':'",
            "This line has no colon after its key, or its indent is off.",
            _INDENT,
        ),
        (
            r"mapping values are not allowed",
            "This key is indented deeper than others, the line above has no colon, or a text has one inside.",
            f"Line it up with its neighbours. {_QUOTE}",
        ),
        (
            r"(?:sequence entries|mapping keys) are not allowed",
            "A list entry or a key stands inside a value.",
            _INDENT,
        ),
        (
            r"scanning a quoted scalar.*found unexpected",
            "A quoted text has no closing quote.",
            "Close the quote.",
        ),
        (r"unknown escape character ['\"](.+)['\"]", "Double-quoted text knows no escape `\\{0}`.", _ESCAPES),
        (r"expected escape sequence", "An escape in double quotes is cut short.", _ESCAPES),
        (
            r"flow sequence",
            "A list in square brackets is not closed, or misses a comma.",
            "Close it with `]`, or put commas between its entries.",
        ),
        (
            r"flow mapping",
            "A mapping in braces is not closed, or misses a comma.",
            "Close it with `}`, or put commas between its entries.",
        ),
        (
            r"flow node.*<stream end>",
            "A bracket or brace is not closed before the document ends.",
            "Close it.",
        ),
        (
            r"expected the node content, but found",
            "A value is missing here, or a bracket or comma stands where a value should.",
            "Put quotes round text that begins with a bracket, brace or comma.",
        ),
        (
            r"expected <block end>",
            "This line belongs neither to the mapping or list above it nor to the one around that.",
            _INDENT,
        ),
        (r"block scalar", "The text block after `|` or `>` begins in a way that can't be read.", _INDENT),
        (r"scanning an (?:alias|anchor)", "`&` and `*` name anchors and aliases; no name follows.", _QUOTE),
        (
            r"directive|<document start>",
            "A line that begins with `%` is a directive; specs have none but `%YAML 1.2`.",
            "Remove the line, or put quotes round the text.",
        ),
        (r"tag", "A text that begins with `!` is a tag, and this one is not complete.", _QUOTE),
    )
)


def explain_syntax(error: MarkedYAMLError) -> Fault:
    """The parser's complaint as a finding about the text."""
    complaint = f"{error.context or ''}; {error.problem or ''}"
    mark = error.problem_mark or error.context_mark
    place: Place = (mark.line, mark.column) if mark is not None else (0, 0)
    for explanation in _EXPLANATIONS:
        match = re.search(explanation.complaint, complaint, re.DOTALL)
        if match:
            detail = explanation.detail
            if match.groups():
                detail = detail.format(match[1].encode("unicode_escape").decode())
            return Fault(SYNTAX, detail, place, remedy=explanation.remedy, earlier=_began(error, place))
    return Fault(SYNTAX, "This can't be read as YAML.", place, remedy=_QUOTE, earlier=_began(error, place))


def _began(error: MarkedYAMLError, place: Place) -> tuple[str, Place] | None:
    """The line that the broken value begins on, where that is another."""
    mark = error.context_mark
    return (
        ("The value begins", (mark.line, mark.column)) if mark is not None and mark.line != place[0] else None
    )

"""Diagnostics as JSON, for `--json` and event streams, and the way back."""

from __future__ import annotations

from typing import Any

from specr.address import parse_address
from specr.canonical import JsonObject
from specr.diagnostics import Diagnostic, Severity, Span
from specr.render.text import encodable


def encode_diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    """The JSON form of a finding; all fields are always there."""
    span = diagnostic.span
    place = (
        {"file": span.file, "line": span.line, "column": span.column, "width": span.width} if span else None
    )
    return {
        "severity": diagnostic.severity.name.lower(),
        "summary": diagnostic.summary,
        "detail": encodable(diagnostic.detail),
        "remedy": encodable(diagnostic.remedy),
        "address": None if diagnostic.address is None else str(diagnostic.address),
        "path": list(diagnostic.path),
        "span": place,
        "excerpt": encodable(diagnostic.excerpt),
        "notes": [encodable(note) for note in diagnostic.notes],
    }


def decode_diagnostic(data: JsonObject) -> Diagnostic:
    """The finding that `encode_diagnostic` gave.

    Raises:
        KeyError, ValueError, TypeError: it is none.
    """
    return Diagnostic(
        summary=data["summary"],
        detail=data["detail"],
        remedy=data["remedy"],
        severity=Severity[data["severity"].upper()],
        address=None if data["address"] is None else parse_address(data["address"]),
        path=tuple(data["path"]),
        span=None if data["span"] is None else Span(**data["span"]),
        excerpt=data["excerpt"],
        notes=tuple(data["notes"]),
    )

"""How findings are shown where lines are long, wide or odd."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.address import Address
from specr.diagnostics import Diagnostic, Severity, Span
from specr.render.diagnostics import render_diagnostic
from specr.spec.document import Document, excerpt_of, shown_path


def shown(excerpt: str, column: int, width: int) -> list[str]:
    diagnostic = Diagnostic("S", "D").with_location(Span("f.yaml", 7, column, width), excerpt)
    return render_diagnostic(diagnostic).splitlines()[2:4]


def test_a_finding_is_shown_whole() -> None:
    diagnostic = Diagnostic(
        "Reference to an undeclared resource",
        "deployment/fraud refers to runtime/py311-gpu, which no spec declares.",
        "Did you mean runtime/py311-gpus?",
        address=Address("deployment", "fraud"),
        span=Span("specs/fraud.yaml", 14, 12, 9),
        excerpt="  runtime: py311-gpu",
        notes=("a log line",),
    )
    assert render_diagnostic(diagnostic) == (
        "Error: Reference to an undeclared resource\n"
        "  on specs/fraud.yaml:14:12, in deployment/fraud\n"
        "   14 |   runtime: py311-gpu\n"
        "      |            ^^^^^^^^^\n"
        "  deployment/fraud refers to runtime/py311-gpu, which no spec declares.\n"
        "  Did you mean runtime/py311-gpus?\n"
        "  | a log line\n"
    )


def test_a_finding_without_a_place_names_its_address() -> None:
    diagnostic = Diagnostic("S", "D", severity=Severity.WARNING, address=Address("model", "m"))
    assert render_diagnostic(diagnostic) == "Warning: S\n  in model/m\n  D\n"
    assert render_diagnostic(Diagnostic("S", "D", severity=Severity.INFO)) == "Info: S\n  D\n"


def test_colours_change_nothing_but_colours() -> None:
    diagnostic = Diagnostic("S", "D", "R").with_location(Span("f", 1, 1), "x")
    coloured = render_diagnostic(diagnostic, colour=True)
    assert "\x1b[31m" in coloured
    plain = coloured
    for code in ("\x1b[31m", "\x1b[1m", "\x1b[0m"):
        plain = plain.replace(code, "")
    assert plain == render_diagnostic(diagnostic)


@pytest.mark.parametrize(
    ("excerpt", "column", "width", "marks"),
    [
        ("a: b", 4, 1, "      |    ^"),
        ("\ta: b", 5, 1, "      |     ^"),
        ("日本: b", 5, 1, "      |       ^"),
        ("日本: b", 1, 2, "      | ^^^^"),
        ("e\u0301: b", 5, 1, "      |    ^"),
        ("a: b", 4, 50, "      |    ^"),
        ("a: b", 5, 1, "      |     ^"),
        ("a: \x1b[31m", 4, 5, "      |    ^^^^^^^^^^"),
    ],
)
def test_marks_stand_below_what_they_mark(excerpt: str, column: int, width: int, marks: str) -> None:
    assert shown(excerpt, column, width)[1] == marks


@given(st.text(max_size=400).filter(str.strip), st.integers(1, 500), st.integers(1, 500))
def test_any_line_is_shown_without_control_characters(text: str, column: int, width: int) -> None:
    text = text.replace("\n", " ")
    lines = shown(text, column, width) if text.strip() else []
    assert all(line.isprintable() for line in lines)


def test_of_a_long_line_the_part_that_matters_is_shown() -> None:
    line, marks = shown("x" * 300 + "HERE" + "y" * 300, 301, 4)
    assert len(line) <= 100
    assert line[len("      | ") :].startswith("…")
    assert line.endswith("…")
    assert line[marks.index("^") : marks.index("^") + 4] == "HERE"


def test_a_line_too_long_to_show_is_left_out() -> None:
    assert excerpt_of("a\n" + "x" * 3000 + "\nb", 1) == ""
    assert excerpt_of("a\nb\nc", 2) == "c"
    assert excerpt_of("a", 3) == ""


def test_file_names_are_shown_as_escapes_where_they_are_no_text() -> None:
    assert shown_path("a/b.yaml") == "a/b.yaml"
    assert shown_path("\udce9.yaml") == "\\xe9.yaml"
    assert shown_path("a.yaml", "mlflow") == "<pack mlflow>/a.yaml"
    assert Document("a.yaml", 0, 0, "", pack="p").shown_file == "<pack p>/a.yaml"
    assert "on a\\u001b.yaml" in render_diagnostic(Diagnostic("S", "D", span=Span("a\x1b.yaml", 1, 1)))


@pytest.mark.parametrize("width", [60, 80, 100])
def test_text_and_excerpt_are_fitted_into_the_width(width: int) -> None:
    command = f"`specr apply --target deployment/{'x' * 20}`"
    diagnostic = Diagnostic("S", "word " * 50, f"{'word ' * 8}{command}", span=Span("a.yaml", 1, 250))
    lines = render_diagnostic(diagnostic.with_location(Span("a.yaml", 1, 250), "y" * 400), width=width)
    assert max(map(len, lines.splitlines())) <= width
    assert command in lines

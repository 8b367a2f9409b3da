from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.address import Address
from specr.diagnostics import (
    Diagnostic,
    DiagnosticError,
    Severity,
    Span,
    did_you_mean,
    has_errors,
    sorted_diagnostics,
)

found = st.builds(
    Diagnostic,
    summary=st.sampled_from("ab"),
    detail=st.sampled_from("cd"),
    severity=st.sampled_from(Severity),
    address=st.sampled_from([None, Address("model", "a"), Address("model", "b")]),
    path=st.sampled_from([(), ("spec",), ("spec", 1)]),
    span=st.one_of(st.none(), st.builds(Span, st.sampled_from("xy"), st.integers(1, 2), st.integers(1, 2))),
)


@given(st.lists(found), st.randoms(use_true_random=False))
def test_sorting_depends_on_the_findings_alone(findings: list[Diagnostic], random: object) -> None:
    once = sorted_diagnostics(findings)
    random.shuffle(findings)  # type: ignore[attr-defined]
    assert sorted_diagnostics(findings) == once
    assert len(set(once)) == len(once)
    assert set(once) == set(findings)


def test_sorting_goes_by_place_then_severity() -> None:
    late = Diagnostic("a", "", span=Span("b.yaml", 2, 1))
    warning = Diagnostic("b", "", severity=Severity.WARNING, span=Span("b.yaml", 1, 9))
    error = Diagnostic("c", "", span=Span("b.yaml", 1, 9))
    nowhere = Diagnostic("d", "")
    assert sorted_diagnostics([late, warning, error, nowhere]) == (nowhere, error, warning, late)


def test_only_errors_count_as_errors() -> None:
    assert not has_errors([Diagnostic("a", "b", severity=Severity.WARNING)])
    assert has_errors([Diagnostic("a", "b", severity=Severity.INFO), Diagnostic("a", "b")])


def test_an_exception_tells_its_findings() -> None:
    with pytest.raises(DiagnosticError, match="first: one; second: two") as caught:
        raise DiagnosticError(Diagnostic("first", "one"), Diagnostic("second", "two"))
    assert [d.summary for d in caught.value.diagnostics] == ["first", "second"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [("artefact", "Did you mean artifact?"), ("runtimes", "Did you mean runtime?"), ("x", "")],
)
def test_the_closest_candidate_is_offered(word: str, expected: str) -> None:
    assert did_you_mean(word, ["runtime", "artifact", "model"]) == expected

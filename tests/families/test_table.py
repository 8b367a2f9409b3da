"""docs/families.md: what is written from results, and that the one in the repository is right."""

from __future__ import annotations

import pytest

from tests.families.family import EditionName, Family, FamilyError, family_names, load_family
from tests.families.results import KEPT, DeploymentResult, Results, Seconds, TrialResult, load_results
from tests.families.table import DOCUMENT, check_document, render_document

FAMILIES = [load_family(name) for name in family_names()]


def trial(family: Family, edition: EditionName, difference: float = 0.0) -> TrialResult:
    one = DeploymentResult(
        name="model",
        artifact_type=family.artifact_type,
        processor="mlflow",
        runtime="mlflow",
        rows=150,
        missing=7,
        types=("Str",),
        outputs=1,
        largest_difference=difference,
        requests_per_second=1234,
    )
    return TrialResult(
        family=family.name,
        edition=edition,
        version=family.version(edition),
        day="2030-01-31",
        deployments=(one,),
        seconds=Seconds(environment=0, build=0, deployment=0),
    )


def full_results() -> Results:
    return Results(trials=tuple(trial(family, edition) for family in FAMILIES for edition in family.editions))


def test_the_document_in_the_repository_is_of_these_families() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert list(check_document(text, FAMILIES)) == []
    assert text == render_document(FAMILIES, load_results(KEPT))


def test_what_is_written_is_right() -> None:
    text = render_document(FAMILIES, full_results())
    assert list(check_document(text, FAMILIES)) == []
    assert "| 150 / 150 | 0 / 0 | 1,234 / 1,234 |" in text
    assert "2030-01-31" in text


def test_a_difference_is_shown() -> None:
    family = load_family("scikit-learn")
    results = full_results().with_trial(trial(family, EditionName.NEWEST, 2.1e-16))
    assert "| 0 / 2.1e-16 |" in render_document(FAMILIES, results)


def test_results_of_another_version_don_t_do() -> None:
    family = load_family("scikit-learn")
    old = trial(family, EditionName.NEWEST).model_copy(update={"version": "0.1"})
    with pytest.raises(FamilyError, match=r"run them: scikit-learn newest$"):
        render_document(FAMILIES, full_results().with_trial(old))


def test_what_is_missing_in_a_document_is_found() -> None:
    text = render_document(FAMILIES, full_results())
    family = load_family("scikit-learn")
    version = family.version(EditionName.NEWEST)
    without = "\n".join(line for line in text.splitlines() if not line.startswith("| scikit-learn"))
    assert "scikit-learn is missing" in list(check_document(without, FAMILIES))
    assert any("pinned now" in problem for problem in check_document(text.replace(version, "9"), FAMILIES))
    assert "a blank in the row of scikit-learn" in list(
        check_document(text.replace("| scikit-learn | model |", "| scikit-learn |  |"), FAMILIES)
    )
    assert "XYZ is no family" in list(check_document(text.replace("| scikit-learn |", "| XYZ |"), FAMILIES))


def test_a_family_that_can_t_be_tried_has_a_row_that_says_so() -> None:
    family = Family(
        name="vendor",
        title="Vendor",
        artifact_type="vendor/model",
        plugins=(),
        untried="Its terms forbid it.",
        processor="`vendor`",
        runtime="the vendor's own image",
    )
    text = render_document([*FAMILIES, family], full_results())
    assert list(check_document(text, [*FAMILIES, family])) == []
    assert "- **Vendor**: Its terms forbid it." in text

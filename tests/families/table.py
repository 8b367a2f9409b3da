"""docs/families.md: rendered from results, and held against the families' files. Pure but for its path."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from tests.families.family import ROOT, EditionName, Family, FamilyError
from tests.families.results import DeploymentResult, Results, TrialResult

DOCUMENT: Final = ROOT / "docs" / "families.md"
HEADINGS: Final = (
    "Family",
    "Deployment",
    "Listed",
    "Tried",
    "Newest tried",
    "Artifact type",
    "Processor",
    "Runtime",
    "Rows",
    "Largest difference",
    "Requests/s",
)
SAME: Final = "the same"
NOT_LISTED: Final = "none"
UNTRIED: Final = "not tried"


def render_document(families: Sequence[Family], results: Results) -> str:
    """The whole document.

    Raises:
        FamilyError: a family and edition has no result, or one of another version than is pinned now.
    """
    found = {(trial.family, trial.edition): trial for trial in results.trials}
    lacking = list(_lacking(families, found))
    if lacking:
        raise FamilyError(f"these have no result of their present version; run them: {', '.join(lacking)}")
    lines = [_row(HEADINGS), _row(["---"] * len(HEADINGS))]
    for family in families:
        lines += map(_row, [_untried_row(family)] if family.untried else _family_rows(family, found))
    days = sorted({trial.day for trial in results.trials})
    return _PREAMBLE + "\n".join(lines) + "\n" + _notes(families, days)


def check_document(text: str, families: Sequence[Family]) -> Iterator[str]:
    """What a document lacks or says wrong, by the families' files alone: rows, versions, blanks."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith("| ---")
    ]
    if not rows or tuple(rows[0]) != HEADINGS:
        yield f"the table's headings must be {', '.join(HEADINGS)}"
        return
    yield from (
        f"a blank in the row of {row[0]}" for row in rows if len(row) != len(HEADINGS) or not all(row)
    )
    told = {row[0]: row for row in rows[1:]}
    yield from (f"{title} is no family" for title in told.keys() - {family.title for family in families})
    for family in families:
        row = told.get(family.title)
        if row is None:
            yield f"{family.title} is missing"
        elif row[2:5] != _versions(family):
            yield f"{family.title}: the versions are {row[2:5]}, and those pinned now {_versions(family)}"
        if f"- **{family.title}**: " not in text:
            yield f"{family.title} has no note"


def _versions(family: Family) -> list[str]:
    """The listed version, the one tried for it, and the newest one tried."""
    if family.untried:
        return [family.listed or NOT_LISTED, UNTRIED, UNTRIED]
    newest = family.version(EditionName.NEWEST) if EditionName.NEWEST in family.editions else SAME
    return [family.listed or NOT_LISTED, family.version(EditionName.LISTED), newest]


def _untried_row(family: Family) -> Sequence[str]:
    known = [f"`{family.artifact_type}`", family.processor, family.runtime]
    return [family.title, UNTRIED, *_versions(family), *known, *[UNTRIED] * 3]


def _lacking(
    families: Sequence[Family], found: Mapping[tuple[str, EditionName], TrialResult]
) -> Iterator[str]:
    for family in families:
        for edition in family.editions:
            trial = found.get((family.name, edition))
            if trial is None or trial.version != family.version(edition):
                yield f"{family.name} {edition}"


def _family_rows(
    family: Family, found: Mapping[tuple[str, EditionName], TrialResult]
) -> Iterator[Sequence[str]]:
    listed = found[family.name, EditionName.LISTED]
    newest = found.get((family.name, EditionName.NEWEST))
    for one in listed.deployments:
        both = [one] + [other for other in (newest.deployments if newest else ()) if other.name == one.name]
        yield (
            family.title,
            one.name,
            *_versions(family),
            f"`{one.artifact_type}`",
            f"`{one.processor}`",
            f"`{one.runtime}`",
            _both(both, lambda result: str(result.rows)),
            _both(both, lambda result: _amount(result.largest_difference)),
            _both(both, lambda result: f"{result.requests_per_second:,}"),
        )


def _both(results: Sequence[DeploymentResult], show: Callable[[DeploymentResult], str]) -> str:
    """What the listed version gave, and after a slash what the newest did."""
    return " / ".join(map(show, results))


def _amount(difference: float) -> str:
    return f"{difference:.1e}" if difference else "0"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _notes(families: Sequence[Family], days: Sequence[str]) -> str:
    """What each family's file says of its versions, its rows and its tolerance."""
    lines = [
        "",
        "## Notes",
        "",
        f"Run on {' and '.join(days)}, on a machine with two cores that others used too.",
        "",
    ]
    for family in families:
        said = [
            family.untried,
            family.note,
            *(edition.note for edition in family.editions.values()),
            family.rows.note,
            *(rows.note for rows in family.cases.values()),
        ]
        if not family.untried and EditionName.NEWEST not in family.editions:
            said.append("No newer version was tried.")
        if family.comparison.tolerance:
            said.append(f"Numbers may be off by {family.comparison.tolerance:g}: {family.comparison.reason}")
        lines.append(f"- **{family.title}**: {' '.join(text.strip() for text in said if text)}")
    return "\n".join(lines) + "\n"


_PREAMBLE: Final = """# Model families

Each family below was deployed by specr and asked over HTTP, and its answers compared with the library's own
predictions, cell by cell. `make families` does it again; this page is written from such a run by
`python -m tests.families document`.

- **Listed** is the version that the family was asked for in; **tried** is that one, or the nearest that
  installs on CPython 3.11; **newest tried** is the newest on the day of the run.
- **Rows** are asked all at once as JSON values, again in chunks of 32 as text, and some alone.
- **Largest difference** is of all numbers in all answers, relative to the larger of 1 and the number. 0 means
  the same bits. Everything that is no float has to be the same.
- **Requests/s** are of one row over one connection, one after another, the client on the same machine: an
  order of magnitude, no benchmark.
- Two figures with a slash are of the version tried and of the newest.

MLflow's model registry is a source of models rather than a family: `make registry` tries it on real servers.

CI runs the families in both versions, two at a time, within a budget of 25 minutes (`tests/families/ci`); of
those whose environments are gigabytes to download it runs one with each commit, in turn. `FAMILIES=all` makes
it run all of them, `FAMILIES=half` every second one and the others with the next commit.

"""

"""One family in one edition, from its environment to the destroy: what a family's proof consists of."""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.families.commands import CommandError, Deadline
from tests.families.comparing import DifferenceError, largest_difference
from tests.families.environments import environment, plugin_folders, write_launcher
from tests.families.family import EditionName, Family, Rows
from tests.families.models import Case, Cell, Table, build_model, load_cases
from tests.families.project import Deployed, Project, ProjectError
from tests.families.results import DeploymentResult, Seconds, TrialResult
from tests.families.scorer import Column, Scorer, as_text

_CHUNK = 32
_SINGLES = 20
_TYPES = {"Boolean": "Bool", "String": "Str"}


class TrialError(Exception):
    """A family whose rows prove less than they should."""


def try_family(family: Family, edition: EditionName, deadline: Deadline) -> TrialResult:
    """Build, deploy, ask, compare, destroy.

    Raises:
        CommandError, BuildError, ProjectError, ScoringError, DifferenceError, TrialError: what went wrong.
        OutOfTimeError: the run's time is up.
    """
    started = time.monotonic()
    python, _ = environment(family, edition, deadline)
    installed = time.monotonic()
    built, _ = build_model(family, python, deadline)
    cases = load_cases(built, family)
    trained = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"specr-{family.name}-") as name:
        folder = Path(name).resolve()
        launcher = folder.with_suffix(".python")
        write_launcher(launcher, python, plugin_folders(family.plugins))
        try:
            results = _deploy(family, Project(folder, launcher, deadline), built, cases, deadline)
        finally:
            launcher.unlink()
    return TrialResult(
        family=family.name,
        edition=edition,
        version=family.version(edition),
        day=time.strftime("%Y-%m-%d"),
        deployments=tuple(results),
        seconds=Seconds(
            environment=round(installed - started, 1),
            build=round(trained - installed, 1),
            deployment=round(time.monotonic() - trained, 1),
        ),
    )


def _deploy(
    family: Family, project: Project, built: Path, cases: Mapping[str, Case], deadline: Deadline
) -> list[DeploymentResult]:
    project.write(family.folder / "specr.yaml", built, cases)
    deployed = project.plan()
    unused = set(cases) - {one.case for one in deployed}
    if unused:
        raise TrialError(f"nothing deploys what build.py wrote to {sorted(unused)}")
    try:
        project.apply()
        urls = project.urls()
        proved = [_prove(family, one, cases[one.case], Scorer(urls[one.name], deadline)) for one in deployed]
    except BaseException as failure:
        try:
            project.destroy()
        except (CommandError, ProjectError) as error:
            failure.add_note(f"and then: {error}")
        raise
    project.destroy()
    for name in {"", *family.cases}:
        like = [result for one, result in zip(deployed, proved, strict=True) if _promise(family, one) == name]
        _check_types(family.rows_of(name), like)
    return proved


def _promise(family: Family, deployed: Deployed) -> str:
    """Which of the family's promises a deployment's rows keep: that of its case, or the general one."""
    return deployed.case if deployed.case in family.cases else ""


def _prove(family: Family, deployed: Deployed, case: Case, asking: Scorer) -> DeploymentResult:
    """Ask one deployment for every row, in several ways, and compare."""
    with asking as scorer:
        served = scorer.schema()
        promised = family.rows_of(deployed.case)
        _check_gaps(promised, case)
        try:
            differences = [
                largest_difference(case.expected, answer, served.outputs, family.comparison.tolerance, rows)
                for rows, answer in _answers(scorer, case)
            ]
            if case.contributions is not None:
                told = scorer.contributions(case.asked.fields, case.asked.rows)
                differences.append(_explained(case.contributions, told, family.comparison.tolerance))
        except DifferenceError as error:
            raise DifferenceError(f"deployment/{deployed.name}: {error}") from error
        if promised.missing == "refused":
            _check_refusals(scorer, case)
        speed = scorer.requests_per_second(case.asked.fields, case.self_contained(0))
    return DeploymentResult(
        name=deployed.name,
        artifact_type=deployed.artifact_type,
        processor=deployed.processor,
        runtime=deployed.runtime,
        rows=len(case.asked.rows),
        missing=sum(cell is None for row in case.asked.rows for cell in row),
        types=tuple(sorted({column.data_type for column in served.inputs})),
        outputs=len(case.expected.fields),
        largest_difference=max(differences),
        requests_per_second=round(speed),
    )


def _answers(scorer: Scorer, case: Case) -> Iterator[tuple[Sequence[int], Table]]:
    """All rows at once, then in chunks as text, then some of them alone, with files in their cells."""
    fields, rows = case.asked.fields, case.asked.rows

    def ask(asked: Sequence[int], cells: Sequence[Sequence[Cell]]) -> tuple[Sequence[int], Table]:
        if case.media:
            return asked, scorer.score_form(fields, cells, case.files(asked))
        return asked, scorer.score(fields, cells)

    yield ask(range(len(rows)), rows)
    for start in range(0, len(rows), _CHUNK):
        chunk = range(start, min(start + _CHUNK, len(rows)))
        yield ask(chunk, [as_text(rows[row]) for row in chunk])
    for row in range(0, len(rows), max(1, len(rows) // _SINGLES)):
        yield [row], scorer.score(fields, [case.self_contained(row)])


def _explained(expected: Table, told: Table, tolerance: float) -> float:
    """How far Shapley values are off at most."""
    shares = [Column(name, "Float64") for name in told.fields]
    return largest_difference(expected, told, shares, tolerance, range(len(expected.rows)))


def _check_types(promised: Rows, served: Sequence[DeploymentResult]) -> None:
    """See that the models' rows hold all column types that the family's file promises."""
    wanted = {_TYPES.get(name, name) for name in promised.types}
    found = {name for one in served for name in one.types}
    if not wanted <= found:
        raise TrialError(f"the rows lack columns of type {', '.join(sorted(wanted - found))}")


def _check_gaps(promised: Rows, case: Case) -> None:
    """See that the rows lack cells if the family's file says that they may."""
    gaps = any(cell is None for row in case.asked.rows for cell in row)
    if gaps != (promised.missing == "scored"):
        raise TrialError(
            f"rows.missing is {promised.missing!r}, and rows.json has {'' if gaps else 'no '}gaps"
        )


def _check_refusals(scorer: Scorer, case: Case) -> None:
    for position, field in enumerate(case.asked.fields):
        row = [None if place == position else cell for place, cell in enumerate(case.self_contained(0))]
        status = scorer.refusal(case.asked.fields, row)
        if status != 400:
            raise TrialError(f"a row without {field!r} must be refused with 400, and got {status}")

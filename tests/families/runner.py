"""Runs trials one after another within a time budget, and tells of each as it ends."""

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from tests.families.commands import CommandError, Deadline, OutOfTimeError
from tests.families.comparing import DifferenceError
from tests.families.family import EditionName, Family, FamilyError
from tests.families.models import BuildError
from tests.families.project import ProjectError
from tests.families.results import TrialResult, load_results, write_results
from tests.families.scorer import ScoringError
from tests.families.trial import TrialError, try_family

_FAILURES = (
    CommandError,
    BuildError,
    ProjectError,
    ScoringError,
    DifferenceError,
    TrialError,
    FamilyError,
)


@dataclass(frozen=True, slots=True)
class Planned:
    """A trial to come."""

    family: Family
    edition: EditionName

    def __str__(self) -> str:
        return f"{self.family.name} {self.edition}"


def run_trials(planned: Sequence[Planned], budget: float, results: Path) -> bool:
    """Run trials until the budget, in seconds, is spent; whether all of them passed.

    What the budget did not reach has not passed.
    """
    deadline = Deadline.after(budget)
    failed = list[str]()
    passed = 0
    for one in planned:
        started = time.monotonic()
        try:
            trial = try_family(one.family, one.edition, deadline)
        except OutOfTimeError:
            failed += [f"{left}: not run to its end" for left in planned[passed + len(failed) :]]
            click.echo(f"{one}: OUT OF TIME: the budget of {budget:.0f} s is spent")
            break
        except _FAILURES as error:
            failed.append(f"{one}: {error}")
            notes = "".join(f"\n  {note}" for note in getattr(error, "__notes__", ()))
            click.echo(f"{one}: FAILED after {time.monotonic() - started:.0f} s\n  {error}{notes}")
        except Exception as bug:  # noqa: BLE001 - the other families' results are worth having
            failed.append(f"{one}: {type(bug).__name__}: {bug}")
            click.echo(f"{one}: FAILED\n{traceback.format_exc()}")
        else:
            passed += 1
            write_results(results, load_results(results).with_trial(trial))
            click.echo(_line(trial))
    for failure in failed:
        click.echo(f"FAILED {failure.splitlines()[0]}")
    click.echo(f"{passed} passed, {len(failed)} failed")
    return not failed


def _line(trial: TrialResult) -> str:
    proved = "; ".join(
        f"{one.name}: {one.rows} rows, largest difference {one.largest_difference:.3g},"
        f" {one.requests_per_second} requests/s"
        for one in trial.deployments
    )
    took = trial.seconds
    return (
        f"{trial.family} {trial.edition} ({trial.version}): {proved}"
        f" [{took.environment:.0f} + {took.build:.0f} + {took.deployment:.0f} s]"
    )

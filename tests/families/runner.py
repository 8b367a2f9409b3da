"""Runs trials within a time budget, and tells of each as it ends."""

import subprocess
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import click
import httpx

from tests.families.commands import CommandError, Deadline, OutOfTimeError
from tests.families.comparing import DifferenceError
from tests.families.family import ROOT, EditionName, Family, FamilyError
from tests.families.models import BuildError
from tests.families.project import ProjectError
from tests.families.results import TrialResult, load_results, write_results
from tests.families.scorer import ScoringError
from tests.families.trial import TrialError, try_family

_FAILURES = (
    BuildError,
    CommandError,
    DifferenceError,
    FamilyError,
    ProjectError,
    ScoringError,
    TrialError,
    httpx.HTTPError,
)


@dataclass(frozen=True, slots=True)
class Planned:
    """A trial to come."""

    family: Family
    edition: EditionName

    def __str__(self) -> str:
        return f"{self.family.name} {self.edition}"


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a trial: its result, or why there is none."""

    planned: Planned
    seconds: float
    result: TrialResult | None = None
    failure: str = ""


def half_of(families: Sequence[Family]) -> list[Family]:
    """Every second family, the others with the next commit: a checkout's turn is its number of commits."""
    return list(families[_commits() % 2 :: 2])


def _commits() -> int:
    counted = subprocess.run(
        ["git", "-C", ROOT, "rev-list", "--count", "HEAD"], check=True, capture_output=True, text=True
    )
    return int(counted.stdout)


def in_turn(families: Sequence[Family]) -> list[Family]:
    """All but the heavy families, and one of those, another with the next commit."""
    heavy = [family for family in families if family.heavy]
    chosen = heavy[_commits() % len(heavy)] if heavy else None
    return [family for family in families if not family.heavy or family is chosen]


def run_trials(planned: Sequence[Planned], *, budget: float, jobs: int, results: Path) -> bool:
    """Run trials, `jobs` at a time, until the budget in seconds is spent; whether all of them passed.

    What the budget did not reach has not passed.
    """
    deadline = Deadline(budget)
    ended = list[Ended]()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for future in as_completed([pool.submit(_run, one, deadline) for one in planned]):
                ended.append(future.result())
                _tell(ended[-1], results)
        except BaseException:
            deadline.call_off()
            raise
    failed = [one for one in ended if one.result is None]
    for one in failed:
        click.echo(f"FAILED {one.planned}: {one.failure.partition(chr(10))[0]}")
    click.echo(f"{len(ended) - len(failed)} passed, {len(failed)} failed")
    return not failed


def _run(planned: Planned, deadline: Deadline) -> Ended:
    started = time.monotonic()
    try:
        result = try_family(planned.family, planned.edition, deadline)
    except OutOfTimeError:
        return Ended(planned, time.monotonic() - started, failure="the budget was spent before it was done")
    except _FAILURES as error:
        said = "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
        return Ended(planned, time.monotonic() - started, failure=said)
    except Exception:  # noqa: BLE001 - told in full, and the other families' results are worth having
        return Ended(planned, time.monotonic() - started, failure=traceback.format_exc())
    return Ended(planned, time.monotonic() - started, result)


def _tell(ended: Ended, results: Path) -> None:
    trial = ended.result
    if trial is None:
        said = ended.failure.replace("\n", "\n  ")
        click.echo(f"{ended.planned}: FAILED after {ended.seconds:.0f} s\n  {said}")
        return
    write_results(results, load_results(results).with_trial(trial))
    proved = "; ".join(
        f"{one.name}: {one.rows} rows, largest difference {one.largest_difference:.3g},"
        f" {one.requests_per_second} requests/s"
        for one in trial.deployments
    )
    took = trial.seconds
    parts = (
        f"{took.environment:.0f} s environment, {took.build:.0f} s build, {took.deployment:.0f} s deployment"
    )
    click.echo(f"{ended.planned} ({trial.version}): {proved} [{parts}]")

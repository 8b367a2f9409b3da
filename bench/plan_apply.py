"""Measures plan and apply, side by side with Terraform in one run where it is installed.

    python bench/plan_apply.py                          # sizes 1000 and 10000, 3 runs
    python bench/plan_apply.py --sizes 1000 10000 100000 --terraform-plan-up-to 10000

Terraform's apply is measured up to 1,000 resources: 10,000 took it longer than 15 minutes. For its
plans of more, its state is written as its apply would have left it; it finds nothing to do then.

Each figure is of a whole process: wall time and processor time (medians of the runs, in seconds)
and peak memory (of the largest run, in MB). Commands take turns, so that a machine whose speed
drifts treats both alike; on a busy machine processor time says more than wall time. Results go to
standard output, and as JSON to bench/out/.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from generate import write_specr, write_terraform, write_terraform_state

SPECR = str(Path(sys.executable).parent / "specr")
TERRAFORM = shutil.which("terraform")


@dataclass(frozen=True)
class Figure:
    """What one command took."""

    seconds: float
    cpu: float
    megabytes: float


def run(command: Sequence[str], cwd: Path) -> Figure:
    """Run a command to its end; its output is thrown away unless it fails."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{output.read().decode()[-2000:]}")
    return Figure(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def measure(commands: dict[str, tuple[Callable[[], Path], Sequence[str]]], runs: int) -> dict[str, Figure]:
    """Run each command `runs` times, taking turns. Before each run its folder is made anew."""
    taken: dict[str, list[Figure]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, (prepare, command) in commands.items():
            taken[name].append(run(command, prepare()))
    return {
        name: Figure(
            statistics.median(f.seconds for f in figures),
            statistics.median(f.cpu for f in figures),
            max(f.megabytes for f in figures),
        )
        for name, figures in taken.items()
    }


class Projects:
    """Projects of one size, in a temporary folder: fresh ones, and applied ones."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count

    def specr(self, kind: str) -> Path:
        """A new specr project."""
        return self._new(f"specr-{kind}", lambda folder: write_specr(kind, self._count, folder))

    def terraform(self) -> Path:
        """A new, initialised Terraform project."""
        folder = self._new("terraform", lambda folder: write_terraform(self._count, folder))
        run([str(TERRAFORM), "init", "-input=false"], folder)
        return folder

    def _new(self, name: str, write: Callable[[Path], None]) -> Path:
        folder = self._folder / name
        shutil.rmtree(folder, ignore_errors=True)
        write(folder)
        return folder


SPECR_PLAN = [SPECR, "plan", "--detailed-exitcode"]
SPECR_APPLY = [SPECR, "apply", "--auto-approve"]
TERRAFORM_PLAN = [str(TERRAFORM), "plan", "-input=false", "-detailed-exitcode"]
TERRAFORM_APPLY = [str(TERRAFORM), "apply", "-input=false", "-auto-approve"]


def measure_size(count: int, runs: int, *, plans: bool, applies: bool) -> dict[str, Figure]:
    """Apply of `count` new records, then a plan that finds nothing to do.

    `plans` and `applies` say what Terraform is measured at, too.
    """
    found: dict[str, Figure] = {}
    with tempfile.TemporaryDirectory() as folder:
        projects = Projects(Path(folder), count)
        commands: dict[str, tuple[Callable[[], Path], Sequence[str]]] = {
            "specr apply": (lambda: projects.specr("records"), SPECR_APPLY)
        }
        if applies:
            commands["terraform apply"] = (projects.terraform, TERRAFORM_APPLY)
        found |= measure(commands, runs)
        applied = Path(folder)
        nothing: dict[str, tuple[Callable[[], Path], Sequence[str]]] = {
            "specr plan": (lambda: applied / "specr-records", SPECR_PLAN)
        }
        if plans:
            if not applies:
                write_terraform_state(count, projects.terraform())
            nothing["terraform plan"] = (lambda: applied / "terraform", TERRAFORM_PLAN)
        found |= measure(nothing, runs)
        chains = max(1, count // 5)
        deployments = Projects(Path(folder), chains)
        name = f"specr apply, {chains} deployments"
        found |= measure({name: (lambda: deployments.specr("deployments"), SPECR_APPLY)}, 1)
        name = f"specr plan, {chains} deployments"
        found |= measure({name: (lambda: applied / "specr-deployments", SPECR_PLAN)}, runs)
    return found


def measure_start_up(runs: int) -> dict[str, Figure]:
    """The shortest commands: what users wait for every time."""
    with tempfile.TemporaryDirectory() as folder:
        projects = Projects(Path(folder), 10)
        small = projects.specr("records")
        run(SPECR_APPLY, small)
        commands: dict[str, tuple[Callable[[], Path], Sequence[str]]] = {
            "specr version": (lambda: small, [SPECR, "version"]),
            "specr plan, 10 resources": (lambda: small, SPECR_PLAN),
        }
        if TERRAFORM:
            tiny = projects.terraform()
            run(TERRAFORM_APPLY, tiny)
            commands["terraform version"] = (lambda: tiny, [TERRAFORM, "version"])
            commands["terraform plan, 10 resources"] = (lambda: tiny, TERRAFORM_PLAN)
        return measure(commands, max(runs, 15))


def show(title: str, figures: dict[str, Figure]) -> None:
    """Print figures as a table, with how many times faster specr is."""
    print(f"\n{title}")
    for name, figure in figures.items():
        print(f"  {name:<36} {figure.seconds:9.3f} s {figure.cpu:9.3f} s CPU {figure.megabytes:7.0f} MB")
    for what in ("apply", "plan"):
        ours, theirs = figures.get(f"specr {what}"), figures.get(f"terraform {what}")
        if ours and theirs:
            wall, cpu = theirs.seconds / ours.seconds, theirs.cpu / ours.cpu
            print(f"  specr {what} is {wall:.1f} times faster, and takes {cpu:.1f} times less CPU")


def main() -> None:
    """Measure all sizes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--terraform-plan-up-to", type=int, default=10000)
    parser.add_argument("--terraform-apply-up-to", type=int, default=1000)
    options = parser.parse_args()
    if TERRAFORM is None:
        print("terraform is not on the PATH: measuring specr alone")
    results = {"start-up": measure_start_up(options.runs)}
    show("start-up", results["start-up"])
    for size in options.sizes:
        results[str(size)] = measure_size(
            size,
            options.runs,
            plans=TERRAFORM is not None and size <= options.terraform_plan_up_to,
            applies=TERRAFORM is not None and size <= options.terraform_apply_up_to,
        )
        show(f"{size} records", results[str(size)])
    out = Path(__file__).parent / "out"
    out.mkdir(exist_ok=True)
    report = {title: {name: vars(f) for name, f in figures.items()} for title, figures in results.items()}
    (out / "plan_apply.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()

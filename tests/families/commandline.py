"""The options of `python -m tests.families`."""

import signal
import sys
from pathlib import Path

import click

from tests.families.commands import CommandError
from tests.families.family import ROOT, EditionName, Family, FamilyError, family_names, load_family
from tests.families.locking import lock_family
from tests.families.results import KEPT, load_results, write_results
from tests.families.runner import Planned, half_of, in_turn, run_trials
from tests.families.table import DOCUMENT, render_document

_RESULTS = ROOT / "build" / "families.json"


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Deploy every model family with specr and compare its answers with the library's own."""
    if context.invoked_subcommand is None:
        context.invoke(run_families)


@main.command("run")
@click.argument("names", nargs=-1)
@click.option("--edition", type=click.Choice([name.value for name in EditionName]), help="Only this one.")
@click.option("--half", is_flag=True, help="Every second family, the others with the next commit.")
@click.option("--turns", is_flag=True, help="One of the heavy families, another with the next commit.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="How many at a time.")
@click.option("--budget", type=int, default=3600, show_default=True, help="Seconds, then it is over.")
@click.option("--results", type=click.Path(path_type=Path), default=_RESULTS, help="The results file.")
def run_families(
    names: tuple[str, ...] = (),
    edition: str | None = None,
    *,
    half: bool = False,
    turns: bool = False,
    jobs: int = 1,
    budget: int = 3600,
    results: Path = _RESULTS,
) -> None:
    """Run families, all of them unless some are named."""
    # Whoever stops a run, be it with SIGTERM, must not leave deployments behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    families = _load(names)
    if turns:
        families = in_turn(families)
    if half:
        families = half_of(families)
    planned = [
        Planned(family, name)
        for family in families
        for name in EditionName
        if name in family.editions and edition in (None, name)
    ]
    sys.exit(0 if run_trials(planned, budget=budget, jobs=jobs, results=results) else 1)


@main.command("lock")
@click.argument("names", nargs=-1, required=True)
def lock(names: tuple[str, ...]) -> None:
    """Resolve what families require, and pin it in their requirement files."""
    try:
        for family in _load(names):
            for path in lock_family(family):
                click.echo(f"wrote {path.relative_to(ROOT)}")
    except CommandError as error:
        raise click.ClickException(str(error)) from error


@main.command("needs")
@click.argument("names", nargs=-1)
def needs(names: tuple[str, ...]) -> None:
    """Print the Debian packages that families need, beside Python."""
    click.echo(" ".join(sorted({need for family in _load(names) for need in family.debian_packages})))


@main.command("document")
@click.option(
    "--results", type=click.Path(path_type=Path), multiple=True, default=[_RESULTS], help="Newer results."
)
def document(results: tuple[Path, ...]) -> None:
    """Write docs/families.md from kept results and newer ones, and keep these."""
    kept = load_results(KEPT)
    for path in results:
        for trial in load_results(path).trials:
            kept = kept.with_trial(trial)
    families = _load(())
    kept = kept.only_of({family.name for family in families})
    try:
        text = render_document(families, kept)
    except FamilyError as error:
        raise click.ClickException(str(error)) from error
    write_results(KEPT, kept)
    DOCUMENT.write_text(text, encoding="utf-8")
    click.echo(f"wrote {KEPT.relative_to(ROOT)} and {DOCUMENT.relative_to(ROOT)}")


def _load(names: tuple[str, ...]) -> list[Family]:
    try:
        return [load_family(name) for name in names or family_names()]
    except FamilyError as error:
        raise click.ClickException(str(error)) from error

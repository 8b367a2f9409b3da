"""The budget, and what is told of trials, with trials that are made up."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.families import runner
from tests.families.commands import CommandError, Deadline, OutOfTimeError, run
from tests.families.family import EditionName, Family, load_family
from tests.families.results import load_results
from tests.families.test_table import trial

FAMILY = load_family("scikit-learn")
PLANNED = [runner.Planned(FAMILY, edition) for edition in EditionName]


def run_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, try_family: object, budget: float = 60.0
) -> bool:
    monkeypatch.setattr(runner, "try_family", try_family)
    return runner.run_trials(PLANNED, budget=budget, jobs=1, results=tmp_path / "results.json")


def test_passed_trials_are_kept_and_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_with(monkeypatch, tmp_path, lambda family, edition, _: trial(family, edition))
    assert len(load_results(tmp_path / "results.json").trials) == 2
    assert capsys.readouterr().out.endswith("2 passed, 0 failed\n")


def test_a_failed_trial_fails_the_run_but_not_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails_when_listed(family: Family, edition: EditionName, _: Deadline) -> object:
        if edition is EditionName.LISTED:
            raise CommandError("no such wheel")
        return trial(family, edition)

    assert not run_with(monkeypatch, tmp_path, fails_when_listed)
    out = capsys.readouterr().out
    assert "FAILED scikit-learn listed: CommandError: no such wheel" in out
    assert out.endswith("1 passed, 1 failed\n")


def test_what_the_budget_does_not_reach_has_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def never_ends(_family: Family, _edition: EditionName, deadline: Deadline) -> object:
        return run([sys.executable, "-c", "import time; time.sleep(60)"], deadline=deadline, limit=60)

    assert not run_with(monkeypatch, tmp_path, never_ends, budget=0.5)
    assert capsys.readouterr().out.count("FAILED scikit-learn newest: the budget was spent") == 1


def test_a_command_that_is_cut_off_leaves_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {mark}; wait"
    with pytest.raises(OutOfTimeError):
        run(["/bin/sh", "-c", script], deadline=Deadline(1), limit=60)
    pid = mark.read_text().strip()
    for _ in range(100):
        shown = subprocess.run(["ps", "-o", "stat=", "-p", pid], check=False, capture_output=True, text=True)
        if shown.stdout.strip()[:1] in ("", "Z"):
            return
        time.sleep(0.1)
    pytest.fail(f"process {pid} still runs")


def test_a_command_has_a_limit_of_its_own() -> None:
    with pytest.raises(CommandError, match="took longer than 1 s"):
        run(["/bin/sleep", "60"], deadline=Deadline(60), limit=1)


def test_a_failed_command_says_what_it_said() -> None:
    with pytest.raises(CommandError, match=r"ended with status 3:\nout\n+err"):
        run(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"], deadline=Deadline(60), limit=60)


def test_halves_make_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    families = [FAMILY.model_copy(update={"name": name}) for name in "abcde"]
    halves = []
    for commits in ("7", "8"):
        told = subprocess.CompletedProcess([], 0, stdout=f"{commits}\n")
        monkeypatch.setattr(subprocess, "run", lambda *_, told=told, **__: told)
        halves.append([family.name for family in runner.half_of(families)])
    assert sorted(halves[0] + halves[1]) == ["a", "b", "c", "d", "e"]
    assert abs(len(halves[0]) - len(halves[1])) == 1

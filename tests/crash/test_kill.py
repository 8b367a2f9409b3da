"""A real `specr apply` dies by SIGKILL, or meets another; state stays whole and the next one heals."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from specr.address import Address, parse_address
from specr.backends.sqlite import SqliteBackend
from specr.state.checks import check_state
from specr.state.model import State
from tests.unit.cli.conftest import SPECS

COUNT = 600
SPECR = [str(Path(sys.executable).parent / "specr")]
APPLY = [*SPECR, "apply", "--auto-approve"]

PROJECT = "apiVersion: specr/v1\nkind: Project\nmetadata: {name: kill}\nspec: {}\n"
PAIR = """\
---
apiVersion: specr/v1
kind: Experiment
metadata: {{name: e{n}}}
spec: {{parameters: {{n: {n}}}}}
---
apiVersion: specr/v1
kind: Model
metadata: {{name: m{n}}}
spec: {{versions: {{1: e{n}}}}}
"""


def write_project(folder: Path, count: int = COUNT) -> Path:
    folder.mkdir()
    (folder / "specr.yaml").write_text(PROJECT + "".join(PAIR.format(n=n) for n in range(count // 2)))
    return folder


def read(folder: Path) -> State:
    backend = SqliteBackend(folder / ".specr" / "state.db")
    try:
        return backend.read()
    finally:
        backend.close()


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SPECR, *command], cwd=folder, capture_output=True, text=True, check=False)


def created(log: Path) -> set[str]:
    """The addresses that the killed process said it had created."""
    return {line.split(":")[0] for line in log.read_text().splitlines() if line.endswith(": created")}


@pytest.fixture(scope="module")
def duration(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds that the whole apply takes here, now."""
    folder = write_project(tmp_path_factory.mktemp("whole") / "project")
    started = time.perf_counter()
    subprocess.run(APPLY, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - started


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(25))
def test_a_killed_apply_loses_nothing_and_the_next_one_heals(
    attempt: int, duration: float, tmp_path: Path
) -> None:
    folder = write_project(tmp_path / "project")
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(APPLY, cwd=folder, stdout=output, stderr=output)
        # Most of the moments lie in the part that writes; some before and after it.
        time.sleep(duration * random.Random(attempt).uniform(0.15, 1.05))
        process.send_signal(signal.SIGKILL)
        process.wait()

    state = read(folder)
    assert not check_state(state)
    assert created(log) <= {str(address) for address in state.objects}

    again = run(folder, "apply", "--auto-approve")
    assert again.returncode == 0, again.stderr
    assert len(read(folder).objects) == COUNT
    assert read(folder).lineage == state.lineage or not state.objects
    plan = run(folder, "plan", "--detailed-exitcode")
    assert plan.returncode == 0, plan.stdout


DYING = """
import os
from specr.cli.main import main
from specr.providers.memory import MemoryProvider
MemoryProvider.{call} = lambda *_: os._exit(9)
main()
"""


@pytest.mark.parametrize(
    ("call", "address", "otherwise"),
    [
        ("readiness", "build/fraud-1.blob", "starting the processor"),
        ("promote", "deployment/fraud", "starting the runtime"),
    ],
)
def test_what_a_killed_apply_began_is_taken_up_and_not_told_as_started(
    tmp_path: Path, call: str, address: str, otherwise: str
) -> None:
    die_in(tmp_path, call)
    again = run(tmp_path, "apply", "--auto-approve")
    assert f"{address}: taking up what an earlier apply began…" in again.stderr
    assert f"{address}: {otherwise}" not in again.stderr
    assert run(tmp_path, "plan", "--detailed-exitcode").returncode == 0


def die_in(folder: Path, call: str, *options: str) -> None:
    """Let an apply of a small project end without a word, at the first such call of its provider."""
    if not (folder / "specr.yaml").exists():
        (folder / "specr.yaml").write_text(SPECS)
        (folder / "model.bin").write_text("bytes")
    dying = [sys.executable, "-c", DYING.format(call=call), "apply", "--auto-approve", *options]
    assert subprocess.run(dying, cwd=folder, capture_output=True, check=False).returncode == 9


@pytest.mark.parametrize(
    ("call", "address"), [("readiness", "build/fraud-1.blob"), ("promote", "deployment/fraud")]
)
def test_a_replacement_that_a_killed_apply_began_is_told_and_carried_out(
    tmp_path: Path, call: str, address: str
) -> None:
    (tmp_path / "specr.yaml").write_text(SPECS)
    (tmp_path / "model.bin").write_text("bytes")
    assert run(tmp_path, "apply", "--auto-approve").returncode == 0
    before = read(tmp_path).objects
    die_in(tmp_path, call, "--replace", address)

    told = run(tmp_path, "plan").stdout
    assert f"# {address} must be" in told
    assert "because an earlier apply began it and did not finish: --replace asked for it then" in told
    again = run(tmp_path, "apply", "--auto-approve")
    assert f"{address}: taking up what an earlier apply began…" in again.stderr
    place = parse_address(address)
    assert read(tmp_path).objects[place].token != before[place].token
    assert run(tmp_path, "plan", "--detailed-exitcode").returncode == 0


def test_consent_to_replace_a_protected_deployment_outlives_the_apply_that_had_it(tmp_path: Path) -> None:
    (tmp_path / "specr.yaml").write_text(SPECS.replace("model: fraud,", "model: fraud, protect: true,"))
    (tmp_path / "model.bin").write_text("bytes")
    assert run(tmp_path, "apply", "--auto-approve").returncode == 0
    assert "Protected" in run(tmp_path, "plan", "--replace", "deployment/fraud").stderr
    die_in(tmp_path, "promote", "--replace", "deployment/fraud", "--allow-delete", "deployment/fraud")
    assert run(tmp_path, "apply", "--auto-approve").returncode == 0
    assert run(tmp_path, "plan", "--detailed-exitcode").returncode == 0


def test_what_a_killed_apply_began_has_a_log(tmp_path: Path) -> None:
    die_in(tmp_path, "readiness")
    log = run(tmp_path, "logs", "build/fraud-1.blob")
    assert (log.returncode, log.stdout) == (0, "made up the output of build/fraud-1.blob\n")
    assert "was begun and is not finished: `specr plan` says how it goes on." in log.stderr
    shown = run(tmp_path, "state", "show", "build/fraud-1.blob")
    assert shown.returncode == 1
    assert "Begun and not finished" in shown.stderr
    assert "Not applied yet" in run(tmp_path, "logs", "deployment/fraud").stderr


def test_a_plan_beside_an_apply_says_that_one_is_under_way(tmp_path: Path) -> None:
    die_in(tmp_path, "readiness")
    assert "under way" not in run(tmp_path, "plan").stderr
    backend = SqliteBackend(tmp_path / ".specr" / "state.db")
    held = backend.lock_info()
    assert held is not None
    backend.break_lock(held.id)
    backend.lock(holder="ada@elsewhere (pid 7, machine 00000000)", operation="apply", seconds=600)
    backend.close()
    told = " ".join(run(tmp_path, "plan").stderr.split())
    assert "Changes are under way ada@elsewhere (pid 7, machine 00000000) runs `apply` since" in told


def test_a_killed_apply_reads_as_interrupted_at_once(tmp_path: Path) -> None:
    die_in(tmp_path, "readiness")
    history = run(tmp_path, "history")
    assert " interrupted " in history.stdout
    assert "Run 1 ended without finishing: `specr plan` says what is left to do." in history.stderr


def test_two_at_once_never_both_write(tmp_path: Path) -> None:
    """One of them waits; both end well, and each object was written once."""
    folder = write_project(tmp_path / "project", 200)
    racers = [
        subprocess.Popen(
            [*APPLY, "--lock-timeout", "60s"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [racer.communicate()[0] for racer in racers]
    state = read(folder)
    assert len(state.objects) == 200
    # The second found its plan stale, or nothing left to do if it planned after the first was done.
    assert 0 in {racer.returncode for racer in racers}
    for racer, output in zip(racers, outputs, strict=True):
        assert racer.returncode == 0 or "Plan is stale" in output, output


def test_a_held_lock_names_its_holder(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "project", 4)
    backend = SqliteBackend(folder / ".specr" / "state.db")
    backend.ensure()
    lease = backend.lock(holder="ada@elsewhere (pid 7, machine 00000000)", operation="apply", seconds=600)
    refused = run(folder, "apply", "--auto-approve")
    assert refused.returncode == 1
    assert "ada@elsewhere" in refused.stderr
    assert f"specr force-unlock {lease.info.id}" in " ".join(refused.stderr.split())
    assert not read(folder).objects
    assert run(folder, "force-unlock", "--force", lease.info.id).returncode == 0
    assert run(folder, "apply", "--auto-approve").returncode == 0
    backend.close()


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    from specr.workflow.lease import holder_name

    folder = write_project(tmp_path / "project", 4)
    dead = subprocess.Popen(["true"])
    dead.wait()
    backend = SqliteBackend(folder / ".specr" / "state.db")
    backend.ensure()
    holder = holder_name().replace(f"pid {os.getpid()}", f"pid {dead.pid}")
    backend.lock(holder=holder, operation="apply", seconds=600)
    backend.close()
    assert run(folder, "apply", "--auto-approve").returncode == 0
    assert Address("model", "m0") in read(folder).objects

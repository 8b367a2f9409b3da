"""The version alone is told by a way of its own, which nobody is to notice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import specr
from specr.cli import program, version

ALONE = ["version", "--version", "-version"]
MAIN = [sys.executable, "-c", "from specr.cli.main import main; main()"]
COMMANDS = [
    sys.executable,
    "-c",
    "import sys; from specr.cli.program import run; sys.exit(run(sys.argv[1:]))",
]


class Told(NamedTuple):
    code: int
    out: str
    err: str


def told(start: list[str], *arguments: str, environment: dict[str, str] | None = None) -> Told:
    done = subprocess.run([*start, *arguments], capture_output=True, check=False, text=True, env=environment)
    return Told(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("spelling", ALONE)
def test_both_ways_tell_the_same(spelling: str) -> None:
    assert told(MAIN, spelling) == told(COMMANDS, spelling) == (0, f"specr {specr.__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [[], ["version", "--json"], ["-C", ".", "version"], ["version", "-C", "."], ["plan"], ["-v", "version"]],
)
def test_anything_else_is_for_the_commands(arguments: list[str]) -> None:
    assert not version.is_all_asked(arguments)


@pytest.mark.parametrize("level", ["loud", "debug"])
def test_a_log_is_for_the_commands(level: str) -> None:
    environment = {**os.environ, "SPECR_LOG": level}
    assert told(MAIN, "version", environment=environment) == told(
        COMMANDS, "version", environment=environment
    )


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    leave = f"import os; os.chdir({str(tmp_path)!r}); os.rmdir({str(tmp_path)!r}); "
    main = [sys.executable, "-c", f"from specr.cli.main import main; {leave}main()"]
    code, out, err = told(main, "version")
    assert (code, out) == (1, "")
    assert "The current folder is gone." in err


def test_a_closed_standard_output_is_no_failure() -> None:
    shell = ["sh", "-c", f'{sys.executable} -c "from specr.cli.main import main; main()" version >&-']
    assert told(shell) == (0, "", "")


@pytest.mark.parametrize("spelling", ALONE)
def test_a_reader_that_goes_away_is_no_news(spelling: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        process = subprocess.Popen([*MAIN, spelling], stdout=writer, stderr=subprocess.PIPE)
    finally:
        os.close(writer)
    _, err = process.communicate()
    assert (process.returncode, err) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
@pytest.mark.parametrize("spelling", ALONE)
def test_a_version_that_can_not_be_written_is_told(spelling: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*MAIN, spelling], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: Output is lost: No space left on device.")


def test_every_spelling_is_one_of_the_commands() -> None:
    assert all(program.run([spelling]) == 0 for spelling in ALONE)

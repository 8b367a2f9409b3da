from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

import specr
from specr.cli import program
from specr.cli.console import wants_colour
from tests.unit.cli.conftest import Project

COMMAND_LINES = [[name] for name in program.COMMANDS] + [
    ["state", name] for name in ("list", "show", "rm", "pull")
]


def test_version(project: Project) -> None:
    assert project.specr("version").out == f"specr {specr.__version__}\n"
    assert project.specr("--version").out == f"specr {specr.__version__}\n"
    assert '"planFormat": 1' in project.specr("version", "--json").out


@pytest.mark.parametrize("words", COMMAND_LINES, ids=" ".join)
def test_help_has_an_example_and_fits_eighty_columns(project: Project, words: list[str]) -> None:
    answer = project.specr(*words, "--help")
    assert answer.code == 0
    assert "Example" in answer.out
    assert f"specr {' '.join(words)}" in answer.out.partition("Example")[2]
    assert max(map(len, answer.out.splitlines())) <= 80


@pytest.mark.parametrize("name", program.COMMANDS)
def test_every_command_is_what_the_list_says(name: str) -> None:
    command = import_module(f"specr.cli.commands.{name.replace('-', '_')}").command
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["plan", "--nonsense"],
        ["plan", "extra"],
        ["plan", "--target", "no address"],
        ["plan", "--var", "novalue"],
        ["apply", "--lock-timeout", "soon"],
        ["apply", "--parallelism", "0"],
        ["apply", "--json"],
        ["output", "--url"],
        ["show", "--format", "markdown"],
        ["state", "rm"],
        ["completion", "tcsh"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_one(project: Project, words: list[str]) -> None:
    answer = project.specr(*words)
    assert answer.code == 1
    assert answer.out == ""
    assert "Error: " in answer.err


@pytest.mark.parametrize("command", ["plan", "apply", "destroy"])
def test_an_address_as_a_bare_word_is_told_its_option(project: Project, command: str) -> None:
    answer = project.specr(command, "deployment/fraud")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.rstrip().endswith(f": specr {command} --target deployment/fraud")


def test_other_extra_words_are_refused_without_a_guess(project: Project) -> None:
    answer = project.specr("plan", "my.plan", "more")
    assert answer.code == 1
    assert answer.err.endswith("Error: Got unexpected extra arguments (my.plan more).\n")
    assert "Plan can't be read" in project.specr("apply", "plans/mine").err


def test_a_misspelt_command_is_guessed(project: Project) -> None:
    assert "There is no command 'aply'. Did you mean apply?" in project.specr("aply").err


def test_a_missing_folder_is_told(project: Project) -> None:
    assert program.run(["-C", str(project.root / "absent"), "plan"]) == 1
    assert "does not exist" in project.capture.readouterr().err


def test_a_log_level_that_is_none_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECR_LOG", "loud")
    answer = project.specr("version")
    assert answer.code == 1
    assert "SPECR_LOG is 'loud'" in answer.err


def test_an_unexpected_error_is_a_bug_and_shows_no_traceback(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: object, _variables: object = ()) -> None:
        raise RuntimeError("oh no")

    monkeypatch.setattr("specr.cli.session.Session.open", fail)
    answer = project.specr("plan")
    assert answer.code == 1
    assert "This is a bug in specr: RuntimeError: oh no" in answer.err
    assert "SPECR_LOG=debug" in answer.err
    assert "Traceback" not in answer.err
    monkeypatch.setenv("SPECR_LOG", "debug")
    assert "Traceback" in project.specr("plan").err


def test_an_interrupt_exits_with_130(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_self: object, _variables: object = ()) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("specr.cli.session.Session.open", interrupt)
    answer = project.specr("plan")
    assert answer.code == 130
    assert "Interrupted." in answer.err


def specr_process(*arguments: str, **options: object) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-c", "from specr.cli.main import main; main()", *arguments]
    return subprocess.Popen(program, **options)  # type: ignore[call-overload,no-any-return]  # options of any kind


@pytest.mark.parametrize("words", [["schema", "--plan"], ["--help"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_news(project: Project, words: list[str]) -> None:
    reader, writer = os.pipe()
    process = specr_process("-C", str(project.root), *words, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    os.close(reader)
    _, told = process.communicate()
    assert told == b""
    assert process.returncode == 141


def test_answers_are_utf_8_whatever_the_locale(project: Project) -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    process = specr_process(
        "-C", str(project.root), "plan", stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    out, told = process.communicate()
    assert process.returncode == 0, told
    assert "Plan: 9 to create." in out.decode()


def test_version_imports_nothing_slow() -> None:
    slow = {"pydantic", "rich", "ruamel", "httpx", "psutil", "orjson", "logging", "importlib.metadata"}
    code = (
        "import sys; from specr.cli.program import run; run(['version']); run(['--help']); "
        f"print(sorted({slow} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert found.stdout.splitlines()[-1] == "[]"


class Stream:
    def __init__(self, *, terminal: bool) -> None:
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("environment", "terminal", "colour"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colour_goes_where_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *, terminal: bool, colour: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wants_colour(Stream(terminal=terminal)) is colour  # type: ignore[arg-type]  # all that is asked of it


def test_the_program_is_installed_under_its_name() -> None:
    program = Path(sys.executable).parent / "specr"
    found = subprocess.run([program, "version"], capture_output=True, check=True, text=True)
    assert found.stdout == f"specr {specr.__version__}\n"


@pytest.mark.parametrize("foreign", ["", "a: 1\n"])
def test_a_folder_within_a_project_is_told_which_one(
    project: Project, monkeypatch: pytest.MonkeyPatch, foreign: str
) -> None:
    folder = project.root / "models"
    (folder / "fraud").mkdir(parents=True)
    (folder / "fraud" / "MLmodel").touch()
    if foreign:
        (folder / "environment.yaml").write_text(foreign)
    monkeypatch.chdir(folder)
    program.run(["-C", ".", "plan"])
    told = project.capture.readouterr().err
    assert told.startswith("Error: No specs found\n")
    assert f"It lies in the project {project.root}." in " ".join(told.split())
    assert "`specr -C .. …`" in told
    assert "no artifact names" not in told

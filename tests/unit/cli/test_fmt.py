from __future__ import annotations

import io
import os

import pytest

from tests.unit.cli.conftest import Project

MESSY = """\
# a comment that stays
kind:   Experiment
apiVersion: specr/v1
metadata: {name: messy}   # and one more
"""


def test_what_is_formatted_already_stays(project: Project) -> None:
    project.specr("fmt")
    answer = project.specr("fmt", "--check")
    assert (answer.code, answer.out, answer.err) == (0, "", "")


def test_check_writes_nothing_and_exits_with_three(project: Project) -> None:
    project.write("messy.yaml", MESSY)
    answer = project.specr("fmt", "--check")
    assert answer.code == 3
    assert f"{project.root / 'messy.yaml'}\n" in answer.out
    assert (project.root / "messy.yaml").read_text() == MESSY


def test_files_are_formatted_in_place(project: Project) -> None:
    path = project.root / "messy.yaml"
    path.write_text(MESSY)
    path.chmod(0o640)
    answer = project.specr("fmt", "--diff", str(path))
    assert answer.code == 0
    assert "\n-kind:   Experiment\n" in answer.out
    text = path.read_text()
    assert text.index("apiVersion") < text.index("kind")
    assert "# a comment that stays" in text
    assert path.stat().st_mode & 0o777 == 0o640
    assert project.specr("fmt", "--check", str(path)).code == 0
    assert list(project.root.glob(".messy*")) == []


def test_broken_yaml_is_told_and_left_alone(project: Project) -> None:
    project.write("broken.yaml", "kind: [\n")
    project.write("messy.yaml", MESSY)
    answer = project.specr("fmt")
    assert answer.code == 1
    assert "broken.yaml:" in answer.err
    assert "messy.yaml" in answer.out
    assert (project.root / "broken.yaml").read_text() == "kind: [\n"


def test_yaml_that_is_no_spec_is_left_alone_unless_it_is_named(nowhere: Project) -> None:
    foreign = "services:   {}\n"
    nowhere.write("compose.yaml", foreign)
    nowhere.write("cluster.yaml", "apiVersion: v1\nkind:   Pod\n")
    nowhere.write("broken.yaml", "a: [\n")
    answer = nowhere.specr("fmt")
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    nowhere.write("messy.yaml", MESSY)
    answer = nowhere.specr("fmt")
    assert (answer.code, answer.out) == (1, f"{nowhere.root / 'messy.yaml'}\n")
    assert "broken.yaml:" in answer.err
    assert (nowhere.root / "compose.yaml").read_text() == foreign
    assert (
        nowhere.specr("fmt", str(nowhere.root / "compose.yaml")).out == f"{nowhere.root / 'compose.yaml'}\n"
    )


def test_a_pipe_is_not_waited_for(project: Project) -> None:
    """Neither where it is named, nor where it is found."""
    os.mkfifo(project.root / "pipe.yaml")
    for words in (["fmt", str(project.root / "pipe.yaml")], ["fmt"], ["fmt", "/dev/zero"]):
        answer = project.specr(*words)
        assert answer.code == 1
        assert "Not a regular file" in answer.err


def test_standard_input(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(MESSY.encode())))
    answer = project.specr("fmt", "-")
    assert answer.code == 0
    assert answer.out.index("apiVersion") < answer.out.index("kind")

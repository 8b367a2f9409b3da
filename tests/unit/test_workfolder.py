"""The work folder is private, keeps itself out of version control, and leaves others alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from specr.workfolder import ensure_work_folder


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_work_folder_is_private_and_ignored_by_git(tmp_path: Path) -> None:
    made = ensure_work_folder(tmp_path / "project" / ".specr")
    assert made.is_dir()
    assert mode(made) == 0o700
    assert (made / ".gitignore").read_text() == "*\n"


def test_a_folder_below_gets_the_same_work_folder(tmp_path: Path) -> None:
    made = ensure_work_folder(tmp_path / ".specr" / "store" / "objects")
    assert made.is_dir()
    assert mode(tmp_path / ".specr") == 0o700
    assert (tmp_path / ".specr" / ".gitignore").read_text() == "*\n"
    assert not (made / ".gitignore").exists()


def test_a_folder_elsewhere_is_only_created(tmp_path: Path) -> None:
    made = ensure_work_folder(tmp_path / "shared" / "store")
    assert made.is_dir()
    assert not list(tmp_path.rglob(".gitignore"))


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / ".specr"
    folder.mkdir(mode=0o750)
    (folder / ".gitignore").write_text("*\n!notes\n")
    ensure_work_folder(folder)
    assert mode(folder) == 0o750
    assert (folder / ".gitignore").read_text() == "*\n!notes\n"


def test_an_empty_gitignore_is_completed(tmp_path: Path) -> None:
    folder = tmp_path / ".specr"
    folder.mkdir()
    (folder / ".gitignore").touch()
    ensure_work_folder(folder)
    assert (folder / ".gitignore").read_text() == "*\n"


def test_a_file_in_the_way_is_told_by_the_system(tmp_path: Path) -> None:
    (tmp_path / ".specr").write_text("not a folder")
    with pytest.raises(OSError, match=r"\.specr"):
        ensure_work_folder(tmp_path / ".specr" / "store")

"""The work folder is private, keeps itself out of version control, and leaves others alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from specr.workfolder import check_work_folder, ensure_work_folder, why_unwritable
from tests.unit.backends.files import open_folder, unprivileged


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


def link_in_a_circle(place: Path) -> None:
    place.symlink_to(place)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (Path.touch, "is no folder"),
        (os.mkfifo, "is no folder"),
        (lambda place: place.symlink_to("/absent/place"), "is a link to /absent/place, which leads nowhere"),
        (link_in_a_circle, "which leads nowhere"),
    ],
    ids=["file", "pipe", "dangling link", "circle"],
)
def test_what_is_in_the_way_is_told(tmp_path: Path, make: Callable[[Path], object], told: str) -> None:
    place = tmp_path / ".specr"
    make(place)
    found = check_work_folder(tmp_path)
    assert found is not None
    assert told in found.detail
    assert found.remedy


def test_nothing_stands_against_a_folder_a_link_to_one_and_none(tmp_path: Path) -> None:
    assert check_work_folder(tmp_path) is None
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".specr").symlink_to("elsewhere")
    assert check_work_folder(tmp_path) is None
    assert why_unwritable(tmp_path / ".specr" / "to" / "be" / "made") == ""


def test_a_folder_that_may_only_be_read_is_told() -> None:
    with open_folder() as folder:
        folder.chmod(0o555)
        with unprivileged():
            assert why_unwritable(folder / "below") == f"{folder} is a folder that you may not write to"
        folder.chmod(0o755)


def test_a_read_only_file_system_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specr.workfolder.may_write", lambda _folder: False)
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_flag=os.ST_RDONLY))
    assert why_unwritable(tmp_path) == f"{tmp_path} is on a file system that is mounted read-only"

"""Which store the project's settings mean, and what is told of settings that mean none."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.resources.project import Project, TypedSettings
from specr.store import folder
from specr.store.cache import SETTLED_AFTER, DigestCache
from specr.store.catalog import open_store


def refused(root: Path, **settings: Any) -> tuple[Diagnostic, ...]:
    with pytest.raises(DiagnosticError) as caught:
        open_store(TypedSettings(**settings), root)
    return caught.value.diagnostics


def test_the_default_lies_in_the_work_folder(tmp_path: Path) -> None:
    store = open_store(Project(name="p").store, tmp_path)
    assert not any(tmp_path.iterdir())
    (tmp_path / "f").write_text("x")
    assert store.path(store.add(tmp_path / "f").digest).is_relative_to(tmp_path / ".specr" / "store")
    assert (tmp_path / ".specr" / ".gitignore").read_text() == "*\n"
    assert (tmp_path / ".specr").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("absolute", [False, True])
def test_a_path_may_be_chosen(tmp_path: Path, absolute: bool) -> None:
    path = str(tmp_path / "shared") if absolute else "shared"
    store = open_store(TypedSettings(type="folder", path=path), tmp_path)
    (tmp_path / "f").write_text("x")
    assert store.path(store.add(tmp_path / "f").digest).is_relative_to(tmp_path / "shared")


def test_an_unknown_type_is_told(tmp_path: Path) -> None:
    (told,) = refused(tmp_path, type="foldr")
    assert told.summary == "Unknown type of store"
    assert "foldr" in told.detail
    assert told.remedy == "Did you mean folder?"
    assert told.path == ("spec", "store", "type")
    assert refused(tmp_path, type="s3")[0].remedy


def test_unknown_settings_are_told_together(tmp_path: Path) -> None:
    told = refused(tmp_path, type="folder", paht="x", size=3, path="")
    assert [d.path[-1] for d in told] == ["paht", "size", "path"]
    assert told[0].remedy == "Did you mean path?"
    assert all(d.remedy for d in told)


@pytest.mark.parametrize("path", [3, None, "", ["a"]])
def test_a_path_that_is_no_text_is_told(tmp_path: Path, path: object) -> None:
    (told,) = refused(tmp_path, type="folder", path=path)
    assert told.summary == "A store's path is no text"


def test_a_store_shares_the_cache_that_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_text("x")
    cache = DigestCache(None, clock=lambda: time.time_ns() + 2 * SETTLED_AFTER)
    digest, _ = cache.measure(tmp_path / "f")
    store = open_store(TypedSettings(type="folder"), tmp_path, cache)
    store.add(tmp_path / "f")
    monkeypatch.setattr(folder, "copy_content", lambda *_: pytest.fail("was read again"))
    assert store.add(tmp_path / "f").digest == digest

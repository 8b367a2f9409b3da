"""What an ordinary user meets: read-only content to move and free, and places that may not be written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from specr.diagnostics import DiagnosticError
from specr.store.cache import DigestCache
from specr.store.content import measure
from specr.store.copying import remove
from specr.store.folder import FolderStore

Unprivileged = Callable[[Callable[[], None]], None]


def make_model(path: Path) -> Path:
    (path / "sub").mkdir(parents=True)
    (path / "sub" / "f").write_text("x")
    (path / "g").write_text("y")
    return path


def test_content_is_added_read_and_freed(open_path: Path, unprivileged: Unprivileged) -> None:
    def act() -> None:
        store = FolderStore(open_path / "store", grace=0)
        model = make_model(open_path / "model")
        stored = store.add(model)
        with pytest.raises(PermissionError):
            (store.path(stored.digest) / "g").write_text("z")
        with pytest.raises(PermissionError):
            (store.path(stored.digest) / "new").touch()
        with store.staging() as area:
            copied = shutil.copytree(store.path(stored.digest), area / "sealed")
            assert store.add(copied, move=True) == stored
        assert store.gc(frozenset()) == (stored,)
        assert not any((open_path / "store" / "staging").iterdir())

    unprivileged(act)


def test_a_sealed_folder_can_be_moved_in(open_path: Path, unprivileged: Unprivileged) -> None:
    def act() -> None:
        store = FolderStore(open_path / "store")
        with store.staging() as area:
            model = make_model(area / "model")
            digest = measure(model).digest
            (model / "sub").chmod(0o555)
            model.chmod(0o555)
            assert store.add(model, move=True).digest == digest
            assert not model.exists()
        assert store.path(digest)

    unprivileged(act)


def test_content_that_may_not_be_read_is_told(open_path: Path, unprivileged: Unprivileged) -> None:
    def act() -> None:
        model = make_model(open_path / "model")
        (model / "g").chmod(0)
        for attempt in (measure, FolderStore(open_path / "store").add, DigestCache(None).measure):
            with pytest.raises(DiagnosticError, match="Permission denied") as caught:
                attempt(model)
            assert f"{model / 'g'}" in str(caught.value)
        (model / "sub").chmod(0)
        with pytest.raises(DiagnosticError, match="sub: Permission denied"):
            measure(model)
        (model / "sub").chmod(0o755)

    unprivileged(act)


def test_a_store_that_may_only_be_read_is_read(open_path: Path, unprivileged: Unprivileged) -> None:
    store = FolderStore(open_path / "store", grace=0)
    stored = store.add(make_model(open_path / "model"))
    store.remember_build("f", stored.digest)

    def act() -> None:
        mine = FolderStore(open_path / "store", DigestCache(open_path / "store" / "cache"), grace=0)
        assert mine.has(stored.digest)
        assert mine.path(stored.digest)
        assert mine.find_build("f") == stored.digest
        assert list(mine.digests()) == [stored]
        (open_path / "new").write_text("new")
        for attempt in (lambda: mine.add(open_path / "new"), lambda: mine.gc(frozenset())):
            with pytest.raises(DiagnosticError, match="The store can't be used") as caught:
                attempt()
            assert "Permission denied" in str(caught.value)
            assert "Allow the user that runs specr to write there" in caught.value.diagnostics[0].remedy

    for folder in [open_path / "store", *(open_path / "store").rglob("*")]:
        if folder.is_dir() and not folder.is_symlink():
            folder.chmod(0o555)
    if os.geteuid() == 0:
        unprivileged(act)
    else:
        act()


def test_what_cannot_be_removed_does_not_keep_the_rest(open_path: Path, unprivileged: Unprivileged) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs files of another user")
    top = open_path / "top"
    for name in ("foreign", "mine"):
        make_model(top / name)
    make_model(top / "mixed")
    make_model(top / "mixed" / "foreign")
    for path in (
        top,
        top / "mixed",
        *(top / "mixed").glob("[gs]*"),
        top / "mixed" / "sub" / "f",
        top / "mine",
        *(top / "mine").rglob("*"),
    ):
        os.lchown(path, 65534, 65534)

    def act() -> None:
        with pytest.raises(PermissionError):
            remove(top)
        assert sorted(path.name for path in top.iterdir()) == ["foreign", "mixed"]
        assert [path.name for path in (top / "mixed").iterdir()] == ["foreign"]

    unprivileged(act)


def test_damage_in_a_store_that_may_only_be_read_is_told(open_path: Path, unprivileged: Unprivileged) -> None:
    stored = FolderStore(open_path / "store").add(make_model(open_path / "model"))
    kept = FolderStore(open_path / "store").path(stored.digest)
    (kept / "g").chmod(0o644)
    (kept / "g").write_text("other")

    def act() -> None:
        with pytest.raises(DiagnosticError, match="no longer has the digest") as caught:
            FolderStore(open_path / "store").path(stored.digest)
        assert f"rm -r {kept}" in caught.value.diagnostics[0].remedy

    for folder in [open_path / "store", *(open_path / "store").rglob("*")]:
        if folder.is_dir() and not folder.is_symlink():
            folder.chmod(0o555)
    if os.geteuid() == 0:
        unprivileged(act)
    else:
        act()

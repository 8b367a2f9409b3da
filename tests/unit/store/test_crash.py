"""A process may be killed at any step: content is there and whole, or not there, and junk can be freed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from specr.store.cache import DigestCache
from specr.store.content import measure
from specr.store.copying import remove
from specr.store.folder import FolderStore

Killed = Callable[[int, Callable[[], object]], bool]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    (made / "sub").mkdir(parents=True)
    (made / "MLmodel").write_text("flavors: {}\n")
    (made / "sub" / "data").write_bytes(b"x" * 10_000)
    (made / "latest").symlink_to("sub/data")
    return made


def check_no_junk(root: Path) -> None:
    assert not any((root / "staging").iterdir())
    assert not any((root / "leases").iterdir())


def test_add_killed_at_any_step(tmp_path: Path, model: Path, killed_at: Killed) -> None:
    digest, root = measure(model).digest, tmp_path / ".specr" / "store"
    outcomes = set[bool]()
    for step in count(1):
        killed = killed_at(step, lambda: FolderStore(root).add(model))
        store = FolderStore(root, DigestCache(tmp_path / ".specr" / "cache"), grace=0)
        outcomes.add(store.has(digest))
        if store.has(digest):
            assert measure(store.path(digest)).digest == digest
        if root.is_dir():
            store.gc(frozenset({digest}))
            del store
            FolderStore(root, grace=0).gc(frozenset({digest}))
            check_no_junk(root)
        assert measure(FolderStore(root).path(FolderStore(root).add(model).digest)) == measure(model)
        remove(root)
        if not killed:
            break
    assert step > 20
    assert outcomes == {True, False}


def test_moving_killed_at_any_step_loses_nothing_half_way(
    tmp_path: Path, model: Path, killed_at: Killed
) -> None:
    digest, root = measure(model).digest, tmp_path / "store"
    for step in count(1):
        killed = killed_at(step, lambda: FolderStore(root).add(model, move=True))
        if model.exists():
            assert measure(model).digest == digest
        store = FolderStore(root)
        if store.has(digest):
            assert measure(store.path(digest)).digest == digest
        if not killed:
            break
        del store
        remove(root)
        model.mkdir(exist_ok=True)
        (model / "sub").mkdir(exist_ok=True)
        for name, data in (("MLmodel", b"flavors: {}\n"), ("sub/data", b"x" * 10_000)):
            remove(model / name)
            (model / name).write_bytes(data)
        remove(model / "latest")
        (model / "latest").symlink_to("sub/data")
    assert step > 20
    assert not model.exists()


def test_gc_killed_at_any_step(tmp_path: Path, model: Path, killed_at: Killed) -> None:
    root = tmp_path / "store"
    file = tmp_path / "file"
    file.write_text("kept")
    for step in count(1):
        store = FolderStore(root)
        kept, doomed = store.add(file).digest, store.add(model).digest
        store.remember_build("kept", kept)
        store.remember_build("doomed", doomed)
        del store
        killed = killed_at(step, partial(FolderStore(root, grace=0).gc, frozenset({kept})))
        again = FolderStore(root, grace=0)
        assert again.path(kept).read_text() == "kept"
        assert again.find_build("kept") == kept
        if again.has(doomed):
            assert measure(again.path(doomed)).digest == doomed
        again.gc(frozenset({kept}))
        assert not again.has(doomed)
        assert again.find_build("doomed") is None
        del again
        FolderStore(root).gc(frozenset())
        check_no_junk(root)
        if not killed:
            break
    assert step > 20


def test_remembering_a_build_killed_at_any_step(tmp_path: Path, model: Path, killed_at: Killed) -> None:
    root = tmp_path / "store"
    digest = FolderStore(root).add(model).digest
    for step in count(1):
        name = f"build {step}"
        killed = killed_at(step, partial(FolderStore(root).remember_build, name, digest))
        assert FolderStore(root).find_build(name) in (None, digest)
        if not killed:
            assert FolderStore(root).find_build(name) == digest
            break
    FolderStore(root).gc(frozenset({digest}))
    check_no_junk(root)

"""Content has one digest, whatever brought it about, and every change of meaning changes it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from specr.store.cache import SETTLED_AFTER, DigestCache
from specr.store.content import measure
from specr.store.copying import remove
from specr.store.folder import FolderStore


@dataclass(frozen=True)
class File:
    data: bytes
    program: bool = False


Tree = dict[str, "File | Tree"]

names = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8
).filter(lambda n: n not in (".", "..") and len(n.encode()) < 200)  # fmt: skip
files = st.builds(File, st.binary(max_size=40), st.booleans())
trees: st.SearchStrategy[Tree] = st.recursive(
    st.dictionaries(names, files, max_size=3),
    lambda inner: st.dictionaries(names, files | inner, max_size=3),
    max_leaves=8,
)


def write(tree: Tree, place: Path, *, backwards: bool = False) -> None:
    place.mkdir()
    for name in sorted(tree, reverse=backwards):
        match tree[name]:
            case File(data, program):
                (place / name).write_bytes(data)
                (place / name).chmod(0o755 if program else 0o640)
            case below:
                write(below, place / name, backwards=backwards)


@contextmanager
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp())
    try:
        yield made
    finally:
        remove(made)


def digest(tree: Tree) -> str:
    with folder() as at:
        write(tree, at / "content")
        return measure(at / "content").digest


def change(data: st.DataObject, tree: Tree) -> Tree:
    """The tree with one name, bit, byte or entry other than it was."""
    options = ["add"] + (["rename", "remove", "alter"] if tree else [])
    what = data.draw(st.sampled_from(options))
    new = data.draw(names.filter(lambda n: n not in tree))
    if what == "add":
        return {**tree, new: data.draw(files | st.just(Tree()))}
    name = data.draw(st.sampled_from(sorted(tree)))
    rest = {n: e for n, e in tree.items() if n != name}
    if what == "remove":
        return rest
    entry = tree[name]
    if what == "rename":
        return {**rest, new: entry}
    if isinstance(entry, dict):
        return {**tree, name: change(data, entry)}
    flipped = data.draw(st.binary(min_size=1, max_size=40).filter(lambda b: b != entry.data))
    other = data.draw(
        st.sampled_from([replace(entry, program=not entry.program), replace(entry, data=flipped)])
    )
    return {**tree, name: other}


@given(trees)
def test_order_times_and_copying_change_nothing(tree: Tree) -> None:
    with folder() as at:
        write(tree, at / "one")
        write(tree, at / "two", backwards=True)
        for number, path in enumerate((at / "two").rglob("*")):
            os.utime(path, (number, number))
            if not path.is_dir():
                path.chmod(path.stat().st_mode & 0o700)
        shutil.copytree(at / "one", at / "three")
        assert measure(at / "one") == measure(at / "two") == measure(at / "three")


@given(trees, st.data())
def test_any_change_of_a_name_bit_or_byte_changes_the_digest(tree: Tree, data: st.DataObject) -> None:
    assert digest(tree) != digest(change(data, tree))


@given(trees, trees)
def test_two_trees_have_one_digest_only_if_they_are_the_same(one: Tree, two: Tree) -> None:
    assert (digest(one) == digest(two)) == (one == two)


@given(st.binary(max_size=200), trees)
def test_a_file_never_has_the_digest_of_a_folder(data: bytes, tree: Tree) -> None:
    with folder() as at:
        (at / "file").write_bytes(data)
        assert measure(at / "file").digest != digest(tree)


@settings(max_examples=20)  # each waits for the disk several times
@given(trees)
def test_a_store_gives_back_what_it_was_given(tree: Tree) -> None:
    with folder() as at:
        write(tree, at / "content")
        store = FolderStore(at / "store")
        stored = store.add(at / "content")
        assert (stored.digest, stored.size) == measure(at / "content")
        assert measure(store.path(stored.digest)) == measure(at / "content")
        assert list(store.digests()) == [stored]
        assert store.add(at / "content", move=True) == stored
        assert not (at / "content").exists()


class CachedDigests(RuleBasedStateMachine):
    """Whatever happens to files and however often the cache is lost, it never gives a wrong digest."""

    def __init__(self) -> None:
        super().__init__()
        self.at = Path(tempfile.mkdtemp())
        (self.at / "content").mkdir()
        self.now = 0
        self.reopen()

    def teardown(self) -> None:
        remove(self.at)

    def _files(self) -> list[Path]:
        return sorted((self.at / "content").iterdir())

    @rule()
    def reopen(self) -> None:
        # Real files change at real times; the clock only tells whether they count as settled.
        self.cache = DigestCache(self.at / "cache", clock=lambda: self.now)

    @rule(settled=st.booleans())
    def time_passes(self, settled: bool) -> None:
        latest = max((p.lstat().st_ctime_ns for p in self._files()), default=0)
        self.now = latest + (SETTLED_AFTER + 1 if settled else 0)

    @rule(name=st.sampled_from("abc"), data=st.sampled_from([b"1", b"2", b"22"]))
    def write(self, name: str, data: bytes) -> None:
        file = self.at / "content" / name
        before = file.lstat() if file.exists() else None
        file.write_bytes(data)
        if before and file.lstat().st_ctime_ns == before.st_ctime_ns:
            # Within one tick of the disk's clock nothing tells the two states apart; that is
            # what the settling time is for, which this clock may have skipped.
            os.utime(file, ns=(1, before.st_mtime_ns + 1))

    @precondition(lambda self: self._files())
    @rule(data=st.data())
    def remove_one(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self._files())).unlink()

    @rule(garbage=st.binary(max_size=30), cut=st.integers(0, 300))
    def damage(self, garbage: bytes, cut: int) -> None:
        log = self.at / "cache" / "digests-1.log"
        assume(log.exists())
        whole = log.read_bytes()
        log.write_bytes(whole[:cut] + garbage + whole[cut + len(garbage) :])

    @invariant()
    def digests_are_right(self) -> None:
        right = measure(self.at / "content")
        assert self.cache.known(self.at / "content") in (None, right)
        assert self.cache.measure(self.at / "content") == right


CachedDigests.TestCase.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
test_the_cache_is_never_wrong = CachedDigests.TestCase

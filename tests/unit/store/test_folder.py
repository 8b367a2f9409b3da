"""The folder store: whole content or none, under its own name, whoever else is at work."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from specr.diagnostics import DiagnosticError
from specr.store import copying, folder, lease, locks
from specr.store.cache import DigestCache
from specr.store.content import measure
from specr.store.folder import FolderStore
from specr.store.protocol import Store

ABSENT = "sha256:" + "0" * 64


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> FolderStore:
    return FolderStore(root)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    (made / "sub" / "empty").mkdir(parents=True)
    (made / "MLmodel").write_text("flavors: {}\n")
    (made / "sub" / "run.sh").write_text("#!/bin/sh\n")
    (made / "sub" / "run.sh").chmod(0o755)
    (made / "latest").symlink_to("sub/run.sh")
    return made


def told(error: pytest.ExceptionInfo[DiagnosticError]) -> str:
    (diagnostic,) = error.value.diagnostics
    return f"{diagnostic.summary}: {diagnostic.detail} {diagnostic.remedy}"


def leftovers(root: Path) -> list[str]:
    return sorted(p.name for kind in ("staging", "leases") for p in (root / kind).iterdir())


def test_it_is_a_store(store: FolderStore) -> None:
    _: Store = store


def test_asking_creates_nothing(tmp_path: Path, root: Path, store: FolderStore) -> None:
    assert not store.has(ABSENT)
    assert store.find_build("f") is None
    assert list(store.digests()) == []
    assert store.gc(frozenset()) == ()
    with pytest.raises(LookupError, match="not in the store"):
        store.path(ABSENT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "digest", ["", "sha256:", "../../etc", "sha256:" + "Z" * 64, "sha256:../" + "0" * 61]
)
def test_what_is_no_digest_is_not_there(store: FolderStore, model: Path, digest: str) -> None:
    store.add(model)
    assert not store.has(digest)
    with pytest.raises(LookupError):
        store.path(digest)


def test_a_folder_is_kept_as_it_was(store: FolderStore, model: Path) -> None:
    stored = store.add(model)
    assert (stored.digest, stored.size) == measure(model)
    kept = store.path(stored.digest)
    assert measure(kept) == measure(model)
    assert (kept / "latest").readlink() == Path("sub/run.sh")
    assert (kept / "sub" / "empty").is_dir()
    assert os.access(kept / "sub" / "run.sh", os.X_OK)
    assert model.is_dir()


def test_a_file_is_kept_as_it_was(store: FolderStore, tmp_path: Path) -> None:
    file = tmp_path / "model.zip"
    file.write_bytes(b"PK" * 3_000_000)
    stored = store.add(file)
    assert (stored.digest, stored.size) == measure(file)
    assert store.path(stored.digest).read_bytes() == file.read_bytes()


def test_kept_content_can_be_read_by_all_and_written_by_none(store: FolderStore, model: Path) -> None:
    kept = store.path(store.add(model).digest)
    modes = {p.relative_to(kept).as_posix(): p.lstat().st_mode & 0o777 for p in kept.rglob("*")}
    del modes["latest"]
    assert modes == {"MLmodel": 0o444, "sub": 0o555, "sub/empty": 0o555, "sub/run.sh": 0o555}
    assert kept.stat().st_mode & 0o777 == 0o555


def test_a_link_is_followed_and_never_moved(store: FolderStore, model: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(model)
    assert store.add(tmp_path / "alias", move=True).digest == measure(model).digest
    assert (tmp_path / "alias" / "MLmodel").exists()


def test_moving_leaves_nothing_behind(store: FolderStore, model: Path) -> None:
    digest = measure(model).digest
    with store.staging() as area:
        shutil.copytree(model, area / "out", symlinks=True)
        assert store.add(area / "out", move=True).digest == digest
        assert list(area.iterdir()) == []
        shutil.copytree(model, area / "out", symlinks=True)
        assert store.add(area / "out", move=True).digest == digest
        assert list(area.iterdir()) == []
    assert store.path(digest)


def test_moving_from_another_disk_copies(
    store: FolderStore, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = Path.rename

    def refused(self: Path, target: Path) -> Path:
        if self == model:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return genuine(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    digest = measure(model).digest
    assert store.add(model, move=True).digest == digest
    assert not model.exists()
    assert measure(store.path(digest)).digest == digest


def test_moving_what_the_store_keeps_copies(store: FolderStore, model: Path) -> None:
    stored = store.add(model)
    assert store.add(store.path(stored.digest), move=True) == stored
    assert store.path(stored.digest)


def test_content_with_another_digest_than_expected_is_refused(
    store: FolderStore, root: Path, model: Path
) -> None:
    for move in (False, True):
        with pytest.raises(DiagnosticError) as caught:
            store.add(model, expected=ABSENT, move=move)
        assert f"has the digest {measure(model).digest}, not {ABSENT}" in told(caught)
    assert model.is_dir()
    assert list(store.digests()) == []
    assert not any((root / "staging").iterdir())
    assert store.add(model, expected=measure(model).digest)


def test_expected_content_that_is_there_is_compared_without_copying(
    store: FolderStore, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = store.add(model)
    monkeypatch.setattr(folder, "copy_content", lambda *_: pytest.fail("was copied"))
    assert store.add(model, expected=stored.digest) == stored
    (tmp_path / "other").write_text("other")
    with pytest.raises(DiagnosticError, match="another digest"):
        store.add(tmp_path / "other", expected=stored.digest)


def test_content_that_changes_while_it_is_copied_is_refused(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "growing"
    file.write_text("begun")
    genuine = copying._write

    def while_another_writes(descriptor: int, piece: bytes) -> None:
        if file.stat().st_size < 20:
            with file.open("a") as other:
                other.write("more")
        genuine(descriptor, piece)

    monkeypatch.setattr(copying, "_write", while_another_writes)
    with pytest.raises(DiagnosticError, match="changed while it was read"):
        store.add(file)
    assert list(store.digests()) == []


def test_links_out_are_refused(store: FolderStore, model: Path) -> None:
    (model / "out").symlink_to("/etc/hostname")
    for move in (False, True):
        with pytest.raises(DiagnosticError, match="outside of the folder"):
            store.add(model, move=move)
    assert list(store.digests()) == []


@pytest.mark.parametrize("harm", ["bytes", "bit", "extra", "missing", "link"])
def test_damage_is_found_when_reading_and_healed_by_adding(
    store: FolderStore, root: Path, model: Path, harm: str
) -> None:
    stored = store.add(model)
    kept = store.path(stored.digest)
    kept.chmod(0o755)
    (kept / "MLmodel").chmod(0o644)
    match harm:
        case "bytes":
            (kept / "MLmodel").write_text("flavors: {!\n")
        case "bit":
            (kept / "MLmodel").chmod(0o755)
        case "extra":
            (kept / "new").touch()
        case "missing":
            (kept / "MLmodel").unlink()
        case "link":
            (kept / "latest").unlink()
            (kept / "latest").symlink_to("MLmodel")
    with pytest.raises(DiagnosticError) as caught:
        store.path(stored.digest)
    assert f"{kept} no longer has the digest {stored.digest}" in told(caught)
    assert "was taken out of the store" in told(caught)
    for reader in (store, FolderStore(root, DigestCache(root.parent / "cache"))):
        assert not reader.has(stored.digest)
        with pytest.raises(LookupError):
            reader.path(stored.digest)
    assert not any((root / "staging").iterdir())
    assert store.add(model) == stored
    assert measure(store.path(stored.digest)).digest == stored.digest
    assert not any((root / "staging").iterdir())


def test_damage_of_another_kind_is_healed_too(store: FolderStore, model: Path, tmp_path: Path) -> None:
    stored = store.add(model)
    kept = store.path(stored.digest)
    copying.remove(kept)
    kept.write_text("a file where a folder was")
    assert store.add(model) == stored
    assert store.path(stored.digest).is_dir()
    (tmp_path / "f").write_text("x")
    file = store.path(store.add(tmp_path / "f").digest)
    file.unlink()
    file.mkdir()
    os.mkfifo(file / "pipe")
    assert store.path(store.add(tmp_path / "f").digest).read_text() == "x"


def test_reading_again_hashes_nothing(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "_WORTH_NOTING", 1)  # as if a kilobyte were gigabytes
    (tmp_path / "big").write_bytes(b"x" * 1000)
    store = FolderStore(root, DigestCache(tmp_path / "cache"))
    stored = store.add(tmp_path / "big")
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("was hashed"))
    assert store.path(stored.digest)
    assert FolderStore(root, DigestCache(tmp_path / "cache")).path(stored.digest)


def test_staging_is_empty_private_and_removed(store: FolderStore, root: Path) -> None:
    with store.staging() as one, store.staging() as two:
        assert one != two
        assert one.is_dir()
        assert list(one.iterdir()) == []
        (one / "sealed").mkdir()
        (one / "sealed" / "f").touch()
        (one / "sealed").chmod(0o500)
        assert one.stat().st_dev == root.stat().st_dev
    assert not any((root / "staging").iterdir())
    with pytest.raises(ZeroDivisionError), store.staging() as area:
        raise ZeroDivisionError
    assert not area.exists()


def test_what_the_user_of_a_staging_folder_runs_into_is_not_rewritten(store: FolderStore) -> None:
    with pytest.raises(FileNotFoundError), store.staging() as area:
        (area / "gone").read_text()


def test_builds_are_remembered(store: FolderStore, root: Path, model: Path) -> None:
    digest = store.add(model).digest
    assert store.find_build("fingerprint") is None
    store.remember_build("fingerprint", digest)
    assert store.find_build("fingerprint") == digest
    assert FolderStore(root).find_build("fingerprint") == digest
    store.remember_build("fingerprint", ABSENT)
    assert store.find_build("fingerprint") is None
    assert store.find_build("other") is None
    store.remember_build("../odd\n/ä", digest)
    assert store.find_build("../odd\n/ä") == digest


@pytest.mark.parametrize(
    "noted", [b"", b"{", b"[1]", b'{"fingerprint":"f"}', b'{"fingerprint":"g","digest":"x"}']
)
def test_a_note_that_cannot_be_made_out_is_no_note(
    store: FolderStore, root: Path, model: Path, noted: bytes
) -> None:
    store.remember_build("f", store.add(model).digest)
    (note,) = (p for p in (root / "builds").rglob("*") if p.is_file())
    note.write_bytes(noted)
    assert store.find_build("f") is None


def test_digests_lists_everything_in_order(
    store: FolderStore, root: Path, tmp_path: Path, model: Path
) -> None:
    added = [store.add(model)]
    for number in range(20):
        (tmp_path / "f").write_text(str(number))
        added.append(store.add(tmp_path / "f"))
    (root / "objects" / "README").write_text("not ours")
    assert list(store.digests()) == sorted(added, key=lambda s: s.digest)


def test_gc_frees_what_is_not_kept(root: Path, tmp_path: Path, model: Path) -> None:
    store = FolderStore(root, grace=0)
    kept = store.add(model)
    (tmp_path / "f").write_text("x")
    doomed = store.add(tmp_path / "f")
    store.remember_build("kept", kept.digest)
    store.remember_build("doomed", doomed.digest)
    keep = frozenset({kept.digest})
    assert store.gc(keep, dry_run=True) == (doomed,)
    assert store.has(doomed.digest)
    assert store.gc(keep) == (doomed,)
    assert not store.has(doomed.digest)
    assert store.find_build("doomed") is None
    assert store.find_build("kept") == kept.digest
    assert store.path(kept.digest)
    assert store.gc(keep) == ()
    assert len([p for p in (root / "builds").rglob("*") if p.is_file()]) == 1
    assert len(list((root / "recent").iterdir())) == 1
    assert store.add(tmp_path / "f") == doomed
    assert store.path(doomed.digest)


@pytest.mark.parametrize("use", ["add", "has", "path", "find_build"])
def test_gc_spares_what_was_used_a_moment_ago(root: Path, model: Path, use: str) -> None:
    first = FolderStore(root)
    stored = first.add(model)
    first.remember_build("f", stored.digest)
    del first
    (marker,) = (root / "recent").iterdir()
    os.utime(marker, (0, 0))
    again = FolderStore(root)
    match use:
        case "add":
            again.add(model)
        case "has":
            again.has(stored.digest)
        case "path":
            again.path(stored.digest)
        case "find_build":
            again.find_build("f")
    del again
    assert FolderStore(root).gc(frozenset()) == ()
    os.utime(marker, (time.time() - 3599, time.time() - 3599))
    assert FolderStore(root).gc(frozenset()) == ()
    os.utime(marker, (time.time() - 3601, time.time() - 3601))
    assert FolderStore(root).gc(frozenset()) == (stored,)


def test_gc_spares_what_a_live_process_uses_however_long(root: Path, model: Path) -> None:
    user = FolderStore(root, grace=0)
    stored = user.add(model)
    assert FolderStore(root, grace=0).gc(frozenset(), dry_run=True) == ()
    assert FolderStore(root, grace=0).gc(frozenset()) == ()
    assert user.path(stored.digest)
    del user
    assert FolderStore(root, grace=0).gc(frozenset()) == (stored,)


def test_gc_frees_what_a_killed_process_left_and_nothing_of_a_live_one(root: Path) -> None:
    program = f"""
import os, sys, time
from pathlib import Path
from specr.store.folder import FolderStore
store = FolderStore(Path({str(root)!r}))
with store.staging() as area:
    (area / "junk").write_bytes(b"x" * 1000)
    print("staged", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"staged\n"
        store = FolderStore(root, grace=0)
        store.gc(frozenset())
        (area,) = (root / "staging").iterdir()
        assert (area / "content" / "junk").exists()
        child.kill()
    store.gc(frozenset(), dry_run=True)
    assert (area / "content" / "junk").exists()
    store.gc(frozenset())
    assert not any((root / "staging").iterdir())


def test_the_next_use_clears_leases_of_killed_processes_and_no_others(root: Path, model: Path) -> None:
    program = f"""
import time
from pathlib import Path
from specr.store.folder import FolderStore
store = FolderStore(Path({str(root)!r}))
store.add(Path({str(model)!r}))
print("added", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"added\n"
        (of_child,) = leftovers(root)
        second = FolderStore(root)
        second.add(model)
        assert of_child in leftovers(root)
        del second
        child.kill()
    assert leftovers(root) == [of_child]
    third = FolderStore(root)
    third.add(model)
    (of_third,) = leftovers(root)
    assert of_third != of_child


def test_a_lease_that_was_cleared_before_it_was_locked_is_begun_anew(
    root: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = list[Path]()

    def hold(path: Path) -> int:
        descriptor = locks.hold(path)
        if not begun:
            path.unlink()
        begun.append(path)
        return descriptor

    monkeypatch.setattr(lease, "hold", hold)
    user = FolderStore(root, grace=0)
    user.add(model)
    assert len(begun) == 2
    assert leftovers(root) == [begun[1].name]
    assert FolderStore(root, grace=0).gc(frozenset()) == ()


def test_a_forked_child_does_not_end_its_parents_lease(root: Path, model: Path) -> None:
    store = FolderStore(root, grace=0)
    stored = store.add(model)
    child = os.fork()
    if child == 0:
        store.has(stored.digest)
        del store
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert FolderStore(root, grace=0).gc(frozenset()) == ()


def test_a_lease_that_ends_while_it_is_looked_at_uses_nothing(
    root: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = FolderStore(root, grace=0).add(model)
    (root / "leases" / "1-ended").write_text(f"{stored.digest}\n")

    def ends(lease: Path) -> bool:
        lease.unlink(missing_ok=True)
        return True

    monkeypatch.setattr("specr.store.sweep.is_held", ends)
    assert FolderStore(root, grace=0).gc(frozenset()) == (stored,)


def test_threads_may_add_the_same_content(root: Path, model: Path) -> None:
    stores = [FolderStore(root) for _ in range(3)]
    with ThreadPoolExecutor(8) as pool:
        added = set(pool.map(lambda n: stores[n % 3].add(model), range(24)))
    assert added == {stores[0].add(model)}
    assert measure(stores[0].path(measure(model).digest)) == measure(model)
    assert not any((root / "staging").iterdir())


def test_processes_may_add_and_collect_at_once(root: Path, tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from specr.store.folder import FolderStore
store = FolderStore(Path({str(root)!r}), grace=0)
file = Path({str(tmp_path)!r}) / sys.argv[1]
for number in range(60):
    file.write_text(str(number % 7))
    stored = store.add(file)
    assert store.path(stored.digest).read_text() == str(number % 7)
    if sys.argv[1] == "c":
        store.gc(frozenset())
"""
    children = [subprocess.Popen([sys.executable, "-c", program, name]) for name in "abc"]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    assert not any((root / "staging").iterdir())


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("in_the_way", ["store", "."])
def test_a_file_in_the_stores_place_is_told_and_not_taken_for_an_empty_store(
    tmp_path: Path, in_the_way: str, *, dry_run: bool
) -> None:
    root = tmp_path / "work" / "store"
    if in_the_way == "store":
        root.parent.mkdir()
        root.write_text("mine")
    else:
        root.parent.write_text("mine")
    with pytest.raises(DiagnosticError) as caught:
        FolderStore(root).gc(frozenset(), dry_run=dry_run)
    assert told(caught).startswith(f"The store can't be used: {root}: Not a directory.")
    assert "Move what is in the way" in told(caught)


def test_freeing_in_a_store_that_is_not_there_makes_none(store: FolderStore, root: Path) -> None:
    assert store.gc(frozenset()) == ()
    assert not root.exists()


def test_a_full_disk_is_told(
    store: FolderStore, model: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, piece: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(copying, "_write", full)
    with pytest.raises(DiagnosticError) as caught:
        store.add(model)
    assert told(caught).startswith("The store can't be used")
    assert "No space left on device. Free some space" in told(caught)
    assert not any((root / "staging").iterdir())


def test_a_file_in_the_way_of_the_store_is_told(root: Path, store: FolderStore, model: Path) -> None:
    root.write_text("not a folder")
    assert list(store.digests()) == []
    with pytest.raises(DiagnosticError) as caught:
        store.add(model)
    assert f"{root}" in told(caught)
    assert "store.path" in told(caught)


def nest(top: Path, depth: int) -> None:
    """Make folders in folders, further than any path can lead, with something in each."""
    top.mkdir()
    at = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("a-name-of-some-length", dir_fd=at)
        os.symlink("..", "link", dir_fd=at)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        inner = os.open("a-name-of-some-length", os.O_RDONLY, dir_fd=at)
        os.fchmod(at, 0o555)
        os.close(at)
        at = inner
    os.close(at)


def test_no_depth_is_too_much_to_remove(tmp_path: Path) -> None:
    nest(tmp_path / "deep", 2_000)  # 44 kB of path; deeper than Python recurses, more than may be open
    copying.remove(tmp_path / "deep")
    assert list(tmp_path.iterdir()) == []
    copying.remove(tmp_path / "deep")


def test_gc_frees_what_a_killed_process_nested_deeply(root: Path, store: FolderStore, model: Path) -> None:
    store.add(model)
    (root / "staging" / "killed").mkdir()
    nest(root / "staging" / "killed" / "content", 300)
    FolderStore(root, grace=0).gc(frozenset())
    assert list((root / "staging").iterdir()) == []


def test_gc_goes_on_where_something_cannot_be_removed(
    root: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = FolderStore(root).add(model)
    for name in ("a", "b", "c"):
        (root / "staging" / name).mkdir()

    def refuse(path: Path) -> None:
        if path.name == "a":
            raise PermissionError(errno.EPERM, "Operation not permitted", str(path))
        copying.remove(path)

    monkeypatch.setattr(folder, "remove", refuse)
    with pytest.raises(DiagnosticError) as caught:
        FolderStore(root, grace=0).gc(frozenset())
    assert f"{root / 'staging' / 'a'} holds what can't be removed: Operation not permitted" in told(caught)
    assert [path.name for path in (root / "staging").iterdir()] == ["a"]
    assert not FolderStore(root).has(stored.digest)

"""The cache of digests: it saves reading, believes nothing doubtful, and may be lost at any time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from specr.store import cache as cache_module
from specr.store.cache import FILE_NAME, SETTLED_AFTER, DigestCache
from specr.store.content import hash_file, measure


class Reads:
    """Counts the files that are really read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths = list[str]()

        def counted(path: Path, status: os.stat_result | None = None) -> str:
            self.paths.append(path.name)
            return hash_file(path, status)

        monkeypatch.setattr(cache_module, "hash_file", counted)

    def taken(self) -> list[str]:
        paths, self.paths = sorted(self.paths), []
        return paths


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    folder = tmp_path / "content"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_text("aaa")
    (folder / "sub" / "b").write_text("bbb")
    return folder


def later() -> int:
    """A clock by which all that was written until now has settled."""
    return time.time_ns() + SETTLED_AFTER + 1


def test_a_file_is_read_once(tmp_path: Path, content: Path, reads: Reads) -> None:
    cache = DigestCache(tmp_path / "cache", clock=later)
    assert cache.measure(content) == measure(content)
    assert reads.taken() == ["a", "b"]
    assert cache.measure(content) == measure(content)
    assert DigestCache(tmp_path / "cache").measure(content) == measure(content)
    assert reads.taken() == []


def test_only_what_changed_is_read_again(tmp_path: Path, content: Path, reads: Reads) -> None:
    cache = DigestCache(tmp_path / "cache", clock=later)
    cache.measure(content)
    reads.taken()
    (content / "a").write_text("AAAA")
    assert cache.measure(content) == measure(content)
    assert reads.taken() == ["a"]


def test_a_file_replaced_by_another_of_the_same_size_and_time_is_read(
    tmp_path: Path, content: Path, reads: Reads
) -> None:
    file, beside = content / "a", tmp_path / "beside"
    cache = DigestCache(tmp_path / "cache", clock=later)
    cache.measure(file)
    beside.write_text("AAA")
    status = file.stat()
    os.utime(beside, ns=(status.st_atime_ns, status.st_mtime_ns))
    beside.replace(file)
    reads.taken()
    assert cache.measure(file) == measure(file)
    assert reads.taken() == ["a"]


def test_a_file_with_its_old_time_put_back_is_read(tmp_path: Path, content: Path, reads: Reads) -> None:
    file = content / "a"
    cache = DigestCache(tmp_path / "cache", clock=later)
    cache.measure(file)
    status = file.stat()
    deadline = time.monotonic() + 5
    while file.stat().st_ctime_ns == status.st_ctime_ns and time.monotonic() < deadline:
        file.write_text("AAA")  # until the clock of the file system ticks
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    reads.taken()
    assert cache.measure(file) == measure(file)
    assert reads.taken() == ["a"]


def test_a_file_written_to_a_moment_ago_is_not_believed(tmp_path: Path, content: Path, reads: Reads) -> None:
    file = content / "a"
    written = max(file.stat().st_mtime_ns, file.stat().st_ctime_ns)
    for since, believed in ((SETTLED_AFTER, False), (SETTLED_AFTER + 1, True), (-SETTLED_AFTER * 2, False)):
        now = written + since
        cache = DigestCache(None, clock=partial(int, now))
        cache.measure(file)
        reads.taken()
        cache.measure(file)
        assert (reads.taken() == []) is believed


def test_known_never_reads(tmp_path: Path, content: Path, reads: Reads) -> None:
    cache = DigestCache(tmp_path / "cache", clock=later)
    assert cache.known(content) is None
    assert cache.known(content / "a") is None
    assert reads.taken() == []
    cache.measure(content)
    assert cache.known(content) == measure(content)
    assert cache.known(content / "a") == measure(content / "a")
    (content / "new").touch()
    assert cache.known(content) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: os.urandom(4096),
        lambda whole: whole.replace(b"a", b"b"),
        lambda whole: b"\n\n\0\0" + whole[3:],
        lambda whole: b"00000000 []\n",
    ],
)
def test_a_damaged_log_costs_reading_and_nothing_else(
    tmp_path: Path, content: Path, reads: Reads, damage: Callable[[bytes], bytes]
) -> None:
    DigestCache(tmp_path / "cache", clock=later).measure(content)
    log = tmp_path / "cache" / FILE_NAME
    log.write_bytes(damage(log.read_bytes()))
    assert DigestCache(tmp_path / "cache", clock=later).measure(content) == measure(content)
    reads.taken()
    assert DigestCache(tmp_path / "cache").measure(content) == measure(content)
    assert reads.taken() == []


def test_a_line_cut_short_spoils_only_itself(tmp_path: Path, content: Path, reads: Reads) -> None:
    cache = DigestCache(tmp_path / "cache", clock=later)
    cache.measure(content / "a")
    log = tmp_path / "cache" / FILE_NAME
    log.write_bytes(log.read_bytes() + b'0123abcd ["2f')
    DigestCache(tmp_path / "cache", clock=later).measure(content / "sub" / "b")
    reads.taken()
    DigestCache(tmp_path / "cache").measure(content)
    assert reads.taken() == []


def test_a_line_whose_digest_was_changed_is_not_believed(tmp_path: Path, content: Path) -> None:
    DigestCache(tmp_path / "cache", clock=later).measure(content / "a")
    log = tmp_path / "cache" / FILE_NAME
    digest = measure(content / "a").digest.removeprefix("sha256:").encode()
    assert digest in log.read_bytes()
    log.write_bytes(log.read_bytes().replace(digest, b"0" * 64))
    assert DigestCache(tmp_path / "cache").measure(content / "a") == measure(content / "a")


def test_a_cache_that_cannot_be_kept_is_done_without(tmp_path: Path, content: Path) -> None:
    (tmp_path / "cache").write_text("a file in the way")
    cache = DigestCache(tmp_path / "cache", clock=later)
    assert cache.measure(content) == measure(content)
    assert cache.known(content) == measure(content)


def test_a_long_log_of_old_lines_is_shortened(tmp_path: Path, content: Path, reads: Reads) -> None:
    cache = DigestCache(tmp_path / "cache", clock=later)
    file, log = content / "a", tmp_path / "cache" / FILE_NAME
    cache.measure(content)
    for number in range(1_100):
        os.utime(file, ns=(number, number))
        cache.measure(file)
    long = log.stat().st_size
    (content / "sub" / "b").unlink()
    assert DigestCache(tmp_path / "cache").known(file) == measure(file)
    assert log.stat().st_size < long / 500
    assert sorted(p.name for p in log.parent.iterdir()) == [FILE_NAME]
    reads.taken()
    DigestCache(tmp_path / "cache").measure(file)
    assert reads.taken() == []


def test_two_processes_add_to_one_log(tmp_path: Path, content: Path, reads: Reads) -> None:
    one, two = (DigestCache(tmp_path / "cache", clock=later) for _ in range(2))
    one.measure(content / "a")
    two.measure(content / "sub" / "b")
    reads.taken()
    DigestCache(tmp_path / "cache").measure(content)
    assert reads.taken() == []


def test_threads_share_one_cache(tmp_path: Path, content: Path) -> None:
    for number in range(50):
        (content / f"f{number}").write_text(str(number))
    cache = DigestCache(tmp_path / "cache", clock=later)
    with ThreadPoolExecutor(8) as pool:
        measures = set(pool.map(lambda _: cache.measure(content), range(16)))
    assert measures == {measure(content)}
    assert DigestCache(tmp_path / "cache").known(content) == measure(content)


def test_making_a_cache_touches_no_disk(tmp_path: Path) -> None:
    DigestCache(tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []


def test_paths_that_are_not_utf8_are_known_too(tmp_path: Path, reads: Reads) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "f").write_text("x")
    DigestCache(tmp_path / "cache", clock=later).measure(folder)
    reads.taken()
    assert DigestCache(tmp_path / "cache").measure(folder) == measure(folder)
    assert reads.taken() == []

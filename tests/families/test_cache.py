from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.families.cache import Cache, cache_folder, key_of


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    assert cache.get("k", lambda folder: (folder / "f").touch()) == (tmp_path / "cache" / "k", True)
    assert cache.get("k", lambda folder: pytest.fail(f"{folder} is made again"))[1] is False
    assert (tmp_path / "cache" / "k" / "f").exists()


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    def breaks(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no space")

    cache = Cache(tmp_path)
    with pytest.raises(OSError, match="no space"):
        cache.get("k", breaks)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
    assert cache.get("k", lambda folder: (folder / "whole").touch())[1] is True
    assert [path.name for path in (tmp_path / "k").iterdir()] == ["whole"]


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".k.left" / "deep").mkdir(parents=True)
    (tmp_path / ".other.left").mkdir()
    Cache(tmp_path).get("k", lambda _: None)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == [".other.left", "k"]


def test_two_at_once_make_one(tmp_path: Path) -> None:
    made = list[Path]()
    both = threading.Barrier(2)

    def get() -> None:
        both.wait()
        Cache(tmp_path).get("k", made.append)

    threads = [threading.Thread(target=get) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_keys_tell_parts_apart() -> None:
    assert key_of(["ab", "c"]) != key_of(["a", "bc"])
    assert key_of(["ab", b"c"]) == key_of([b"ab", "c"])


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("SPECR_CACHE_DIR", raising=False)
    assert cache_folder() == tmp_path / "specr"
    monkeypatch.setenv("SPECR_CACHE_DIR", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"

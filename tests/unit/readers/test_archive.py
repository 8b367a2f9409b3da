"""One file out of a folder or archive, whatever else is in there and however it was made."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.readers import archive
from specr.readers.archive import ArchiveError, read_file

Make = Callable[[Path, dict[str, bytes]], Path]


def make_folder(at: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (at / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (at / "folder" / name).write_bytes(data)
    return at / "folder"


def make_zip(at: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(at / "a.zip", "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return at / "a.zip"


def make_tar(at: Path, files: dict[str, bytes], mode: str = "w", prefix: str = "") -> Path:
    path = at / ("a.tar.gz" if mode == "w:gz" else "a.tar")
    with tarfile.open(path, mode) as made:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return path


def make_tar_gz(at: Path, files: dict[str, bytes]) -> Path:
    return make_tar(at, files, "w:gz", "./")


every_kind = pytest.mark.parametrize("make", [make_folder, make_zip, make_tar, make_tar_gz])


def refused(content: Path, limit: int = 100) -> str:
    with pytest.raises(ArchiveError) as caught:
        read_file(content, "MLmodel", limit)
    return str(caught.value)


@every_kind
def test_the_file_lies_at_the_top(tmp_path: Path, make: Make) -> None:
    content = make(tmp_path, {"data/MLmodel": b"other", "MLmodel": b"text", "z": b"z"})
    assert read_file(content, "MLmodel", 4) == b"text"


@every_kind
def test_the_file_lies_in_the_only_folder(tmp_path: Path, make: Make) -> None:
    content = make(tmp_path, {"wine/data": b"x", "wine/MLmodel": b"text", "__MACOSX/wine/MLmodel": b"other"})
    assert read_file(content, "MLmodel", 4) == b"text"


@every_kind
@pytest.mark.parametrize(
    "files",
    [
        {"README": b"x"},
        {"one/MLmodel": b"x", "two/MLmodel": b"y"},
        {"one/MLmodel": b"x", "README": b"y"},
        {"one/two/MLmodel": b"x"},
        {"mlmodel": b"x"},
    ],
)
def test_a_file_that_is_not_there_is_told(tmp_path: Path, make: Make, files: dict[str, bytes]) -> None:
    assert "holds no file MLmodel; it holds" in refused(make(tmp_path, files))


@every_kind
def test_a_file_over_the_limit_is_told(tmp_path: Path, make: Make) -> None:
    assert "more than 100 bytes" in refused(make(tmp_path, {"MLmodel": b"x" * 101}))


@every_kind
def test_a_folder_of_that_name_is_no_file(tmp_path: Path, make: Make) -> None:
    assert "no file MLmodel" in refused(make(tmp_path, {"MLmodel/x": b"x"}))


def test_a_pipe_of_that_name_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "MLmodel")
    assert "no file MLmodel" in refused(tmp_path)
    with tarfile.open(tmp_path / "a.tar", "w") as made:
        member = tarfile.TarInfo("MLmodel")
        member.type = tarfile.FIFOTYPE
        made.addfile(member)
    assert "something else of that name" in refused(tmp_path / "a.tar")


@pytest.mark.parametrize("data", [b"", b"plain text", b"PK", b"PK\3\4", b"\x1f\x8b\0", b"x" * 257 + b"ustar"])
def test_what_is_no_archive_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "f").write_bytes(data)
    assert refused(tmp_path / "f")


def test_an_empty_archive_is_told(tmp_path: Path) -> None:
    assert refused(make_zip(tmp_path, {})) == "holds no file MLmodel; it is empty"


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    content = make_zip(tmp_path, {"MLmodel": b"\0" * 50_000_000})
    assert content.stat().st_size < 100_000
    assert "more than 100 bytes" in refused(content)


def test_a_tar_gz_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_UNPACKED_LIMIT", 1_000_000)
    content = make_tar_gz(tmp_path, {"data": b"\0" * 2_000_000, "MLmodel": b"text"})
    assert "unpacks to more than 1,000,000 bytes" in refused(content)


def test_a_zip_whose_directory_is_huge_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(
        b"PK\3\4" + b"\0" * (17 << 20) + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 17 << 20, 4, 0)
    )
    assert "impossible size" in refused(tmp_path / "a.zip")


def test_a_tar_header_that_asks_for_gigabytes_is_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type = tarfile.GNUTYPE_LONGNAME
    header.size = 8 << 30
    block = header.tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(block + b"\0" * 10_000))
    assert "impossible size" in refused(tmp_path / "a.tar.gz")


def test_a_tar_of_endless_entries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_ENTRIES_LIMIT", 10)
    content = make_tar(tmp_path, {f"f{n}": b"" for n in range(11)} | {"MLmodel": b"text"})
    assert "more than 10 entries" in refused(content)


def test_encryption_and_rare_methods_are_told(tmp_path: Path) -> None:
    content = make_zip(tmp_path, {"MLmodel": b"text"})
    data = bytearray(content.read_bytes())
    for start in (data.find(b"PK\3\4") + 6, data.find(b"PK\1\2") + 8):
        data[start] |= 1
    content.write_bytes(data)
    assert "encrypted" in refused(content)
    with zipfile.ZipFile(content, "w", zipfile.ZIP_BZIP2) as made:
        made.writestr("MLmodel", b"text")
    assert "deflate" in refused(content)
    (tmp_path / "f").write_bytes(bz2.compress(b"x"))
    assert "neither a folder nor a zip" in refused(tmp_path / "f")


@given(st.sampled_from([make_zip, make_tar, make_tar_gz]), st.data())
def test_damage_gives_an_archive_error_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, make: Make, data: st.DataObject
) -> None:
    content = make(tmp_path_factory.getbasetemp(), {"wine/MLmodel": b"text", "wine/data": b"x" * 600})
    whole = bytearray(content.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    content.write_bytes(whole)
    with suppress(ArchiveError):
        assert read_file(content, "MLmodel", 100) is not None

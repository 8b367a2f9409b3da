"""Reading files out of zips of unknown origin."""

import struct
import zipfile
from pathlib import Path

import pytest
from specr_processor import SourceError, ZipError, open_zip, open_zip_file, zips
from specr_processor.testing import make_zip


def test_files_are_read_by_name_and_by_line(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"b.txt": "é\nlonger than ten\nend".encode(), "a": b"x"})
    with open_zip(path) as archive:
        assert archive.names() == ["a", "b.txt"]
        assert "a" in archive
        assert (archive.read("a", 1), archive.size("a")) == (b"x", 1)
        assert list(archive.lines("b.txt", 10, 100)) == ["é\n", "longer tha", "end"]
        archive.check_bytes(100)


def test_one_zip_may_lie_in_another(tmp_path: Path) -> None:
    inner = make_zip(tmp_path / "inner.zip", {"deep": b"down"}).read_bytes()
    with (
        open_zip(make_zip(tmp_path / "outer.zip", {"inner.zip": inner})) as outer,
        outer.open("inner.zip") as file,
        open_zip_file(file) as archive,
    ):
        assert archive.read("deep", 10) == b"down"


def test_limits_hold(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"big": bytes(5000), "line": b"x" * 5000})
    with open_zip(path) as archive:
        with pytest.raises(ZipError, match="its big has more than 100 bytes"):
            archive.read("big", 100)
        with pytest.raises(ZipError, match="its line has more than 1,000 bytes"):
            list(archive.lines("line", 10, 1000))
        with pytest.raises(ZipError, match="it unpacks to more than 9,999 bytes"):
            archive.check_bytes(9999)
        with pytest.raises(ZipError, match="there is no small in it; it holds big, line"):
            archive.read("small", 1)


def test_a_listing_of_impossible_size_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_zip(tmp_path / "a.zip", {f"file-{number}": b"" for number in range(50)})
    monkeypatch.setattr(zips, "_LISTING_LIMIT", 1000)
    with pytest.raises(ZipError, match="list of contents is of impossible size"), open_zip(path):
        pass


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "a\\out"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    with (
        pytest.raises(ZipError, match="leads out of it"),
        open_zip(make_zip(tmp_path / "a.zip", {name: b""})),
    ):
        pass


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    for path, words in ((tmp_path / "text", "it is no zip"), (tmp_path, "it is a folder, not a zip")):
        with pytest.raises(SourceError, match=words), open_zip(path):
            pass


def test_damage_is_told(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"a": bytes(range(256)) * 4})
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(data)
    with open_zip(path) as archive, pytest.raises(ZipError, match="the zip is damaged"):
        archive.check_bytes(10_000)
    path.write_bytes(data[:-30])
    with pytest.raises(ZipError, match="the zip is damaged"), open_zip(path):
        pass


def test_other_compressions_and_passwords_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a", b"x" * 100)
    with open_zip(path) as opened, pytest.raises(ZipError, match="compressed in another way than by deflate"):
        opened.read("a", 1000)
    plain = make_zip(path, {"a": b"x"})
    data = bytearray(plain.read_bytes())
    start = data.rindex(b"PK\x01\x02") + 8
    data[start : start + 2] = struct.pack("<H", 1)
    plain.write_bytes(data)
    with open_zip(plain) as opened, pytest.raises(ZipError, match="its a is encrypted"):
        opened.read("a", 1000)

"""Content in and out of tar archives: nothing is lost, and nothing lands where it should not."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specr.providers.docker.archives import ArchiveError, pack, pack_file, pack_folder, read_file, unpack
from specr.store.content import measure


def in_pieces(data: bytes, size: int) -> Iterable[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


files = st.dictionaries(
    st.lists(st.sampled_from(["a", "b", "ü x", "d" * 120]), min_size=1, max_size=3).map("/".join),
    st.tuples(st.binary(max_size=2000), st.booleans()),
    max_size=6,
)


@given(files, st.integers(1, 3000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_packed_is_unpacked(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, tuple[bytes, bool]], size: int
) -> None:
    """Whatever the size of the pieces; the store's digest says that nothing differs."""
    place = tmp_path_factory.mktemp("packed")
    source = place / "source"
    source.mkdir()
    for name, (data, program) in tree.items():
        path = source / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except (NotADirectoryError, FileExistsError, IsADirectoryError):
            continue
        path.chmod(0o755 if program else 0o644)
    (source / "link").symlink_to("a")
    if not (source / "a").exists():
        (source / "a").mkdir()
    archive = b"".join(pack(source, "content"))
    unpack(in_pieces(archive, size), place / "target")
    assert measure(place / "target") == measure(source)


def test_a_file_alone_is_packed_too(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(os.urandom(5000))
    archive = b"".join(pack(tmp_path / "source", "content"))
    unpack([archive], tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == (tmp_path / "source").read_bytes()
    assert read_file([archive]) == (tmp_path / "source").read_bytes()


def test_the_same_content_gives_the_same_archive(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "b").write_text("b")
        (tmp_path / name / "a").write_text("a")
    os.utime(tmp_path / "two" / "a", (0, 0))
    assert b"".join(pack(tmp_path / "one", "c")) == b"".join(pack(tmp_path / "two", "c"))


def test_small_archives_are_what_they_say() -> None:
    assert read_file([pack_file("log", b"lines\n" * 200)]) == b"lines\n" * 200
    with tarfile.open(fileobj=io.BytesIO(pack_folder("work", 0o777))) as archive:
        (member,) = archive.getmembers()
        assert (member.name, member.isdir(), member.mode) == ("work", True, 0o777)


def archive_of(*members: tuple[str, bytes, str]) -> bytes:
    """An archive of names, types, and link targets."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, kind, linked in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, linked
            archive.addfile(info)
    return data.getvalue()


TOP = ("output", tarfile.DIRTYPE, "")
FOLDER, FILE, LINK, HARD, PIPE = (
    tarfile.DIRTYPE,
    tarfile.REGTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.FIFOTYPE,
)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ([("output", LINK, "/etc/passwd")], "is a link"),
        ([TOP, ("output/../../out", FILE, "")], "leads out"),
        ([TOP, ("../out", FILE, "")], "leads out"),
        ([TOP, ("other", FILE, "")], "leads out"),
        (
            [TOP, ("output/in", LINK, "../.."), ("output/in/out", FILE, "")],
            "behind a link",
        ),
        ([TOP, ("output/in", LINK, "x"), ("output/in", FILE, "")], "behind"),
        ([TOP, ("output/twin", HARD, "/etc/passwd")], "lies outside"),
        ([TOP, ("output/twin", HARD, "output/../../x")], "lies outside"),
        (
            [TOP, ("output/l", LINK, "/etc/passwd"), ("output/t", HARD, "output/l")],
            "outside",
        ),
        ([TOP, ("output/twin", HARD, "output/nothing")], "no file in it"),
        ([TOP, ("output/pipe", PIPE, "")], "neither a file nor a folder"),
        ([], "holds nothing"),
    ],
)
def test_what_means_ill_is_refused(tmp_path: Path, members: list[tuple[str, bytes, str]], told: str) -> None:
    place = tmp_path / "place"
    place.mkdir()
    with pytest.raises(ArchiveError, match=told):
        unpack([archive_of(*members)], place / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["place"]
    assert {path.name for path in place.iterdir()} <= {"target"}


@pytest.mark.parametrize("cut", [100, 700, 1100, 1500])
def test_what_ends_too_early_is_told(tmp_path: Path, cut: int) -> None:
    (tmp_path / "source").write_bytes(bytes(1000))
    archive = b"".join(pack(tmp_path / "source", "content"))
    with pytest.raises(ArchiveError):
        unpack([archive[:cut]], tmp_path / "target")

"""Archives and folders, honest and hostile, to a result or a reason."""

import io
import os
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specr_processor import Job, Limits, Processor, Settings, SourceError, UnpackError, model_root
from specr_processor.testing import make_folder, make_tar, make_zip, read_tree
from specr_processor.unpack import safe_name

MARKER = "model.txt"
FILES = {MARKER: b"a model", "weights.bin": b"\x80\x04payload", "data/part/a.bin": b"a" * 10}


def make(job: Job) -> Path:
    model = model_root(job.unpack(), MARKER)
    if "zeros" in job.environ:
        job.warn("zeros\nare dull")
    return model


PROCESSOR = Processor("acme", "acme model", MARKER, make)


def process(source: Path, target: Path, limits: Limits | None = None) -> None:
    PROCESSOR.process(Settings(source, target, limits or Limits()))


Make = Callable[..., Path]
MAKERS: dict[str, Make] = {"tar": make_tar, "zip": make_zip, "folder": make_folder}
makers = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
archives = pytest.mark.parametrize("make", [make_tar, make_zip], ids=["tar", "zip"])


def nest(files: Mapping[str, bytes], top: str) -> dict[str, bytes]:
    return {f"{top}/{name}": content for name, content in files.items()}


EXPECTED = {
    MARKER: (0o644, b"a model"),
    "weights.bin": (0o644, FILES["weights.bin"]),
    "data": (0o755, b""),
    "data/part": (0o755, b""),
    "data/part/a.bin": (0o644, FILES["data/part/a.bin"]),
}


@makers
@pytest.mark.parametrize("top", [None, "model", "a b"])
def test_every_way_to_pack_a_model_gives_the_same_read_tree(
    make: Make, top: str | None, tmp_path: Path
) -> None:
    source = make(tmp_path / "source", FILES if top is None else nest(FILES, top))
    target = tmp_path / "target"
    process(source, target)
    assert read_tree(target) == EXPECTED
    assert stat.S_IMODE(target.stat().st_mode) == 0o755
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_order_modes_and_times_of_an_archive_do_not_matter(mode: str, tmp_path: Path) -> None:
    source = tmp_path / "source.tar"
    with tarfile.open(source, mode) as archive:
        for name in reversed(FILES):
            member = tarfile.TarInfo(f"./{name}")
            member.size, member.mode, member.mtime, member.uid = len(FILES[name]), 0o4777, 12345, 99
            archive.addfile(member, io.BytesIO(FILES[name]))
    process(source, tmp_path / "target")
    assert read_tree(tmp_path / "target") == EXPECTED


def test_what_macos_adds_to_a_zip_is_left_out(tmp_path: Path) -> None:
    source = make_zip(tmp_path / "a.zip", {**nest(FILES, "model"), "__MACOSX/model/._model.txt": b"x"})
    process(source, tmp_path / "target")
    assert read_tree(tmp_path / "target") == EXPECTED


@makers
def test_links_to_files_inside_become_copies(make: Make, tmp_path: Path) -> None:
    links = [("first", "second"), ("second", "data/part/a.bin"), ("data/part/up", "../../weights.bin")]
    process(make(tmp_path / "source", FILES, *links), tmp_path / "target")
    copies = {"first": b"a" * 10, "second": b"a" * 10, "data/part/up": FILES["weights.bin"]}
    assert read_tree(tmp_path / "target") == {
        **EXPECTED,
        **{name: (0o644, copy) for name, copy in copies.items()},
    }


@makers
@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "data/../../outside", ".."])
def test_links_that_leave_the_model_are_refused(make: Make, target: str, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret")
    source = make(tmp_path / "source", FILES, ("link", target))
    with pytest.raises(UnpackError, match="the link 'link' leads out of the model"):
        process(source, tmp_path / "target")
    assert not (tmp_path / "target").exists()


@makers
@pytest.mark.parametrize("target", ["nothing", "data", "link", "."])
def test_links_to_no_file_are_refused(make: Make, target: str, tmp_path: Path) -> None:
    with pytest.raises(UnpackError, match="the link 'link' leads to no file"):
        process(make(tmp_path / "source", FILES, ("link", target)), tmp_path / "target")


@archives
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil", "leads out of the archive"),
        ("data/../../evil", "leads out of the archive"),
        ("/tmp/evil", "has an absolute name"),
        ("C:/evil", "has an absolute name"),
        ("a\\..\\evil", "has a backslash"),
        (MARKER, "'model.txt' occurs twice"),
        ("./data//part/a.bin", "'data/part/a.bin' occurs twice"),
        ("weights.bin/inside", "'weights.bin' is both a file and a folder"),
        ("data", "'data' occurs twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_names_that_leave_or_clash_are_refused(make: Make, name: str, reason: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    if make is make_tar:
        with tarfile.open(source, "w:gz") as tar:
            for entry, content in [*FILES.items(), (name, b"x")]:
                member = tarfile.TarInfo(entry)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    else:
        with zipfile.ZipFile(source, "w") as archive:
            for entry, content in [*FILES.items(), (name, b"x")]:
                archive.writestr(entry, content)
    with pytest.raises(UnpackError, match=reason):
        process(source, tmp_path / "target")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


@archives
def test_a_file_below_a_link_is_refused(make: Make, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    source = tmp_path / "source"
    if make is make_tar:
        with tarfile.open(source, "w") as tar:
            link = tarfile.TarInfo("data")
            link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "elsewhere")
            tar.addfile(link)
            tar.addfile(tarfile.TarInfo("data/evil"), io.BytesIO())
    else:
        make_zip(source, {}, ("data", "part"))
        with zipfile.ZipFile(source, "a") as archive:
            archive.writestr("data/evil", b"")
    with pytest.raises(UnpackError):
        process(source, tmp_path / "target")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes_in_a_tar_are_refused(kind: bytes, tmp_path: Path) -> None:
    source = tmp_path / "source"
    with tarfile.open(source, "w") as archive:
        member = tarfile.TarInfo("null")
        member.type = kind
        archive.addfile(member)
    with pytest.raises(UnpackError, match="'null' is a device, pipe or other special file"):
        process(source, tmp_path / "target")


def test_devices_and_pipes_elsewhere_are_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "folder", FILES)
    os.mkfifo(folder / "pipe")
    archive = make_zip(tmp_path / "zip", FILES)
    with zipfile.ZipFile(archive, "a") as zipped:
        member = zipfile.ZipInfo("pipe")
        member.external_attr = (stat.S_IFIFO | 0o644) << 16
        zipped.writestr(member, b"")
    for source in (folder, archive):
        with pytest.raises(UnpackError, match="'pipe' is a device, pipe or other special file"):
            process(source, tmp_path / "target")


def test_a_hard_link_of_a_tar_becomes_a_copy_or_is_refused(tmp_path: Path) -> None:
    for target, refused in (("weights.bin", False), ("../outside", True), ("/etc/passwd", True)):
        source = tmp_path / "source"
        make_tar(source, FILES, mode="w")
        with tarfile.open(source, "a") as archive:
            member = tarfile.TarInfo("hard")
            member.type, member.linkname = tarfile.LNKTYPE, target
            archive.addfile(member)
        if refused:
            with pytest.raises(UnpackError):
                process(source, tmp_path / "target")
        else:
            process(source, tmp_path / "target")
            assert (tmp_path / "target" / "hard").read_bytes() == FILES["weights.bin"]


@archives
def test_an_archive_that_grows_beyond_measure_is_refused(make: Make, tmp_path: Path) -> None:
    source = make(tmp_path / "source", {**FILES, "zeros": b"\0" * 2_000_000})
    generous = Limits(ratio=1000, free_bytes=0)
    process(source, tmp_path / "fits", generous)
    for limits in (Limits(ratio=10, free_bytes=0), Limits(total_bytes=1_000_000), Limits(entries=4)):
        with pytest.raises(UnpackError, match="more than"):
            process(source, tmp_path / "target", limits)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["fits", "source"]


@makers
def test_links_count_as_the_copies_they_become(make: Make, tmp_path: Path) -> None:
    links = [(f"link{number}", "weights.bin") for number in range(100)]
    source = make(tmp_path / "source", {**FILES, "weights.bin": b"x" * 1000}, *links)
    with pytest.raises(UnpackError, match="more than 50000 bytes"):
        process(source, tmp_path / "target", Limits(total_bytes=50_000))


def test_a_header_that_claims_gigabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    source = tmp_path / "source"
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 2**32
    source.write_bytes(header.tobuf(tarfile.USTAR_FORMAT) + b"\0" * 10_240)
    with pytest.raises(UnpackError, match="claims to be 4294967296 bytes long"):
        process(source, tmp_path / "target")


@pytest.mark.parametrize("cut", [10, 100, 200, -20, -1])
@archives
def test_damaged_archives_are_told(make: Make, cut: int, tmp_path: Path) -> None:
    whole = make(tmp_path / "whole", {**FILES, "noise": os.urandom(1000)}).read_bytes()
    source = tmp_path / "source"
    source.write_bytes(whole[:cut])
    with pytest.raises((UnpackError, SourceError)):
        process(source, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_an_encrypted_zip_is_told(tmp_path: Path) -> None:
    source = make_zip(tmp_path / "source", FILES)
    content = bytearray(source.read_bytes())
    local, central = content.index(b"PK\x03\x04"), content.index(b"PK\x01\x02")
    content[local + 6] |= 1
    content[central + 8] |= 1
    source.write_bytes(content)
    with pytest.raises(UnpackError, match=r"the entry 'model\.txt' is encrypted"):
        process(source, tmp_path / "target")


class TestTarget:
    def test_an_empty_folder_is_filled_in_place(self, tmp_path: Path) -> None:
        target = tmp_path / "target"
        target.mkdir()
        inode = target.stat().st_ino
        process(make_folder(tmp_path / "source", FILES), target)
        assert read_tree(target) == EXPECTED
        assert target.stat().st_ino == inode

    def test_an_earlier_result_is_replaced(self, tmp_path: Path) -> None:
        target = tmp_path / "target"
        process(make_folder(tmp_path / "first", {**FILES, "old": b""}), target)
        process(make_folder(tmp_path / "second", FILES), target)
        assert read_tree(target) == EXPECTED

    def test_anything_else_is_left_alone(self, tmp_path: Path) -> None:
        target = make_folder(tmp_path / "target", {"precious": b"x"})
        with pytest.raises(SourceError, match="already holds something that is no acme model"):
            process(make_folder(tmp_path / "source", FILES), target)
        assert read_tree(target) == {"precious": (0o644, b"x")}

    def test_a_failure_leaves_an_empty_folder_empty(self, tmp_path: Path) -> None:
        target = tmp_path / "target"
        target.mkdir()
        with pytest.raises(SourceError):
            process(make_folder(tmp_path / "source", {"x": b""}), target)
        assert list(target.iterdir()) == []


def test_a_run_says_one_line_and_a_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = make_zip(tmp_path / "good.zip", FILES), make_zip(tmp_path / "bad.zip", {"../x": b""})

    def run(source: Path, **env: str) -> tuple[int, str]:
        status = PROCESSOR.main({"SOURCE_PATH": str(source), "TARGET_PATH": str(tmp_path / "target"), **env})
        return status, capsys.readouterr().err

    assert run(good) == (0, "")
    assert read_tree(tmp_path / "target") == EXPECTED
    assert run(good, zeros="1") == (0, "acme: warning: zeros are dull\n")
    message = "bad.zip is no acme model that can be deployed: the entry '../x' leads out of the archive"
    assert run(bad) == (1, f"acme: {message}\n")
    kept = bad.rename(tmp_path / ("0123456789abcdef" * 4))
    assert run(kept) == (1, f"acme: the artifact{message.removeprefix('bad.zip')}\n")


def test_a_result_without_its_marker_is_refused(tmp_path: Path) -> None:
    source = make_folder(tmp_path / "source", {"x": b""})
    with pytest.raises(SourceError, match=r"there is no model\.txt in what was made of it"):
        process(source, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_bug_in_a_family_is_not_taken_for_a_bad_source(tmp_path: Path) -> None:
    def fail(_: Job) -> Path:
        raise KeyError("oops")

    broken = Processor("acme", "acme model", MARKER, fail)
    source = make_folder(tmp_path / "source", FILES)
    with pytest.raises(KeyError, match="oops"):
        broken.main({"SOURCE_PATH": str(source), "TARGET_PATH": str(tmp_path / "target")})
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "SOURCE_PATH is not set; the processor needs SOURCE_PATH and TARGET_PATH"),
        ({"SOURCE_PATH": "{tmp}"}, "TARGET_PATH is not set"),
        ({"SOURCE_PATH": "{tmp}/none", "TARGET_PATH": "{tmp}/t"}, "none', where there is nothing"),
        ({"SOURCE_PATH": "{tmp}", "TARGET_PATH": "{tmp}/t"}, "lies in SOURCE_PATH"),
        (
            {"SOURCE_PATH": "{tmp}", "TARGET_PATH": "/t", "SPECR_MAX_UNPACK_RATIO": "x"},
            "SPECR_MAX_UNPACK_RATIO is 'x'; it must be a whole number above 0",
        ),
    ],
)
def test_wrong_variables_are_a_status_of_their_own(
    environ: dict[str, str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert PROCESSOR.main({name: value.format(tmp=tmp_path) for name, value in environ.items()}) == 2
    assert message in capsys.readouterr().err


def test_a_disk_that_refuses_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = make_zip(tmp_path / "a.zip", FILES)
    (tmp_path / "file").touch()
    assert PROCESSOR.main({"SOURCE_PATH": str(source), "TARGET_PATH": str(tmp_path / "file" / "t")}) == 1
    assert "the disk refused" in capsys.readouterr().err


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="./\\\0:aC", max_size=12))
def test_a_safe_name_stays_inside_whatever_it_was(raw: str) -> None:
    try:
        name = safe_name(raw)
    except UnpackError:
        return
    assert os.path.normpath(f"/root/{name}").startswith("/root")
    assert not name.startswith("/")
    assert ".." not in name.split("/")


def spoil(whole: bytes, changes: list[tuple[int, int]]) -> bytes:
    spoilt = bytearray(whole)
    for position, byte in changes:
        spoilt[position % min(len(spoilt), 3000)] = byte
    return bytes(spoilt)


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder, link = tmp_path_factory.mktemp("wholes"), ("link", "weights.bin")
    tar = make_tar(folder / "tar", {**FILES, "n" * 150: b"x"}, link, mode="w")
    return [
        tar.read_bytes(),
        make_zip(folder / "zip", FILES, link).read_bytes(),
        b"\x1f\x8b\x08" + b"\0" * 100,
    ]


@settings(deadline=None)
@given(
    which=st.integers(0, 2),
    changes=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=6),
)
def test_spoilt_archives_are_unpacked_inside_or_refused(
    wholes: list[bytes], which: int, changes: list[tuple[int, int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        source.write_bytes(spoil(wholes[which], changes))
        try:
            process(source, target, Limits(total_bytes=10**7))
        except (UnpackError, SourceError, OSError):
            assert not target.exists()
        assert {path.name for path in Path(folder).iterdir()} <= {"source", "target"}

"""The digest of content: what counts, what does not, and what is refused."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from specr.diagnostics import DiagnosticError
from specr.store.content import measure
from specr.store.copying import remove


def refusal(path: Path) -> str:
    with pytest.raises(DiagnosticError) as caught:
        measure(path)
    assert all(d.remedy for d in caught.value.diagnostics)
    return str(caught.value)


def test_a_file_has_the_digest_that_sha256sum_prints(tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(bytes(range(256)) * 5000)
    printed = subprocess.run(["sha256sum", file], check=True, capture_output=True, text=True).stdout
    assert measure(file) == (f"sha256:{printed.split()[0]}", 256 * 5000)


def test_the_manifest_is_as_documented(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "sub" / "run").write_bytes(b"#!")
    (tmp_path / "sub" / "run").chmod(0o755)
    (tmp_path / "ä b").write_bytes(b"data")
    (tmp_path / "link").symlink_to("sub/run")
    records = [
        "specr folder 1",
        "d - empty",
        f"l {hashlib.sha256(b'sub/run').hexdigest()} link",
        "d - sub",
        f"x {hashlib.sha256(b'#!').hexdigest()} sub/run",
        f"f {hashlib.sha256(b'data').hexdigest()} ä b",
    ]
    plain = hashlib.sha256("".join(f"{r}\0" for r in records).encode()).digest()
    assert measure(tmp_path) == ("sha256:" + bytes(255 - b for b in plain).hex(), 6)


def test_the_digest_of_an_empty_folder_stays_what_it_was(tmp_path: Path) -> None:
    plain = hashlib.sha256(b"specr folder 1\0").digest()
    assert measure(tmp_path) == ("sha256:" + bytes(255 - b for b in plain).hex(), 0)


def test_a_file_that_holds_a_folders_manifest_has_another_digest(tmp_path: Path) -> None:
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    file.write_bytes(b"specr folder 1\0")
    assert measure(folder).digest != measure(file).digest


def test_a_link_given_as_the_path_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "f").write_text("x")
    (tmp_path / "alias").symlink_to("real")
    assert measure(tmp_path / "alias") == measure(tmp_path / "real")


@pytest.mark.parametrize("bits", [0o744, 0o700])
def test_only_the_owners_executable_bit_counts(tmp_path: Path, bits: int) -> None:
    file = tmp_path / "f"
    file.write_text("x")
    file.chmod(0o644)
    plain = measure(tmp_path)
    file.chmod(0o600)
    assert measure(tmp_path) == plain
    file.chmod(0o655)
    assert measure(tmp_path) == plain
    file.chmod(bits)
    assert measure(tmp_path) != plain


def test_empty_folders_count(tmp_path: Path) -> None:
    before = measure(tmp_path)
    (tmp_path / "empty").mkdir()
    assert measure(tmp_path) != before


@pytest.mark.parametrize(
    ("at", "target"),
    [
        ("link", "inside"),
        ("link", "./sub//deep"),
        ("sub/link", "../inside"),
        ("sub/link", ".."),
        ("link", "sub/up/inside"),
        ("link", "other-link"),
    ],
)
def test_links_that_stay_inside_are_kept(tmp_path: Path, at: str, target: str) -> None:
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "inside").write_text("x")
    (tmp_path / "sub" / "up").symlink_to("..")
    (tmp_path / "other-link").symlink_to("inside")
    before = measure(tmp_path)
    (tmp_path / at).symlink_to(target)
    linked = measure(tmp_path)
    assert linked != before
    assert linked.size == before.size


@pytest.mark.parametrize(
    ("target", "flaw"),
    [
        ("/etc/hostname", "outside"),
        ("../beside", "outside"),
        ("sub/../../beside", "outside"),
        ("../content/inside", "outside"),
        ("up/../beside", "outside"),
        ("gone", "does not exist"),
        ("inside/below-a-file", "does not exist"),
        ("self", "circles"),
    ],
)
def test_links_that_lead_out_or_nowhere_are_refused(tmp_path: Path, target: str, flaw: str) -> None:
    content = tmp_path / "content"
    (content / "sub").mkdir(parents=True)
    (tmp_path / "beside").write_text("secret")
    (content / "inside").write_text("x")
    (content / "up").symlink_to("sub/..")
    (content / "self").symlink_to(target)
    told = refusal(content)
    assert f"{content}/self links to {target}" in told
    assert flaw in told


def test_pipes_sockets_and_devices_are_refused_together_by_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        told = refusal(tmp_path)
    assert f"{tmp_path}/pipe is a named pipe" in told
    assert f"{tmp_path}/socket is a socket" in told


def test_a_pipe_or_device_given_as_the_path_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "a named pipe, neither a file nor a folder" in refusal(tmp_path / "pipe")
    assert "a device, neither a file nor a folder" in refusal(Path("/dev/zero"))


def test_names_that_are_not_utf8_are_refused_and_shown(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9")).write_text("x")
    (tmp_path / "link").symlink_to(os.fsdecode(b"t\xff"))
    told = refusal(tmp_path)
    assert "caf\\xe9 has a name that is not UTF-8" in told
    assert "link links to a name that is not UTF-8" in told


def test_names_with_line_breaks_do_not_blur_into_each_other(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    one.mkdir()
    two.mkdir()
    empty = hashlib.sha256(b"").hexdigest()
    (one / f"a\nf {empty} b").touch()
    (two / "a").touch()
    (two / "b").touch()
    assert measure(one).digest != measure(two).digest


def test_what_is_absent_is_told(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "gone")


def test_a_link_to_itself_given_as_the_path_is_told(tmp_path: Path) -> None:
    (tmp_path / "me").symlink_to("me")
    assert "me" in refusal(tmp_path / "me")


def test_a_deep_folder_is_no_trouble(tmp_path: Path) -> None:
    content = deep = tmp_path / "content"
    content.mkdir()
    for _ in range(1_020):  # deeper than Python goes down by recursion
        deep /= "d"
        deep.mkdir()
    (deep / "f").write_text("x")
    before = measure(content)
    (deep / "f").write_text("y")
    assert measure(content).digest != before.digest
    remove(content)
    assert not content.exists()


def test_a_file_written_to_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "growing"
    file.write_text("begun")
    genuine = hashlib.file_digest

    def while_another_writes(opened: object, name: str) -> object:
        with file.open("a") as other:
            other.write("more")
        return genuine(opened, name)  # type: ignore[arg-type]

    monkeypatch.setattr(hashlib, "file_digest", while_another_writes)
    assert "changed while it was read" in refusal(file)


def test_copies_have_the_same_digest_whatever_the_order_and_times(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, names in ((one, "abc"), (two, "cba")):
        folder.mkdir()
        for name in names:
            (folder / name).write_text(name)
            os.utime(folder / name, (ord(folder.name[0]), ord(folder.name[1])))
    assert measure(one) == measure(two)
    assert measure(Path(shutil.copytree(one, tmp_path / "three", symlinks=True))) == measure(one)

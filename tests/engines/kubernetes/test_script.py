"""The script that runs on the volume, run here on a folder: it must agree with the store on every digest."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specr.providers.kubernetes import helper
from specr.providers.kubernetes.packing import pack
from specr.store.content import measure

SCRIPT = Path(helper.__file__).with_name("volume.sh")
SHELLS = [shell for shell in (("busybox", "sh"), ("dash",)) if shutil.which(shell[0])]

names = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda name: name not in {".", ".."})
trees = st.recursive(
    st.tuples(st.binary(max_size=50), st.booleans()),
    lambda below: st.dictionaries(names, below, max_size=4),
    max_leaves=8,
)
Tree = tuple[bytes, bool] | dict[str, "Tree"]


def plant(tree: Tree, place: Path) -> None:
    if isinstance(tree, dict):
        place.mkdir()
        for name, below in tree.items():
            plant(below, place / name)
    else:
        place.write_bytes(tree[0])
        place.chmod(0o755 if tree[1] else 0o644)


def run(
    shell: tuple[str, ...], folder: Path, *arguments: str, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    command = [*shell, "-c", SCRIPT.read_text(), "specr", *arguments]
    environ = {**os.environ, "SPECR_FOLDER": str(folder)}
    return subprocess.run(command, env=environ, input=given, capture_output=True, check=False)


def receive(shell: tuple[str, ...], folder: Path, content: Path) -> subprocess.CompletedProcess[bytes]:
    packed = pack(content)
    digest = measure(content).digest.removeprefix("sha256:")
    stream = b"".join(packed.pieces())
    assert len(stream) == packed.length
    return run(shell, folder, "receive", "name", str(packed.length), digest, given=stream)


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees)
def test_what_arrives_has_the_digest_of_what_was_sent(
    shell: tuple[str, ...], tree: Tree, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "x", ignore_errors=True)
    (tmp_path / "x").mkdir()
    content, folder = tmp_path / "x" / "content", tmp_path / "x" / "volume"
    plant(tree, content)
    done = receive(shell, folder, content)
    measured = measure(content)
    hexadecimal = measured.digest.removeprefix("sha256:")
    assert done.stdout.decode().split() == [hexadecimal, str(measured.size)], done.stderr
    assert measure(folder / "objects" / hexadecimal / "content") == measured
    assert run(shell, folder, "have", hexadecimal).stdout == done.stdout
    assert run(shell, folder, "list").stdout.decode().split() == [hexadecimal]
    assert not list((folder / "staging").iterdir())
    run(shell, folder, "forget", hexadecimal)
    run(shell, folder, "tidy")
    assert not folder.exists()


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
class TestScript:
    def test_links_stay_links(self, shell: tuple[str, ...], tmp_path: Path) -> None:
        content = tmp_path / "content"
        plant({"a": {"b": (b"x", False)}, "c": {}}, content)
        (content / "c" / "up").symlink_to("../a/b")
        (content / "line\nend").symlink_to("a")
        done = receive(shell, tmp_path / "volume", content)
        assert done.returncode == 0, done.stderr
        hexadecimal = measure(content).digest.removeprefix("sha256:")
        arrived = tmp_path / "volume" / "objects" / hexadecimal / "content"
        assert (arrived / "c" / "up").readlink() == Path("../a/b")
        assert measure(arrived) == measure(content)

    @pytest.mark.parametrize("target", ["/etc/passwd", "../../elsewhere", "nowhere"])
    def test_links_out_are_refused(self, shell: tuple[str, ...], target: str, tmp_path: Path) -> None:
        output = tmp_path / "output"
        output.mkdir()
        (output / "link").symlink_to(target)
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as tar:
            tar.add(output, "content")
        sent = stream.getvalue()
        done = run(shell, tmp_path / "volume", "receive", "n", str(len(sent)), "0" * 64, given=sent)
        assert done.returncode == 1
        assert b"link is a link out of the folder" in done.stderr

    def test_other_bytes_are_refused(self, shell: tuple[str, ...], tmp_path: Path) -> None:
        content = tmp_path / "content"
        content.write_text("text")
        packed = pack(content)
        done = run(
            shell,
            tmp_path / "volume",
            "receive",
            "n",
            str(packed.length),
            "0" * 64,
            given=b"".join(packed.pieces()),
        )
        assert done.returncode == 1
        assert b"the bytes that came are" in done.stderr
        assert not list((tmp_path / "volume" / "staging").iterdir())

    def test_content_that_was_damaged_is_not_there(self, shell: tuple[str, ...], tmp_path: Path) -> None:
        content = tmp_path / "content"
        content.write_text("text")
        receive(shell, tmp_path / "volume", content)
        hexadecimal = measure(content).digest.removeprefix("sha256:")
        (tmp_path / "volume" / "objects" / hexadecimal / "content").write_text("other")
        assert run(shell, tmp_path / "volume", "have", hexadecimal).stdout == b""

    def test_a_folder_that_a_mount_has_made_is_no_content(
        self, shell: tuple[str, ...], tmp_path: Path
    ) -> None:
        content = tmp_path / "content"
        content.write_text("text")
        hexadecimal = measure(content).digest.removeprefix("sha256:")
        (tmp_path / "volume" / "objects" / hexadecimal / "content").mkdir(parents=True)
        assert run(shell, tmp_path / "volume", "list").stdout == b""
        assert receive(shell, tmp_path / "volume", content).returncode == 0
        assert (tmp_path / "volume" / "objects" / hexadecimal / "content").read_text() == "text"

    def test_what_is_half_done_is_removed_and_told(self, shell: tuple[str, ...], tmp_path: Path) -> None:
        volume = tmp_path / "volume"
        plant(
            {"staging": {"n": {"deep": {}}, "n-more": {}, "m": {}}, "results": {"n": (b"abc\n", False)}},
            volume,
        )
        (volume / "staging" / "n" / "deep").chmod(stat.S_IRUSR)
        done = run(shell, volume, "discard", "n")
        assert done.stdout == b"abc\n"
        assert [path.name for path in (volume / "staging").iterdir()] == ["m"]
        assert not list((volume / "results").iterdir())


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_several_may_remove_the_same_at_once(shell: tuple[str, ...], tmp_path: Path) -> None:
    for attempt in range(5):
        content = tmp_path / "objects" / f"{attempt}" / "content"
        for name in range(100):
            (content / f"{name}" / "deep").mkdir(parents=True)
        with ThreadPoolExecutor(6) as pool:
            removals = [pool.submit(run, shell, tmp_path, "forget", f"{attempt}") for _ in range(6)]
        failures = [done.stderr for done in (each.result() for each in removals) if done.returncode]
        assert not failures
        assert not content.exists()

"""The processor: what it takes, what it refuses, and what it leaves behind."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from specr_processor.testing import read_tree, run_processor

MakeMojo = Callable[..., Path]


def process(source: Path, target: Path, **env: str) -> tuple[int, str]:
    return run_processor("specr_h2o3.processor", source, target, **env)


def test_a_mojo_arrives_as_it_is(make_mojo: MakeMojo, tmp_path: Path) -> None:
    source, target = make_mojo(), tmp_path / "out"
    assert process(source, target) == (0, "")
    assert read_tree(target) == {"mojo.zip": (0o644, source.read_bytes())}
    assert process(source, target) == (0, "")


def test_it_runs_without_the_packages_of_the_runtime_and_of_specr() -> None:
    import subprocess
    import sys

    program = (
        "import specr_h2o3.processor, sys; print([m for m in sys.modules if m.split('.')[0] in sys.argv[1:]])"
    )
    banned = ["specr", "specr_scorer", "jpype", "httptools"]
    done = subprocess.run(
        [sys.executable, "-c", program, *banned], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"info": {"category": "KLime"}}, "of the category KLime, which is not served"),
        ({"files": {"model.ini": None}}, "there is no model.ini in it"),
    ],
)
def test_what_cant_be_served_is_refused(
    make_mojo: MakeMojo, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    status, said = process(make_mojo(**changes), tmp_path / "out")
    assert status == 1
    assert said.startswith("specr-h2o3: model.zip is no H2O-3 MOJO that can be deployed: ")
    assert words in said
    assert not (tmp_path / "out").exists()


def test_every_byte_is_checked(make_mojo: MakeMojo, tmp_path: Path) -> None:
    source = make_mojo()
    data = bytearray(source.read_bytes())
    place = data.index(b"trees/t00_000.bin") + len("trees/t00_000.bin") + 20
    data[place] ^= 0xFF
    source.write_bytes(data)
    status, said = process(source, tmp_path / "out")
    assert (status, "the zip is damaged" in said) == (1, True)


def test_a_bomb_is_refused(make_mojo: MakeMojo, tmp_path: Path) -> None:
    source = make_mojo(files={"trees/t00_001.bin": bytes(70 << 20)})
    status, said = process(source, tmp_path / "out", SPECR_MAX_UNPACK_RATIO="2")
    assert (status, "it unpacks to more than 67,108,864 bytes" in said) == (1, True)


def test_a_folder_is_refused(make_mojo: MakeMojo, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    shutil.unpack_archive(make_mojo(), folder)
    status, said = process(folder, tmp_path / "out")
    assert (status, "it is a folder, not a zip" in said) == (1, True)

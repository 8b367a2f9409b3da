"""The processor: what it takes, what it refuses, and what it leaves behind."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from specr_processor.testing import read_tree, run_processor

MakeDownload = Callable[..., Path]


def process(source: Path, target: Path, **env: str) -> tuple[int, str]:
    return run_processor("specr_dai.processor", source, target, **env)


def test_the_pipeline_arrives_as_it_is_and_nothing_else(
    make_download: MakeDownload, pipeline: bytes, tmp_path: Path
) -> None:
    source, target = make_download(), tmp_path / "out"
    assert process(source, target) == (0, "")
    assert read_tree(target) == {"pipeline.mojo": (0o644, pipeline)}
    assert process(source, target) == (0, "")


def test_the_pipeline_alone_arrives_too(pipeline: bytes, tmp_path: Path) -> None:
    source = tmp_path / "model.zip"
    source.write_bytes(pipeline)
    assert process(source, tmp_path / "out") == (0, "")
    assert read_tree(tmp_path / "out") == {"pipeline.mojo": (0o644, pipeline)}


def test_it_runs_without_specr() -> None:
    program = "import specr_dai.processor, sys; print([m for m in sys.modules if m.split('.')[0] == 'specr'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_byte_is_checked(make_download: MakeDownload, pipeline: bytes, tmp_path: Path) -> None:
    broken = bytearray(pipeline)
    broken[pipeline.index(b"mojo/pipeline.pb") + 30] ^= 0xFF
    source = make_download({"mojo-pipeline/pipeline.mojo": bytes(broken)})
    status, said = process(source, tmp_path / "out")
    assert status == 1
    assert said.startswith("specr-dai: mojo.zip is no Driverless AI MOJO pipeline that can be deployed: ")
    assert "the zip is damaged" in said
    assert not (tmp_path / "out").exists()


def test_a_bomb_is_refused(
    make_download: MakeDownload, pack: Callable[[dict[str, bytes]], bytes], tmp_path: Path
) -> None:
    bomb = pack({"mojo/pipeline.pb": bytes(70 << 20)})
    source = make_download({"mojo-pipeline/pipeline.mojo": bomb})
    status, said = process(source, tmp_path / "out", SPECR_MAX_UNPACK_RATIO="2")
    assert (status, "it unpacks to more than 67,108,864 bytes" in said) == (1, True)

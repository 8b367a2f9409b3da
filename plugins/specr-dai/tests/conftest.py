"""Pipelines packed as Driverless AI packs them; what is in `pipeline.pb` is the vendor's business."""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

MakeDownload = Callable[..., Path]


def _pack(files: Mapping[str, bytes]) -> bytes:
    """A zip's bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


_PIPELINE = _pack({"mojo/pipeline.pb": bytes(range(256)) * 40, "mojo/weights/0.bin": bytes(500)})


@pytest.fixture
def pack() -> Callable[[Mapping[str, bytes]], bytes]:
    """Makes a zip's bytes."""
    return _pack


@pytest.fixture
def pipeline() -> bytes:
    """A `pipeline.mojo`."""
    return _PIPELINE


@pytest.fixture
def make_download(tmp_path: Path) -> MakeDownload:
    """Writes a `mojo.zip`; what is given replaces what it has, and a file of None is left out."""

    def make(files: Mapping[str, bytes | None] | None = None) -> Path:
        content: dict[str, bytes | None] = {
            "mojo-pipeline/pipeline.mojo": _PIPELINE,
            "mojo-pipeline/example.csv": b'"sepal, length",width\n5.1,3.5\n',
            "mojo-pipeline/run_example.sh": b"echo\n",
        }
        content |= files or {}
        path = tmp_path / "mojo.zip"
        path.write_bytes(_pack({name: data for name, data in content.items() if data is not None}))
        return path

    return make

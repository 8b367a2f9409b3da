"""What a pipeline tells at plan."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from specr_dai.reader import PipelineReader

from specr.diagnostics import Diagnostic
from specr.readers.catalog import reader_for

MakeDownload = Callable[..., Path]


def finding(path: Path) -> Diagnostic:
    facts = PipelineReader().read(path)
    (diagnostic,) = facts.diagnostics
    assert facts.schema is None
    assert diagnostic.remedy
    return diagnostic


def test_it_is_found_by_its_entry_point() -> None:
    assert isinstance(reader_for("dai/mojo_pipeline"), PipelineReader)


def test_a_download_is_one_whose_columns_have_to_be_declared(make_download: MakeDownload) -> None:
    found = finding(make_download())
    assert not found.is_error
    assert "Declare `schema`" in found.remedy
    assert found.detail.endswith("The example beside it has sepal, length, width.")


def test_without_an_example_no_columns_are_guessed(make_download: MakeDownload) -> None:
    found = finding(make_download({"mojo-pipeline/example.csv": None}))
    assert not found.is_error
    assert "example" not in found.detail


def test_of_many_columns_some_are_shown(make_download: MakeDownload) -> None:
    header = ",".join(f"c{number}" for number in range(40)).encode()
    found = finding(make_download({"mojo-pipeline/example.csv": header + b"\n"}))
    assert "c29 and 10 more." in found.detail


def test_the_pipeline_alone_will_do(pipeline: bytes, tmp_path: Path) -> None:
    path = tmp_path / "pipeline.mojo"
    path.write_bytes(pipeline)
    assert not finding(path).is_error


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"mojo-pipeline/pipeline.mojo": None}, "holds none; it holds mojo-pipeline/example.csv"),
        ({"pipeline.mojo": b"x"}, "holds several"),
        ({"mojo-pipeline/pipeline.mojo": b"no zip"}, "it is no zip"),
        ({"mojo-pipeline/pipeline.mojo": b""}, "it is no zip"),
        ({"../pipeline.mojo": b"x"}, "leads out of it"),
    ],
)
def test_other_content_is_told(
    make_download: MakeDownload, files: dict[str, bytes | None], words: str
) -> None:
    found = finding(make_download(files))
    assert found.is_error
    assert words in found.detail


def test_a_pipeline_without_its_model_is_told(
    make_download: MakeDownload, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    found = finding(make_download({"mojo-pipeline/pipeline.mojo": pack({"mojo/other": b"x"})}))
    assert "holds no mojo/pipeline.pb" in found.detail


def test_folders_and_nothing_are_told(tmp_path: Path) -> None:
    assert "it is a folder, not a zip" in finding(tmp_path).detail
    assert "can't be read" in finding(tmp_path / "nothing").detail


def test_damage_of_any_kind_gives_diagnostics(make_download: MakeDownload) -> None:
    path = make_download()
    whole = path.read_bytes()
    chance = random.Random(1)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 2, 8])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])
        PipelineReader().read(path)

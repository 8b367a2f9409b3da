"""Serialized files and folders, honest and hostile, to what the runtime loads."""

import gzip
import io
import json
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
from specr_pickle.layout import FILES, NOTE, LayoutError, Note, load_note
from specr_pickle.processor import PROCESSOR
from specr_processor import Settings, SourceError
from specr_processor.testing import make_folder, make_tar, make_zip, read_tree, run_processor

joblib = pytest.importorskip("joblib")
np = pytest.importorskip("numpy")

DATA = pickle.dumps({"weights": [1.0, 2.0]})


class Bomb:
    def __reduce__(self) -> Any:
        return os.system, ("touch exploded",)


def process(source: Path, target: Path, policy: str = "") -> Note:
    PROCESSOR.process(Settings(source, target), {"SPECR_POLICY": policy})
    return load_note(target)


@pytest.mark.parametrize("name", ["price.pkl", "content", "price.bin"])
def test_a_file_becomes_a_folder_with_a_note(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(DATA)
    assert process(tmp_path / name, tmp_path / "target") == Note("model.pkl", "pickle")
    assert read_tree(tmp_path / "target") == {
        FILES: (0o755, b""),
        f"{FILES}/model.pkl": (0o644, DATA),
        NOTE: (0o644, b'{"file": "model.pkl", "format": 1, "loader": "pickle"}\n'),
    }


@pytest.mark.parametrize("make", [make_folder, make_tar, make_zip])
@pytest.mark.parametrize("top", ["", "price/"])
def test_folders_and_archives_keep_what_the_model_needs(make: Any, top: str, tmp_path: Path) -> None:
    files = {f"{top}price.pkl": DATA, f"{top}rates.csv": b"a,b\n", f"{top}features.py": b"x = 1\n"}
    source = make(tmp_path / "source", files)
    assert process(source, tmp_path / "target", '{"modules": ["features"]}') == Note("price.pkl", "pickle")
    assert sorted(path.name for path in (tmp_path / "target" / FILES).iterdir()) == [
        "features.py",
        "price.pkl",
        "rates.csv",
    ]


@pytest.mark.parametrize(
    ("options", "value"),
    [({}, [np.arange(3.0)]), ({"compress": 3}, {"a": 1}), ({"compress": ("gzip", 3)}, {"a": 1})],
)
def test_what_joblib_alone_can_load_is_told_apart(options: Any, value: Any, tmp_path: Path) -> None:
    joblib.dump(value, tmp_path / "content", **options)
    assert process(tmp_path / "content", tmp_path / "target").loader == "joblib"


def test_what_pickle_can_load_needs_no_joblib(tmp_path: Path) -> None:
    joblib.dump({"a": 1}, tmp_path / "m.joblib")
    assert process(tmp_path / "m.joblib", tmp_path / "target") == Note("model.joblib", "pickle")


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        ({"a.pkl": DATA, "model.pkl": DATA}, "model.pkl"),
        ({"a.joblib": DATA, "b.bin": DATA}, "a.joblib"),
        ({"weights": DATA, "notes.txt": b"hello"}, "weights"),
        ({"m.pkl": DATA, "deeper/n.pkl": DATA}, "m.pkl"),
    ],
)
def test_the_model_is_found_by_name_then_by_content(
    files: dict[str, bytes], chosen: str, tmp_path: Path
) -> None:
    assert process(make_folder(tmp_path / "source", files), tmp_path / "target").file == chosen


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "there is no pickle at its top; it holds nothing"),
        ({"a.txt": b"hello", "b/c.pkl": DATA}, r"there is no pickle at its top; it holds a\.txt, b"),
        ({"a.pkl": DATA, "b.pkl": DATA}, r"several pickles \(a\.pkl, b\.pkl\); call the model's model\.pkl"),
        ({"model.pkl": DATA, "model.joblib": DATA}, "several pickles"),
        ({"a.pkl": b"hello", "x": b""}, r"a\.pkl is no pickle, compressed or not"),
        ({"a.pkl": b"", "x": b""}, r"a\.pkl is empty; save the model again, or upload it whole"),
    ],
)
def test_sources_without_one_model_are_refused(files: dict[str, bytes], reason: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=reason):
        process(make_folder(tmp_path / "source", files), tmp_path / "target")
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("content", [b"hello", b"", gzip.compress(DATA, mtime=0)[:12], b"PK\x03\x04 hello"])
def test_files_that_are_no_pickles_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(content)
    with pytest.raises(SourceError):
        process(tmp_path / "content", tmp_path / "target")


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99])
@pytest.mark.parametrize("name", ["model.pkl", "model.joblib"])
def test_pickles_that_are_cut_short_are_refused(name: str, kept: float, tmp_path: Path) -> None:
    values = [OrderedDict(a=number) for number in range(300)]
    dump = pickle.dumps if name == "model.pkl" else _dump_by_joblib
    whole = dump([values, np.arange(3.0), "the end"])
    (tmp_path / name).write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(SourceError, match=rf"{name} is cut short: its pickle goes on where the file ends"):
        process(tmp_path / name, tmp_path / "target")
    assert not (tmp_path / "target").exists()
    (tmp_path / name).write_bytes(whole)
    process(tmp_path / name, tmp_path / "target")


def _dump_by_joblib(value: object) -> bytes:
    target = io.BytesIO()
    joblib.dump(value, target)
    return target.getvalue()


@pytest.mark.parametrize("compress", [0, 3])
def test_arrays_of_objects_in_a_dict_are_what_joblib_takes_them_for(compress: int, tmp_path: Path) -> None:
    model = {"name": "churn", "version": "1", "columns": np.array(["a", "b"], dtype=object)}
    joblib.dump(model, tmp_path / "model.joblib", compress=compress)
    process(tmp_path / "model.joblib", tmp_path / "target")


def test_what_joblib_would_call_behind_an_array_is_refused(tmp_path: Path) -> None:
    joblib.dump({"columns": np.array(["a"], dtype=object), "bomb": Bomb()}, tmp_path / "model.joblib")
    with pytest.raises(SourceError, match=r"system"):
        process(tmp_path / "model.joblib", tmp_path / "target")


def test_a_call_of_the_system_is_refused_and_never_made(tmp_path: Path) -> None:
    (tmp_path / "bomb.pkl").write_bytes(pickle.dumps(Bomb()))
    status, told = run_processor("specr_pickle.processor", tmp_path / "bomb.pkl", tmp_path / "target")
    assert status == 1
    assert told.startswith(
        "specr-pickle: bomb.pkl is no serialized Python file that can be deployed: model.pkl, byte 28: it "
        "refers to posix.system, which can run commands or read and write files. "
    )
    assert not Path("exploded").exists()


def test_a_warning_is_told_and_the_model_goes_on(tmp_path: Path) -> None:
    (tmp_path / "bomb.pkl").write_bytes(pickle.dumps(Bomb()))
    status, told = run_processor(
        "specr_pickle.processor",
        tmp_path / "bomb.pkl",
        tmp_path / "target",
        SPECR_POLICY='{"pickles": "warn"}',
    )
    assert status == 0
    assert told.startswith("specr-pickle: warning: model.pkl, byte 28: it refers to posix.system")
    assert load_note(tmp_path / "target").file == "model.pkl"


@pytest.mark.parametrize(
    "note",
    [
        "",
        "[]",
        "{}",
        json.dumps({"format": 2, "file": "a", "loader": "pickle"}),
        json.dumps({"format": 1, "file": "../a", "loader": "pickle"}),
        json.dumps({"format": 1, "file": "a", "loader": "eval"}),
        json.dumps({"format": 1, "file": 1, "loader": "pickle"}),
    ],
)
def test_notes_that_the_processor_did_not_write_are_refused(note: str, tmp_path: Path) -> None:
    (tmp_path / NOTE).write_text(note)
    with pytest.raises(LayoutError, match=NOTE):
        load_note(tmp_path)

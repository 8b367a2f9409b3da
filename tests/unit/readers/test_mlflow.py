"""What is read out of MLflow models, old and new, and what is told of content that is none."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.diagnostics import Severity
from specr.readers.mlflow import MlflowReader
from specr.readers.protocol import ArtifactFacts, Reader

NEW = """\
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    model_path: model.pkl
    python_version: 3.11.7
  sklearn:
    code: null
    sklearn_version: 1.5.2
is_signature_from_type_hint: false
mlflow_version: 3.1.0
model_id: m-0123
model_size_bytes: 1938
model_uuid: 6edad5f835304582ba9f9cae2ea6a9c3
prompts: null
run_id: fedcba
signature:
  inputs: '[{"type": "double", "name": "alcohol", "required": true}, {"type": "long",
    "name": "proline", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: null
utc_time_created: '2025-06-01 10:00:00.016349'
"""

OLD = """\
artifact_path: model
flavors:
  python_function:
    data: model.lgb
    env: conda.yaml
    loader_module: mlflow.lightgbm
    python_version: 3.8.10
  lightgbm:
    lgb_version: 3.3.3
    model_class: lightgbm.basic.Booster
mlflow_version: 1.29.0
run_id: 0123
signature:
  inputs: '[{"name": "a", "type": "double"}, {"name": "b", "type": "string"}]'
  outputs: '[{"name": "p", "type": "double"}]'
utc_time_created: '2022-10-01 00:00:00.000000'
"""


def read(tmp_path: Path, text: str) -> ArtifactFacts:
    tmp_path.joinpath("MLmodel").write_text(text)
    return MlflowReader().read(tmp_path)


def test_it_is_a_reader() -> None:
    _: Reader = MlflowReader()


def test_a_model_of_today(tmp_path: Path) -> None:
    facts = read(tmp_path, NEW)
    assert facts.diagnostics == ()
    assert facts.schema is not None
    assert facts.schema.dump() == {
        "input": [{"name": "alcohol", "type": "Float64"}, {"name": "proline", "type": "Int64"}],
        "output": [{"name": "prediction", "type": "Int64"}],
    }
    assert facts.metadata == {
        "flavors": {"python_function": {"python_version": "3.11.7"}, "sklearn": {"sklearn_version": "1.5.2"}},
        "mlflow_version": "3.1.0",
        "model_id": "m-0123",
        "model_size_bytes": 1938,
        "model_uuid": "6edad5f835304582ba9f9cae2ea6a9c3",
        "run_id": "fedcba",
        "utc_time_created": "2025-06-01 10:00:00.016349",
    }


def test_a_model_of_long_ago(tmp_path: Path) -> None:
    facts = read(tmp_path, OLD)
    assert facts.diagnostics == ()
    assert facts.schema is not None
    assert [c.name for c in facts.schema.input] == ["a", "b"]
    assert facts.metadata["flavors"] == {
        "lightgbm": {"lgb_version": "3.3.3"},
        "python_function": {"python_version": "3.8.10"},
    }


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
@pytest.mark.parametrize("top", [True, False])
def test_an_archive_tells_what_the_folder_does(tmp_path: Path, kind: str, top: bool) -> None:
    folder = tmp_path / "models" / "wine"
    folder.mkdir(parents=True)
    facts = read(folder, NEW)
    packed = shutil.make_archive(str(tmp_path / "packed"), kind, folder.parent if top else folder)
    assert MlflowReader().read(Path(packed)) == facts


def test_a_model_without_a_signature_warns(tmp_path: Path) -> None:
    facts = read(tmp_path, "flavors: {python_function: {loader_module: x}}\n")
    (told,) = facts.diagnostics
    assert facts.schema is None
    assert facts.metadata == {"flavors": {"python_function": {}}}
    assert told.severity is Severity.WARNING
    assert "without a signature" in told.detail
    assert "declare `schema`" in told.remedy


def test_columns_that_cannot_be_served_warn_by_name(tmp_path: Path) -> None:
    facts = read(tmp_path, NEW.replace('"double"', '"binary"'))
    (told,) = facts.diagnostics
    assert facts.schema is None
    assert facts.metadata["run_id"] == "fedcba"
    assert told.severity is Severity.WARNING
    assert "'alcohol' is of type 'binary'" in told.detail
    assert told.detail.endswith(" are served.")
    assert "declare `schema`" in told.remedy


@pytest.mark.parametrize(
    ("text", "summary", "part"),
    [
        ("flavors: {sklearn: {}}\n", "MLflow model that can't be scored", "it has: sklearn"),
        ("flavors: {python_function: x}\n", "MLflow model that can't be scored", "python_function"),
        ("run_id: x\n", "MLflow model that can't be scored", "none"),
        ("", "Not an MLflow model", "0 YAML documents"),
        ("a: 1\n---\nb: 2\n", "Not an MLflow model", "2 YAML documents"),
        ("- a\n", "Not an MLflow model", "no mapping"),
        ("a: [1\n", "MLmodel can't be read", "line"),
        ("a: 1\n b: 2\n", "MLmodel can't be read", "line 2"),
    ],
)
def test_what_is_no_model_is_an_error(tmp_path: Path, text: str, summary: str, part: str) -> None:
    facts = read(tmp_path, text)
    (told,) = facts.diagnostics
    assert facts.schema is None
    assert told.is_error
    assert told.summary == summary
    assert part in told.detail
    assert told.remedy


@pytest.mark.parametrize("line", ["x: .nan", "x: !!set {a}", "1: x", "x: 123456789012345678901234567890"])
def test_yaml_that_only_mlflow_reads_warns(tmp_path: Path, line: str) -> None:
    facts = read(tmp_path, f"{NEW}metadata:\n  {line}\n")
    (told,) = facts.diagnostics
    assert facts.schema is None
    assert told.severity is Severity.WARNING
    assert "line 26" in told.detail


def test_content_of_another_kind_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04K\x01.")
    (told,) = MlflowReader().read(tmp_path / "model.pkl").diagnostics
    assert told.detail == "The artifact is neither a folder nor a zip, tar or tar.gz of one."
    (told,) = MlflowReader().read(tmp_path).diagnostics
    assert told.detail == "The artifact holds no file MLmodel; it holds model.pkl."
    (told,) = MlflowReader().read(tmp_path / "gone").diagnostics
    assert "No such file" in told.detail


def test_binary_and_oversized_files_are_told(tmp_path: Path) -> None:
    for data in (b"\xff\xfe\0", b"\x80\x04", b"a: \0", b"x" * (9 << 20)):
        (tmp_path / "MLmodel").write_bytes(data)
        (told,) = MlflowReader().read(tmp_path).diagnostics
        assert told.detail
        assert len(told.detail) < 400


def test_long_facts_are_cut(tmp_path: Path) -> None:
    facts = read(tmp_path, NEW.replace("fedcba", "f" * 5_000))
    assert len(facts.metadata["run_id"]) == 200


def test_nothing_is_imported_or_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(sys.modules)
    text = NEW.replace("loader_module: mlflow.sklearn", "loader_module: antigravity").replace(
        "code: null", "code: code"
    )
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "antigravity.py").write_text("raise SystemExit")
    assert read(tmp_path, text).schema is not None
    assert "antigravity" not in set(sys.modules) - before


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_facts_or_diagnostics(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    (folder / "MLmodel").write_bytes(data)
    facts = MlflowReader().read(folder)
    assert facts.schema is not None or facts.diagnostics


@given(st.data())
def test_a_model_with_any_part_altered_gives_facts_or_diagnostics(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "altered"
    folder.mkdir(exist_ok=True)
    at = data.draw(st.integers(0, len(NEW)))
    altered = NEW[:at] + data.draw(st.text(max_size=5)) + NEW[at + 3 :]
    (folder / "MLmodel").write_text(altered, errors="replace")
    facts = MlflowReader().read(folder)
    assert facts.schema is not None or facts.diagnostics

"""MLflow models, honest and hostile, to a model folder or a reason.

What is the same for every family is tested with the kit.
"""

import json
from pathlib import Path

import pytest
from specr_mlflow.processor import PROCESSOR
from specr_processor import Settings, SourceError
from specr_processor.testing import make_folder, make_zip, read_tree, run_processor

MLMODEL = b"flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n"
FILES = {"MLmodel": MLMODEL, "model.pkl": b"\x80\x04K\x01."}


def process(source: Path, target: Path) -> None:
    PROCESSOR.process(Settings(source, target))


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "there is no MLmodel file; it is empty"),
        ({"model.pkl": b"x"}, "there is no MLmodel file; it holds model.pkl"),
        ({"a/MLmodel": MLMODEL, "b/x": b""}, "there is no MLmodel file; it holds a, b"),
        ({"MLmodel": b"{"}, "MLmodel is not YAML: "),
        ({"MLmodel": b"- a"}, "MLmodel names no flavors"),
        ({"MLmodel": b"\xff"}, "MLmodel can't be read: 'utf-8' codec"),
        ({"MLmodel": b"[" * 100_000}, "MLmodel is not YAML"),
        ({"MLmodel": b"flavors: !!python/object/apply:os.system [ls]"}, "MLmodel is not YAML"),
        (
            {"MLmodel": b"flavors: {sklearn: {}, onnx: {}}"},
            "no python_function flavor.*it has: sklearn, onnx",
        ),
        ({"MLmodel/x": b""}, "MLmodel can't be read: .*Is a directory"),
    ],
)
def test_a_folder_that_is_no_model_is_told(files: dict[str, bytes], reason: str, tmp_path: Path) -> None:
    source = make_folder(tmp_path / "source", files)
    with pytest.raises(SourceError, match=reason):
        process(source, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def mlmodel(loader: str, **flavors: dict[str, object]) -> bytes:
    """An MLmodel; fields of flavors as MLflow writes them."""
    pyfunc = {"loader_module": f"mlflow.{loader}", **flavors.pop("python_function", {})}
    return json.dumps({"flavors": {"python_function": pyfunc, **flavors}}).encode()


SKLEARN = mlmodel(
    "sklearn", sklearn={"pickled_model": "model.pkl"}, python_function={"model_path": "model.pkl"}
)
PYTORCH = mlmodel("pytorch", pytorch={"model_data": "data"}, python_function={"data": "data"})
KERAS = mlmodel("keras", keras={"data": "data"})
CODE = mlmodel("pyfunc.model", python_function={"model_code_path": "/home/ann/rules.py"})
OBJECT = mlmodel("pyfunc.model", python_function={"python_model": "python_model.pkl"})
SAVED = mlmodel("tensorflow", tensorflow={"saved_model_dir": "tf2model"})
OLD = mlmodel("sklearn", sklearn={"pickled_model": "moved.pkl"}, python_function={"data": "model.pkl"})
PICKLE = b"\x80\x04K\x01."


class TestPayload:
    @pytest.mark.parametrize(
        ("files", "reason"),
        [
            ({"MLmodel": SKLEARN}, "'model.pkl' as sklearn.pickled_model, which is not there"),
            (
                {"MLmodel": SKLEARN, "model.pkl": b""},
                "'model.pkl' as sklearn.pickled_model, which is empty",
            ),
            ({"MLmodel": SKLEARN, "model.pkl/x": b""}, "'model.pkl' as .*, which holds nothing"),
            ({"MLmodel": OLD, "model.pkl": b""}, "'moved.pkl' as sklearn.pickled_model, which is not there"),
            (
                {"MLmodel": PYTORCH, "data/pickle_module_info.txt": b"x"},
                "'data' as pytorch.model_data, which holds no model.pth or model.pt2",
            ),
            (
                {"MLmodel": PYTORCH, "data/pickle_module_info.txt": b"x", "data/model.pth": b""},
                "'data' as pytorch.model_data, and data/model.pth is empty",
            ),
            (
                {"MLmodel": KERAS, "data/keras_module.txt": b"x", "data/model/saved_model.pb": b""},
                "'data' as keras.data, and data/model is empty",
            ),
            ({"MLmodel": SAVED, "tf2model/fingerprint.pb": b"x"}, "which holds no saved_model.pb"),
            ({"MLmodel": CODE}, "'rules.py' as python_function.model_code_path, which is not there"),
            ({"MLmodel": OBJECT}, "'python_model.pkl' as python_function.python_model, which is not there"),
            (
                {"MLmodel": mlmodel("onnx", onnx={"data": "a\0b"}), "model.onnx": b"x"},
                "which is not there",
            ),
            ({"MLmodel": mlmodel("onnx", onnx={"data": "x" * 5000})}, "which is not there"),
        ],
    )
    def test_what_is_loaded_has_to_be_there(
        self, files: dict[str, bytes], reason: str, tmp_path: Path
    ) -> None:
        source = make_folder(tmp_path / "source", files)
        told = f"MLmodel names .*{reason}; save the model again, or upload all of its files"
        with pytest.raises(SourceError, match=told):
            process(source, tmp_path / "target")
        assert not (tmp_path / "target").exists()

    @pytest.mark.parametrize(
        "files",
        [
            {"MLmodel": SKLEARN, "model.pkl": PICKLE},
            {"MLmodel": OLD, "model.pkl": PICKLE},
            {"MLmodel": PYTORCH, "data/model.pt2": b"x", "data/model.pth": b""},
            {"MLmodel": PYTORCH, "data": b"x"},
            {"MLmodel": KERAS, "data/keras_module.txt": b"x", "data/model/saved_model.pb": b"x"},
            {"MLmodel": KERAS, "data/weights.h5": b"x", "data/notes.txt": b""},
            {"MLmodel": SAVED, "tf2model/saved_model.cpb": b"x"},
            {"MLmodel": OBJECT, "python_model.pkl": PICKLE},
            {"MLmodel": mlmodel("onnx", onnx={"data": None}, python_function={"data": 5})},
            {"MLmodel": mlmodel("gluon", gluon={"mxnet_version": "1.9.1"})},
            {"MLmodel": mlmodel("spacy", spacy={"data": "model.spacy"})},
            {"MLmodel": mlmodel("sklearn", sklearn={"code": "code", "sklearn_version": "1.9"})},
        ],
    )
    def test_nothing_else_is_asked_for(self, files: dict[str, bytes], tmp_path: Path) -> None:
        process(make_folder(tmp_path / "source", files), tmp_path / "target")
        assert set(read_tree(tmp_path / "target")) >= set(files)


class TestPickles:
    BOMB = b"cposix\nsystem\n(S'touch ran'\ntR."

    def refused(self, files: dict[str, bytes], tmp_path: Path) -> str:
        source, target = make_folder(tmp_path / "source", {**FILES, **files}), tmp_path / "target"
        with pytest.raises(SourceError) as refusal:
            process(source, target)
        assert not target.exists()
        assert not Path("ran").exists()
        return str(refusal.value)

    def test_a_call_of_the_system_is_refused_and_never_made(self, tmp_path: Path) -> None:
        told = self.refused({"model.pkl": self.BOMB}, tmp_path)
        assert told.startswith(
            "model.pkl, byte 0: it refers to posix.system, which can run commands or read and write files. "
        )
        assert "policy.modules of the Project" in told

    def test_whatever_the_file_is_called(self, tmp_path: Path) -> None:
        assert "data/notes.txt, byte 0" in self.refused({"data/notes.txt": self.BOMB}, tmp_path)

    def test_code_of_the_models_own_has_to_be_named(self, tmp_path: Path) -> None:
        told = self.refused({"code/acme/features.py": b"x = 1"}, tmp_path)
        assert told.startswith("code/acme/features.py: it is code that the model brings along. ")
        environ = {"SPECR_POLICY": '{"modules": ["acme"]}'}
        PROCESSOR.process(Settings(tmp_path / "source", tmp_path / "target"), environ)
        assert (tmp_path / "target" / "code" / "acme" / "features.py").exists()

    def test_a_loader_that_is_not_mlflows_has_to_be_named(self, tmp_path: Path) -> None:
        told = self.refused({"MLmodel": MLMODEL.replace(b"mlflow.sklearn", b"acme.loader")}, tmp_path)
        assert told.startswith("MLmodel: it refers to acme.loader._load_pyfunc. ")


def test_the_command_takes_a_model_or_says_one_line(tmp_path: Path) -> None:
    good, bad = make_zip(tmp_path / "good.zip", FILES), make_zip(tmp_path / "bad.zip", {"model.pkl": b""})
    assert run_processor("specr_mlflow.processor", good, tmp_path / "target") == (0, "")
    assert read_tree(tmp_path / "target") == {name: (0o644, content) for name, content in FILES.items()}
    reason = "there is no MLmodel file; it holds model.pkl"
    told = f"specr-mlflow: bad.zip is no MLflow model that can be deployed: {reason}\n"
    assert run_processor("specr_mlflow.processor", bad, tmp_path / "none") == (1, told)

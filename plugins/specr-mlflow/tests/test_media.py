"""Files in the place of cells: bytes for binary columns, pictures for image tensors."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec
from PIL import Image
from specr_mlflow.pictures import Picture
from specr_mlflow.runtime import load
from specr_mlflow.schema import SchemaError, parse_signature
from specr_scorer import InputError, LoadError, Media, ScoresMedia
from specr_scorer.testing import Client

pytestmark = pytest.mark.filterwarnings("ignore:.*input example was not provided:UserWarning")


class Sizes(mlflow.pyfunc.PythonModel):
    """How many bytes each file has, and how old who sent it is."""

    def predict(self, context, model_input):
        sizes = [-1 if isinstance(file, float) else len(file) for file in model_input["file"]]
        return pd.DataFrame({"bytes": sizes, "age": model_input["age"]})


class Means(mlflow.pyfunc.PythonModel):
    """The mean of each colour."""

    def predict(self, context, model_input):
        assert model_input.dtype == np.float32
        return model_input.mean(axis=(2, 3))


def picture(colour: Any, size: tuple[int, int] = (4, 2), mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, "PNG")
    return file.getvalue()


def save(model: mlflow.pyfunc.PythonModel, told: ModelSignature, folder: Path) -> ScoresMedia:
    mlflow.pyfunc.save_model(str(folder), python_model=model, signature=told, pip_requirements=["mlflow"])
    loaded = load({"MODEL_PATH": str(folder), "MODEL_ID": "m1", "SPECR_MLFLOW_PICTURES": "files"})
    assert isinstance(loaded, ScoresMedia)
    return loaded


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> Client:
    told = ModelSignature(
        Schema([ColSpec("long", "age"), ColSpec("binary", "file", required=False)]),
        Schema([ColSpec("long", "bytes"), ColSpec("long", "age")]),
    )
    return Client(save(Sizes(), told, tmp_path_factory.mktemp("sizes") / "model"))


@pytest.fixture(scope="module")
def means(tmp_path_factory: pytest.TempPathFactory) -> Client:
    told = ModelSignature(
        Schema([TensorSpec(np.dtype("float32"), (-1, 3, 2, 4))]),
        Schema([TensorSpec(np.dtype("float32"), (-1, 3), "mean")]),
    )
    return Client(save(Means(), told, tmp_path_factory.mktemp("means") / "model"))


def test_a_binary_column_is_a_file_whose_bytes_the_model_gets(sizes: Client) -> None:
    _, told = sizes.get("/model/schema")
    assert told["schema"]["inputFields"][1] == {"name": "file", "dataType": "Str"}
    asked = {"fields": ["file", "age"], "rows": [["a", "7"], [None, "8"], ["data:,abc", "9"]]}
    status, answer = sizes.post_media(asked, Media("a", "image/png", b"\x00\xff"))
    assert (status, answer["score"]) == (200, [["2", "7"], ["-1", "8"], ["3", "9"]])


def test_a_tensor_of_pictures_is_a_column_of_files(means: Client) -> None:
    _, told = means.get("/model/schema")
    assert told["schema"]["inputFields"] == [{"name": "image", "dataType": "Str", "nullable": False}]
    files = [
        Media("red.png", "image/png", picture((255, 0, 51))),
        Media("large.png", "image/png", picture(102, (40, 30), "L")),
    ]
    status, answer = means.post_media({"fields": ["image"], "rows": [["red.png"], ["large.png"]]}, *files)
    assert status == 200
    assert answer["fields"] == ["mean_0", "mean_1", "mean_2"]
    made = np.array(answer["score"], dtype="float32")
    assert made == pytest.approx(np.array([[1, 0, 0.2], [0.4, 0.4, 0.4]]), abs=1e-6)


def test_the_sample_of_a_picture_model_can_be_scored(means: Client) -> None:
    assert means.post(means.get("/model/sample_request")[1])[0] == 200


@pytest.mark.parametrize("content", [b"", b"no picture", picture(0)[:40]])
def test_what_is_no_picture_is_a_400_that_names_the_file(means: Client, content: bytes) -> None:
    asked = {"fields": ["image"], "rows": [["x.png"]]}
    status, answer = means.post_media(asked, Media("x.png", "image/png", content))
    assert status == 400
    assert answer["detail"].startswith("x.png is no picture that can be read")


def test_a_picture_is_needed_where_a_tensor_has_no_room_for_a_gap(means: Client) -> None:
    assert means.post_media({"fields": ["image"], "rows": [[None]]})[0] == 400


def test_a_picture_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specr_mlflow.pictures._MOST_PIXELS", 7)
    shape = Picture(3, 2, 4, channels_first=True, dtype="uint8")
    with pytest.raises(InputError, match=r"big.png is a picture of more than 7 pixels"):
        shape.decode(Media("big.png", "image/png", picture(0)))


@pytest.mark.parametrize(
    ("shape", "dtype", "made"),
    [
        ((-1, 2, 4, 1), "uint8", (2, 4, 1)),
        ((-1, 1, 2, 4), "float64", (1, 2, 4)),
        ((-1, 4, 2, 2), "int64", (4, 2, 2)),
    ],
)
def test_pictures_get_the_tensors_shape_and_type(
    shape: Sequence[int], dtype: str, made: tuple[int, ...]
) -> None:
    told = Picture.of(shape, dtype)
    assert told is not None
    array = told.decode(Media("", "", picture((255, 255, 255))))
    assert (array.shape, str(array.dtype)) == (made, dtype)
    assert array.max() == (255 if "int" in dtype else 1)


@pytest.mark.parametrize("shape", [[-1, 5, 4, 6], [-1, 3, 4]])
def test_other_tensors_stay_columns(shape: list[int]) -> None:
    inputs = parse_signature(told(shape), pictures=True).inputs
    assert inputs is not None
    assert not any(field.media for field in inputs.fields)


@pytest.mark.parametrize("shape", [[-1, 3, -1, -1], [2, 3, 4, 4]])
def test_pictures_of_no_fixed_size_stay_an_error(shape: list[int]) -> None:
    with pytest.raises(SchemaError, match="served"):
        parse_signature(told(shape), pictures=True)


def test_pictures_are_files_only_where_asked_for_whatever_their_size() -> None:
    inputs = parse_signature(told([-1, 3, 2, 4])).inputs
    assert inputs is not None
    assert len(inputs.fields) == 24
    large = parse_signature(told([-1, 3, 512, 512]), pictures=True).inputs
    assert large is not None
    assert [field.name for field in large.fields] == ["image"]


def test_an_unknown_way_of_pictures_is_told(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors: {python_function: {loader_module: x}}\n")
    with pytest.raises(LoadError, match="SPECR_MLFLOW_PICTURES is 'paint'"):
        load({"MODEL_PATH": str(tmp_path), "MODEL_ID": "m1", "SPECR_MLFLOW_PICTURES": "paint"})


def told(shape: list[int]) -> Mapping[str, Any]:
    spec = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": shape}}]
    return {"signature": {"inputs": json.dumps(spec)}}


def test_a_binary_output_is_no_column() -> None:
    with pytest.raises(SchemaError, match="'binary'"):
        parse_signature({"signature": {"outputs": '[{"type": "binary"}]'}})

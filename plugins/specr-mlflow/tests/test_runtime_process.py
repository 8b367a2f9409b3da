"""From a zipped model to answers over HTTP: the processor and the runtime as providers start them."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from specr_scorer.testing import PATIENCE, Runtime, start_runtime

pytestmark = pytest.mark.filterwarnings("ignore")  # mlflow's own


@pytest.fixture
def small_environ(tmp_path: Path) -> dict[str, str]:
    """What a child of the local provider gets, and nothing else."""
    home = tmp_path / "home"
    home.mkdir()
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TMPDIR": str(tmp_path)}


@pytest.fixture
def start(small_environ: dict[str, str], tmp_path: Path) -> Iterator[Callable[[Path], Runtime]]:
    running: list[Runtime] = []
    (tmp_path / "cwd").mkdir()

    def make(model: Path) -> Runtime:
        environ = {**small_environ, "MODEL_PATH": str(model), "MODEL_ID": "iris"}
        command = [sys.executable, "-m", "specr_mlflow.runtime"]
        running.append(start_runtime(command, environ, tmp_path / "cwd"))
        return running[-1]

    yield make
    for runtime in running:
        runtime.process.kill()
        runtime.process.communicate()


def zip_folder(folder: Path) -> Path:
    archive = folder.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as zipped:
        for path in folder.rglob("*"):
            zipped.write(path, f"{folder.name}/{path.relative_to(folder)}")
    return archive


def test_a_model_goes_through_the_processor_into_the_runtime(
    save: Callable[..., Path],
    start: Callable[[Path], Runtime],
    small_environ: dict[str, str],
    tmp_path: Path,
) -> None:
    iris = load_iris(as_frame=True)
    names = iris.target_names[iris.target]
    model = RandomForestClassifier(10, random_state=0).fit(iris.data, names)
    signature = infer_signature(iris.data, model.predict(iris.data))
    source = zip_folder(save(model, name="iris", signature=signature, input_example=iris.data[:1]))
    target = tmp_path / "processed"
    subprocess.run(
        [sys.executable, "-m", "specr_mlflow.processor"],
        env={**small_environ, "SOURCE_PATH": str(source), "TARGET_PATH": str(target)},
        check=True,
        timeout=PATIENCE,
    )

    runtime = start(target)
    runtime.wait_until(200)
    request = {"fields": list(iris.data.columns), "rows": iris.data.astype(str).to_numpy().tolist()}
    status, body = runtime.ask("POST", "/model/score", json.dumps(request))
    assert status == 200
    answer = json.loads(body)
    assert answer["fields"] == ["prediction", *(f"probability_{name}" for name in model.classes_)]
    assert [row[0] for row in answer["score"]] == model.predict(iris.data).tolist()
    chances = [[float(cell) for cell in row[1:]] for row in answer["score"]]
    assert chances == model.predict_proba(iris.data).tolist()

    sample = runtime.ask("GET", "/iris/model/sample_request")[1]
    assert json.loads(runtime.ask("POST", "/iris/model/score", sample)[1])["score"] == answer["score"][:1]
    schema: Any = json.loads(runtime.ask("GET", "/model/schema")[1])["schema"]
    assert schema["inputFields"][0] == {
        "name": "sepal length (cm)",
        "dataType": "Float64",
        "nullable": False,
    }
    assert runtime.stop() == 0
    assert list((tmp_path / "cwd").iterdir()) == []


def test_a_folder_without_a_model_ends_the_runtime_with_a_reason(
    start: Callable[[Path], Runtime], tmp_path: Path
) -> None:
    runtime = start(tmp_path)
    assert runtime.process.wait(PATIENCE) == 1
    log = runtime.log()
    assert f"the model at {tmp_path} could not be loaded: there is no MLmodel file" in log
    assert "Traceback" not in log

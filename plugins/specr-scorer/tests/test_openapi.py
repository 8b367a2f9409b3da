"""The API as it is described, asked by schemathesis: what the document says holds, whatever is sent."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from specr_scorer import DataType, Field, Frame, Schema
from specr_scorer.settings import Settings
from specr_scorer.testing import Client, Runtime, start_runtime

RUNTIME = """
from specr_scorer import *

OUTPUTS = tuple(Field(f"y_{kind.value.lower()}", kind) for kind in DataType)

class Table:
    schema = Schema(tuple(Field(kind.value.lower(), kind) for kind in DataType), OUTPUTS)
    def score(self, frame):
        return {f"y_{name}": cells for name, cells in frame.columns.items()}
    def contributions(self, frame):
        return Contributions(("float64",), (ContributionGroup([[0.5] * frame.rows]),))
    def row_independent(self):
        return True
    def any_thread(self):
        return True

class Pictures:
    schema = Schema((Field("image", DataType.STR, media=True),), (Field("size", DataType.INT64),))
    def score_media(self, frame, media):
        return {"size": [None if file is None else len(file.content) for file in media["image"]]}

run(MODEL)
"""

# What rows need beyond their schema (the model's fields, and a cell for each) is a 400 of a request that is
# valid by JSON Schema; what a model can't do is a 501 by intent, as the vendor's API has it.
SETTINGS = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "4xx", "501"]
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "404", "501"]
[checks.negative_data_rejection]
expected-statuses = ["4xx", "501"]
"""


@contextmanager
def serving(folder: Path, model: str, **env: str) -> Iterator[Runtime]:
    (folder / "runtime.py").write_text(RUNTIME.replace("MODEL", model))
    (folder / "scores").mkdir()
    (folder / "scores" / "rows.csv").write_text(",".join(kind.value.lower() for kind in DataType) + "\n")
    environ = {
        "PATH": os.environ["PATH"],
        "MODEL_PATH": "model",
        "MODEL_ID": "m1",
        "SPECR_SCORE_DIR": "scores",
    }
    runtime = start_runtime([sys.executable, "runtime.py"], {**environ, **env}, folder)
    try:
        yield runtime
    finally:
        runtime.process.kill()
        runtime.process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "passphrase"), [("Table", None), ("Pictures", None), ("Table", "s3cret")], ids=str
)
def test_the_api_is_what_its_document_says(tmp_path: Path, model: str, passphrase: str | None) -> None:
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    env = {} if passphrase is None else {"SPECR_PASSPHRASE": passphrase}
    headers = [] if passphrase is None else ["--header", f"Authorization: Bearer {passphrase}"]
    with serving(tmp_path, model, **env) as runtime:
        runtime.wait_until(200)
        url = f"http://127.0.0.1:{runtime.port}/openapi.json"
        options = ["--checks", "all", "--max-examples", "20", "--seed", "1", "--no-color"]
        program = Path(sys.executable).parent / "schemathesis"
        finished = subprocess.run(
            [program, "--config-file", "schemathesis.toml", "run", url, *options, *headers],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        assert "10 selected / 10 total" in finished.stdout
        assert runtime.stop() == 0
        assert "Traceback" not in runtime.log()


def test_the_document_shows_the_models_own_sample_once_there_is_one() -> None:
    client = Client()

    def example() -> object:
        operation = client.get("/openapi.json")[1]["paths"]["/model/score"]["post"]
        return operation["requestBody"]["content"]["application/json"].get("example")

    class Model:
        schema = Schema((Field("a", DataType.INT32),), (Field("y", DataType.STR),))

        def score(self, frame: Frame) -> dict[str, list[str]]:
            return {"y": ["x"] * frame.rows}

    assert example() is None
    client.app.install(Model())
    assert example() == {"fields": ["a"], "rows": [["0"]]}
    assert client.post(example())[0] == 200


def test_a_passphrase_is_part_of_the_document() -> None:
    app = Client(None, Settings(Path("model"), "m1", passphrase="s3cret")).app
    document = orjson.loads(app.handle("GET", "/openapi.json", authorization="Bearer s3cret").body)
    assert document["security"] == [{"passphrase": []}]
    assert document["paths"]["/readyz"]["get"]["security"] == []
    assert "security" not in Client().get("/openapi.json")[1]

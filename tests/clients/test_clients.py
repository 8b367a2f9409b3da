"""The vendor's own clients, against runtimes: what they need is there, as they need it.

Each has an environment of its own, made once and kept in the user's cache folder. The proprietary one
is asked only where SPECR_TEST_SCORING_CLIENT is set, by who may use it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from specr_scorer.testing import Runtime, start_runtime

from tests.families.cache import Cache, cache_folder, key_of
from tests.families.environments import UV, uv_environment

HERE = Path(__file__).parent
PASSPHRASE = "s3cret"
RUNTIME = """
from specr_scorer import *

class Table:
    schema = Schema(
        (Field("x", DataType.FLOAT64), Field("label", DataType.STR)),
        (Field("doubled", DataType.FLOAT64), Field("told", DataType.STR)),
    )
    def score(self, frame):
        doubled = [None if x is None else 2 * x for x in frame.columns["x"]]
        return {"doubled": doubled, "told": frame.columns["label"]}
    def contributions(self, frame):
        return Contributions(("x", "bias"), (ContributionGroup([[0.25] * frame.rows, [1.0] * frame.rows]),))

class Pictures:
    schema = Schema((Field("image", DataType.STR, media=True),), (Field("size", DataType.INT64),))
    def score_media(self, frame, media):
        return {"size": [None if file is None else len(file.content) for file in media["image"]]}

run(MODEL)
"""


def python_of(client: str) -> Path:
    requirements = HERE / f"{client}.txt"

    def make(folder: Path) -> None:
        environ = uv_environment(os.environ)
        python = folder / "bin" / "python"
        subprocess.run(
            [str(UV), "venv", "--quiet", "--relocatable", "--python", "3.11", folder], env=environ, check=True
        )
        install: list[str] = [
            str(UV),
            "pip",
            "install",
            "--quiet",
            "--python",
            str(python),
            "--requirement",
            str(requirements),
        ]
        subprocess.run(install, env=environ, check=True)

    key = key_of([requirements.read_bytes()])
    return Cache(cache_folder() / "clients").get(key, make)[0] / "bin" / "python"


Serve = Callable[[str], Runtime]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    running: list[Runtime] = []

    def make(model: str) -> Runtime:
        (tmp_path / "runtime.py").write_text(RUNTIME.replace("MODEL", model))
        environ = {"PATH": os.environ["PATH"], "MODEL_PATH": "model", "MODEL_ID": "m1"}
        environ["SPECR_PASSPHRASE"] = PASSPHRASE
        running.append(start_runtime([sys.executable, "runtime.py"], environ, tmp_path))
        running[-1].wait_until(200)
        return running[-1]

    yield make
    for runtime in running:
        runtime.process.kill()
        runtime.process.communicate()


def ask(client: str, program: str, runtime: Runtime, *arguments: str) -> Any:
    """What a client's program tells of a runtime, which it reaches below the model's id, as callers do."""
    url = f"http://127.0.0.1:{runtime.port}/m1"
    command = [str(python_of(client)), str(HERE / program), url, PASSPHRASE, *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])


def test_the_scorer_helper_finds_all_that_it_asks_for(serve: Serve) -> None:
    told = ask("h2o-mlops", "ask_h2o_mlops.py", serve("Table"))
    assert (told["readiness"], told["reachable"]) == ("Ready", True)
    assert told["capabilities"] == ["SCORE", "CONTRIBUTION_ORIGINAL"]
    assert [field["dataType"] for field in told["schema"]["schema"]["inputFields"]] == ["Float64", "Str"]
    assert told["sample"] == {"fields": ["x", "label"], "rows": [["0.0", "text"]]}
    assert told["score"] == {"id": "m1", "fields": ["doubled", "told"], "score": [["0.0", "text"]]}
    assert told["without passphrase"] == 401
    assert told["contributions"] == {
        "id": "m1",
        "features": ["x", "bias"],
        "contributionGroups": [{"contributions": [["0.25", "1.0"]]}],
    }


def test_the_scorer_helper_sends_files(serve: Serve, tmp_path: Path) -> None:
    files = [tmp_path / "a picture ü.png", tmp_path / "b.jpg"]
    files[0].write_bytes(b"\x89PNG\r\n--\r\n")
    files[1].write_bytes(b"")
    told = ask("h2o-mlops", "ask_h2o_mlops.py", serve("Pictures"), *map(str, files))
    assert told["capabilities"] == ["SCORE", "MEDIA_SCORE"]
    assert told["score"]["score"] == [["132"]]
    assert told["contributions"] == 501
    assert told["media"] == {"id": "m1", "fields": ["size"], "score": [["10"], ["0"]]}
    assert told["media, wrapped"]["score"] == [["10"]]


@pytest.mark.skipif(
    not os.environ.get("SPECR_TEST_SCORING_CLIENT"),
    reason="h2o-mlops-scoring-client is proprietary; SPECR_TEST_SCORING_CLIENT=1 asks for it",
)
def test_the_scoring_client_scores_a_data_frame(serve: Serve) -> None:
    told = ask("scoring-client", "ask_scoring_client.py", serve("Table"))
    assert [field["name"] for field in told["schema"]["inputFields"]] == ["x", "label"]
    assert told["scored"]["columns"] == ["ID", "doubled", "told"]
    rows = [[key, None if x is None else float(x), label or None] for key, x, label in told["scored"]["data"]]
    assert rows == [["r1", 3.0, "a"], ["r2", None, "b"], ["r3", 6.0, None]]
    assert len(told["explained"]["columns"]) == 5
    assert [row[3:] for row in told["explained"]["data"]] == [[0.25, 1.0]] * 3

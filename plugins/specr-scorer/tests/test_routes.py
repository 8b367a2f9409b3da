"""Every path of the scorer API but scoring itself."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from specr_scorer import DataType, Field, LoadError, Schema
from specr_scorer.responses import Job, Response
from specr_scorer.settings import Settings
from specr_scorer.testing import Client

A = Field("a", DataType.FLOAT64)
Make = Callable[..., Client]


class Sampled:
    """A model with a row of its own."""

    schema = Schema(
        (A, Field("b", DataType.STR), Field("t", DataType.TIME64, nullable=False)),
        (Field("y", DataType.STR),),
    )

    def __init__(self, row: Mapping[str, object]) -> None:
        self.row = row

    def score(self, frame: Any) -> Any:
        return {"y": ["x"] * frame.rows}

    def sample(self) -> Mapping[str, object]:
        return self.row


def test_the_id_and_the_schema(echo: Make) -> None:
    client = echo(A, Field("flag", DataType.BOOL))
    assert client.get("/model/id") == (200, "m1")
    assert client.get("/model/schema") == (
        200,
        {
            "id": "m1",
            "schema": {
                "inputFields": [
                    {"name": "a", "dataType": "Float64"},
                    {"name": "flag", "dataType": "Bool"},
                ],
                "outputFields": [
                    {"name": "echo_a", "dataType": "Float64"},
                    {"name": "echo_flag", "dataType": "Bool"},
                ],
            },
        },
    )


def test_the_schema_tells_which_inputs_may_not_be_missing(echo: Make) -> None:
    client = echo(A, Field("b", DataType.INT32, nullable=False))
    _, told = client.get("/model/schema")
    assert told["schema"]["inputFields"] == [
        {"name": "a", "dataType": "Float64"},
        {"name": "b", "dataType": "Int32", "nullable": False},
    ]
    assert client.post({"fields": ["a", "b"], "rows": [["", "1"]]})[0] == 200
    assert client.post({"fields": ["a", "b"], "rows": [["1", ""]]})[0] == 400


def test_everything_is_served_below_the_models_id_too(echo: Make) -> None:
    client = echo(A)
    for path in ("/model/id", "/model/schema", "/model/sample_request", "/model/capabilities", "/readyz"):
        assert client.get(f"/m1{path}") == client.get(path)
    assert client.post({"fields": ["a"], "rows": []}, "/m1/model/score")[0] == 200
    assert client.get("/m2/model/id")[0] == 404


def test_an_id_that_looks_like_a_path_of_the_api_hides_nothing() -> None:
    client = Client(Sampled({}), Settings(Path("model"), "model"))
    assert client.get("/model/id") == (200, "model")
    assert client.get("/model/model/id") == (200, "model")


def test_the_sample_request_passes_validation(echo: Make) -> None:
    client = echo()
    _, sample = client.get("/model/sample_request")
    assert sample["rows"] == [["False", "0", "0", "0.0", "0.0", "text", "2021-01-01 00:00:00"]]
    assert client.post(sample)[0] == 200


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ({"a": 1.5, "b": "x", "t": "2022-01-01"}, ["1.5", "x", "2022-01-01"]),
        ({"a": None, "b": None, "t": None}, [None, None, "2021-01-01 00:00:00"]),
        ({"a": "no number", "b": ["x"]}, ["0.0", "text", "2021-01-01 00:00:00"]),
    ],
)
def test_the_sample_is_the_models_own_row_as_far_as_it_is_valid(
    row: dict[str, object], cells: list[str | None]
) -> None:
    client = Client(Sampled(row))
    _, sample = client.get("/model/sample_request")
    assert sample == {"fields": ["a", "b", "t"], "rows": [cells]}
    assert client.post(sample)[0] == 200


def test_capabilities_tell_what_the_model_can(echo: Make) -> None:
    class Explained(Sampled):
        def contributions(self, frame: Any) -> Any:
            raise AssertionError

    assert echo(A).get("/model/capabilities") == (200, ["SCORE"])
    assert Client(Explained({})).get("/model/capabilities") == (200, ["SCORE", "CONTRIBUTION_ORIGINAL"])


def test_what_is_not_supported_is_a_501(echo: Make) -> None:
    assert echo(A).post({}, "/model/contribution")[0] == 501
    assert echo(A).post({}, "/model/media-score")[0] == 501


def test_before_the_model_is_loaded_only_the_id_is_known() -> None:
    client = Client()
    loading = (503, {"detail": "The model is still being loaded."})
    assert client.get("/readyz") == loading
    assert client.get("/model/schema") == loading
    assert client.post({"fields": ["a"], "rows": []}) == loading
    assert client.get("/model/id") == (200, "m1")


def test_a_stopping_runtime_is_not_ready_but_still_answers(echo: Make) -> None:
    client = echo(A)
    assert client.get("/readyz") == (200, "Ready")
    client.app.retire()
    assert client.get("/readyz") == (503, {"detail": "The runtime is stopping."})
    assert client.post({"fields": ["a"], "rows": []})[0] == 200


def test_unknown_paths_and_methods_are_told_in_json(echo: Make) -> None:
    client = echo(A)
    assert client.get("/nothing")[0] == 404
    assert client.get("/")[0] == 404
    answer = client.app.handle("DELETE", "/model/score")
    assert (answer.status, answer.headers) == (405, (("allow", "GET, HEAD, POST"),))
    assert orjson.loads(answer.body) == {"detail": "This path answers GET, HEAD, POST only."}
    assert client.app.handle("HEAD", "/model/contribution").headers == (("allow", "POST"),)


def test_a_compressed_body_is_told_to_be_none_that_is_taken(echo: Make) -> None:
    app = echo(A).app
    route = app.find("/model/score")
    for encoding in (None, "", "identity"):
        assert isinstance(app.admit(route, "POST", encoding=encoding), Job)
    refused = app.admit(route, "POST", encoding="gzip")
    assert isinstance(refused, Response)
    assert (refused.status, refused.headers) == (415, (("accept-encoding", "identity"),))
    assert b"Content-Encoding gzip" in refused.body
    assert isinstance(app.admit(app.find("/model/id"), "GET", encoding="gzip"), Response)


def test_the_openapi_document_has_every_path(echo: Make) -> None:
    status, document = echo(A).get("/openapi.json")
    assert status == 200
    assert set(document["paths"]) == set(echo(A).app._routes) - {"/openapi.json"}
    for path, operations in document["paths"].items():
        assert {method.upper() for method in operations} == set(echo(A).app._routes[path].methods)


def test_a_body_above_the_limit_is_refused_by_its_head(echo: Make) -> None:
    app = echo(A, max_request_bytes=10).app
    route = app.find("/model/score")
    decided = app.admit(route, "POST", None, 11)
    assert isinstance(decided, Response)
    assert decided.status == 413
    assert not isinstance(app.admit(route, "POST", None, 10), Response)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer s3cret", 200),
        ("bearer  s3cret ", 200),
        ("Bearer s3cre", 401),
        ("Bearer s3cret2", 401),
        ("Bearer é", 401),
        ("Bearer \udcff", 401),
        ("Basic s3cret", 401),
        ("s3cret", 401),
        ("Bearer", 401),
        ("", 401),
        (None, 401),
    ],
)
def test_a_passphrase_is_asked_for(echo: Make, header: str | None, status: int) -> None:
    app = echo(A, passphrase="s3cret").app
    answer = app.handle("GET", "/model/id", authorization=header)
    assert answer.status == status
    assert (("www-authenticate", "Bearer") in answer.headers) == (status == 401)
    assert app.handle("GET", "/nothing", authorization=header).status == (404 if status == 200 else 401)
    assert app.handle("GET", "/readyz", authorization=header).status == 200


def test_the_passphrase_is_not_shown_with_the_settings() -> None:
    assert "s3cret" not in repr(Settings(Path("model"), "m1", passphrase="s3cret"))


def test_a_model_without_a_schema_can_not_be_installed() -> None:
    class Model:
        schema = "a Float64"

    with pytest.raises(LoadError, match="the model's schema is a str"):
        Client(Model())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("inputs", "outputs", "reason"),
    [((A, A), (A,), "input column 'a' is declared twice"), ((A,), (), "declares no output column")],
)
def test_a_schema_of_nonsense_is_refused(inputs: Any, outputs: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Schema(inputs, outputs)


class TestFiles:
    """GET /model/score?file=…"""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "data"
        (folder / "inner").mkdir(parents=True)
        (folder / "rows.csv").write_text('b,a\n"x, y",1\n\n,\n')
        (folder / "inner" / "more.csv").write_text("a\n2\n")
        (tmp_path / "secret.csv").write_text("a\n3\n")
        return folder

    @pytest.fixture
    def client(self, echo: Make, folder: Path) -> Client:
        return echo(A, Field("b", DataType.STR, nullable=True), score_folder=folder)

    def test_a_file_is_scored(self, client: Client) -> None:
        answer = {"id": "m1", "fields": ["echo_a", "echo_b"], "score": [["1.0", "x, y"], [None, None]]}
        assert client.get("/model/score", "file=rows.csv") == (200, answer)

    def test_names_inside_may_be_absolute_or_crooked(self, echo: Make, folder: Path) -> None:
        client = echo(A, score_folder=folder)
        for name in ("inner/more.csv", f"{folder}/inner/more.csv", "inner/../inner/./more.csv"):
            assert client.get("/model/score", f"file={name}")[1]["score"] == [["2.0"]]

    def test_links_that_stay_inside_are_followed(self, echo: Make, folder: Path) -> None:
        (folder / "link.csv").symlink_to("inner/more.csv")
        assert echo(A, score_folder=folder).get("/model/score", "file=link.csv")[0] == 200

    @pytest.mark.parametrize(
        "name",
        [
            "../secret.csv",
            "/etc/passwd",
            "inner/../../secret.csv",
            "out.csv",
            "up/secret.csv",
            ".",
            "..%2fsecret.csv",
        ],
    )
    def test_nothing_outside_is_opened(self, client: Client, folder: Path, name: str) -> None:
        (folder / "out.csv").symlink_to("../secret.csv")
        (folder / "up").symlink_to("..")
        status, answer = client.get("/model/score", f"file={name}")
        assert status == 400
        assert answer["detail"].endswith("is outside the scoring folder.")

    @pytest.mark.parametrize(
        ("query", "status", "detail"),
        [
            ("", 400, "Name one CSV file in the scoring folder: /model/score?file=PATH."),
            ("file=", 400, "Name one CSV file in the scoring folder: /model/score?file=PATH."),
            ("file=a&file=b", 400, "Name one CSV file in the scoring folder: /model/score?file=PATH."),
            ("&".join("x" * 200), 400, "Name one CSV file in the scoring folder: /model/score?file=PATH."),
            ("file=none.csv", 404, "There is no file 'none.csv' in the scoring folder."),
            ("file=rows.csv/x", 404, "There is no file 'rows.csv/x' in the scoring folder."),
            ("file=inner", 400, "'inner' is not a regular file."),
            ("file=pipe", 400, "'pipe' is not a regular file."),
            ("file=a%00b", 400, "'a\\x00b' can't be read: no file name."),
            ("file=empty.csv", 400, "'empty.csv' is empty; its first row must name the fields."),
            ("file=binary.csv", 400, "'binary.csv' is not UTF-8 text: invalid start byte at byte 0."),
            ("file=quote.csv", 400, "'quote.csv' is not CSV: unexpected end of data, line 2."),
            ("file=short.csv", 400, "line 3 has 1 cells, but there are 2 fields."),
            ("file=bad.csv", 400, "line 2, field 'a' (Float64): 'x' is not a number."),
            (
                "file=other.csv",
                400,
                "The model's input fields are missing from fields: 'a'; it has none named 'b'.",
            ),
            ("file=large.csv", 413, "'large.csv' is larger than 1000 bytes (SPECR_MAX_CSV_BYTES)."),
        ],
    )
    def test_what_is_wrong_with_a_file_is_told(
        self, echo: Make, folder: Path, query: str, status: int, detail: str
    ) -> None:
        os.mkfifo(folder / "pipe")
        (folder / "empty.csv").write_text("\n")
        (folder / "binary.csv").write_bytes(b"\xff\xfe")
        (folder / "quote.csv").write_text('a,b\n"1')
        (folder / "short.csv").write_text("a,b\n1,x\n2\n")
        (folder / "bad.csv").write_text("a\nx\n")
        (folder / "other.csv").write_text("b\n1\n")
        (folder / "large.csv").write_text("a\n" + "1\n" * 500)
        client = echo(A, score_folder=folder, max_csv_bytes=1000)
        assert client.get("/model/score", query) == (status, {"detail": detail})

    def test_it_is_off_by_default(self, echo: Make) -> None:
        status, answer = echo(A).get("/model/score", "file=rows.csv")
        assert status == 501
        assert "SPECR_SCORE_DIR" in answer["detail"]

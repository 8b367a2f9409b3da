"""Rows with files: as forms, and as data: URLs in plain JSON."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from specr_scorer import Cell, DataType, Field, Frame, InputError, LoadError, Media, Schema
from specr_scorer.responses import Content
from specr_scorer.settings import Settings
from specr_scorer.testing import Client, encode_form

CAT = Media("cat.png", "image/png", b"\x89PNG\r\n--\r\n\x00")
DOG = Media("dog.jpg", "image/jpeg", b"")
IMAGE = Field("image", DataType.STR, media=True)


class Sizes:
    """Tells of each file its length, name and type, and of the row its other cell."""

    def __init__(self, *inputs: Field) -> None:
        outputs = (Field("size", DataType.INT64), Field("told", DataType.STR))
        self.schema = Schema(inputs or (Field("age", DataType.INT32), IMAGE), outputs)

    def score_media(
        self, frame: Frame, media: Mapping[str, Sequence[Media | None]]
    ) -> Mapping[str, Sequence[Cell]]:
        files = media["image"]
        if any(file and file.content == b"broken" for file in files):
            raise InputError("broken.png is no picture")
        told = [
            f"{age}|{name}|{file and file.name}|{file and file.content_type}"
            for age, name, file in zip(frame.columns["age"], frame.columns["image"], files, strict=True)
        ]
        return {"size": [None if file is None else len(file.content) for file in files], "told": told}


@pytest.fixture(scope="module")
def client() -> Client:
    return Client(Sizes())


def ask(*names: str | None, **more: Any) -> dict[str, Any]:
    return {"fields": ["image", "age"], "rows": [[name, "7"] for name in names], **more}


def test_a_form_brings_rows_and_the_files_that_they_name(client: Client) -> None:
    document = ask("cat.png", None, "dog.jpg", "cat.png", mediaFields=["image"])
    status, answer = client.post_media(document, DOG, CAT)
    assert status == 200
    size = str(len(CAT.content))
    assert answer == {
        "id": "m1",
        "fields": ["size", "told"],
        "score": [
            [size, "7|cat.png|cat.png|image/png"],
            [None, "7|None|None|None"],
            ["0", "7|dog.jpg|dog.jpg|image/jpeg"],
            [size, "7|cat.png|cat.png|image/png"],
        ],
    }


def test_a_form_asks_for_the_same_as_plain_json_does(client: Client) -> None:
    document = ask(
        "cat.png", includeFieldsInOutput=["image", "row"], idField="row", noFieldNamesInOutput=True
    )
    status, answer = client.post_media(document, CAT)
    assert status == 200
    assert "fields" not in answer
    assert answer["score"][0][0] == "cat.png"
    assert client.post_media(ask(), CAT)[1]["fields"] == ["size", "told"]


def test_a_data_url_holds_its_file_in_either_form_of_request(client: Client) -> None:
    cells = ["data:image/gif;base64,R0lG", "data:,a%20b", "DATA:;base64,"]
    wanted = [("3", "image/gif"), ("3", "text/plain;charset=US-ASCII"), ("0", "text/plain;charset=US-ASCII")]
    for status, answer in (client.post(ask(*cells)), client.post_media(ask(*cells), CAT)):
        assert status == 200
        assert [row[0] for row in answer["score"]] == [size for size, _ in wanted]
        assert [row[1].split("||")[1] for row in answer["score"]] == [kind for _, kind in wanted]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("bird.png", "'bird.png' names no file that was sent with the request."),
        ("data:image/png", "'data:image/png' is no data: URL, which has a comma before its data."),
        ("data:;base64,=x", "'data:;base64,=x' is no data: URL, since its data are not base64."),
    ],
)
def test_a_cell_without_a_file_is_told(client: Client, cell: str, reason: str) -> None:
    status, answer = client.post_media(ask("cat.png", cell), CAT)
    assert (status, answer) == (400, {"detail": f"rows[1], field 'image' (media): {reason}"})


def test_a_name_in_plain_json_tells_where_files_go(client: Client) -> None:
    status, answer = client.post(ask("cat.png"))
    assert status == 400
    assert "send files to /model/media-score, or write a data: URL" in answer["detail"]


def test_a_file_that_the_model_can_not_take_is_a_400(client: Client) -> None:
    status, answer = client.post_media(ask("broken.png"), Media("broken.png", "image/png", b"broken"))
    assert (status, answer) == (400, {"detail": "broken.png is no picture"})


def test_a_missing_file_is_refused_where_one_is_needed() -> None:
    client = Client(
        Sizes(Field("age", DataType.INT32), Field("image", DataType.STR, nullable=False, media=True))
    )
    status, answer = client.post_media(ask(None))
    assert status == 400
    assert "a value is required" in answer["detail"]


def test_media_fields_are_those_of_the_model(client: Client) -> None:
    status, answer = client.post_media(ask("cat.png", mediaFields=["image", "age"]), CAT)
    assert status == 400
    assert "mediaFields names what is no media column of the model: 'age'" in answer["detail"]
    assert client.post_media(ask("cat.png", mediaFields="image"), CAT)[0] == 400


def test_names_are_found_as_clients_must_write_them(client: Client) -> None:
    for cell, sent in (('a"b.png', "a%22b.png"), ("ü 字.png", "ü 字.png"), ("a%22b.png", "a%22b.png")):
        assert client.post_media(ask(cell), Media(sent, "image/png", b"x"))[0] == 200


def form(*parts: tuple[str, bytes], end: str = "--b--\r\n") -> bytes:
    pieces = [
        f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + body + b"\r\n"
        for head, body in parts
    ]
    return b"".join(pieces) + end.encode()


EMPTY = ('name="scoreMediaRequest"', b'{"fields": ["image", "age"], "rows": []}')
FILE = ('name="files"; filename="a"', b"x")
TYPE = "multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("body", "content_type", "detail"),
    [
        (b"{}", "application/json", "must be a form"),
        (b"{}", "", "must be a form"),
        (b"{}", "multipart/form-data; boundary=é字", "no multipart"),
        (form(EMPTY), "multipart/form-data", "must be a form"),
        (form(EMPTY), "multipart/form-data; boundary=c", "no multipart"),
        (form(EMPTY, end=""), TYPE, "breaks off"),
        (form(FILE), TYPE, "no part scoreMediaRequest"),
        (form(EMPTY, EMPTY), TYPE, "more than once"),
        (form(EMPTY, FILE, FILE), TYPE, "Two files of the form are named 'a'"),
        (form((EMPTY[0], b"{")), TYPE, "not JSON"),
        (form(EMPTY, ('name="files"', b"x")), TYPE, "no file name"),
        (form(EMPTY, ('name="files"; filename=""', b"x")), TYPE, "no file name"),
    ],
)
def test_a_form_that_is_none_is_a_400(client: Client, body: bytes, content_type: str, detail: str) -> None:
    answer = client.app.handle("POST", "/model/media-score", Content(body, content_type=content_type))
    assert answer.status == 400
    assert detail in answer.body.decode()


def test_parts_of_other_names_are_passed_over(client: Client) -> None:
    body = form(('name="token"', b"x"), EMPTY, FILE, ('name="token"', b"y"))
    assert client.app.handle("POST", "/model/media-score", Content(body, content_type=TYPE)).status == 200


def test_forms_have_limits_of_their_own() -> None:
    limits = Settings(Path("model"), "m1", max_request_bytes=100, max_media_bytes=1000, max_media_files=2)
    client = Client(Sizes(), limits)
    assert client.post_media(ask("cat.png"), CAT)[0] == 200
    status, answer = client.post_media(ask("x"), Media("x", "", bytes(1000)))
    assert (status, answer) == (
        413,
        {"detail": "The body is larger than 1000 bytes (SPECR_MAX_MEDIA_BYTES)."},
    )
    many = [Media(str(number), "", b"") for number in range(3)]
    status, answer = client.post_media(ask("1"), *many)
    assert (status, answer) == (413, {"detail": "The form has too many parts (SPECR_MAX_MEDIA_FILES)."})
    assert client.post({"fields": ["image"] * 40, "rows": []})[0] == 413


def test_capabilities_tell_of_media_and_the_sample_needs_no_form(client: Client) -> None:
    assert client.get("/model/capabilities") == (200, ["SCORE", "MEDIA_SCORE"])
    assert client.get("/model/schema")[1]["schema"]["inputFields"][1] == {"name": "image", "dataType": "Str"}
    _, sample = client.get("/model/sample_request")
    picture = sample["rows"][0][1]
    assert base64.b64decode(picture.partition(",")[2]).startswith(b"\x89PNG\r\n\x1a\n")
    assert client.post(sample)[0] == 200


@pytest.mark.parametrize(("own", "shown"), [("data:,x", True), ("cat.png", False), (None, True)])
def test_the_sample_is_the_models_own_where_it_holds_its_file(own: str | None, shown: bool) -> None:
    class Sampled(Sizes):
        def sample(self) -> Mapping[str, object]:
            return {"image": own, "age": 3}

    _, sample = Client(Sampled()).get("/model/sample_request")
    assert (sample["rows"][0][1] == own) is shown


def test_a_media_column_needs_a_model_that_takes_files() -> None:
    class Plain:
        schema = Sizes().schema

        def score(self, frame: Any) -> Any:
            raise AssertionError

    with pytest.raises(LoadError, match="has the media column 'image', but no score_media"):
        Client(Plain())


def test_a_model_without_the_method_that_scores_is_none() -> None:
    class Silent:
        schema = Schema((), (Field("y", DataType.STR),))

    with pytest.raises(LoadError, match="has no method score"):
        Client(Silent())  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [Field("x", DataType.INT32, media=True)])
def test_media_columns_are_inputs_of_text(wrong: Field) -> None:
    y = Field("y", DataType.STR)
    with pytest.raises(ValueError, match="no input of type Str"):
        Schema((wrong,), (y,))
    with pytest.raises(ValueError, match="no input of type Str"):
        Schema((), (Field("y", DataType.STR, media=True),))


def test_shapley_values_are_not_for_files(client: Client) -> None:
    class Explained(Sizes):
        def contributions(self, frame: Any) -> Any:
            raise AssertionError

    explained = Client(Explained())
    assert explained.get("/model/capabilities")[1] == ["SCORE", "MEDIA_SCORE"]
    assert explained.post(ask(), "/model/contribution")[0] == 501


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_any_content_arrives_unchanged(contents: list[bytes]) -> None:
    seen: list[bytes] = []

    class Keeper(Sizes):
        def score_media(self, frame: Frame, media: Any) -> Any:
            seen.extend(file.content for file in media["image"])
            return super().score_media(frame, media)

    files = [Media(f"f{number}", "", content) for number, content in enumerate(contents)]
    status, _ = Client(Keeper()).post_media(ask(*(file.name for file in files)), *files)
    assert status in ({200} if b"broken" not in contents else {400})
    assert seen == contents


@given(st.binary(max_size=300), st.one_of(st.just(TYPE), st.text(max_size=40)))
def test_no_bytes_break_the_reading_of_forms(body: bytes, content_type: str) -> None:
    client = Client(Sizes())
    valid, kind = encode_form(ask("cat.png"), CAT)
    for content in (
        Content(body, content_type=content_type),
        Content(valid[: len(body)] + body, content_type=kind),
    ):
        assert client.app.handle("POST", "/model/media-score", content).status in {200, 400}

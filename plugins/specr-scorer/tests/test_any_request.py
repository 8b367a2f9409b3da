"""Whatever is sent, the answer is one of the API's, and an error is JSON with a reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specr_scorer import DataType
from specr_scorer.responses import Content
from specr_scorer.settings import Settings
from specr_scorer.testing import Client

STATUSES = {200, 400, 401, 404, 405, 413, 501, 503}
PATHS = [
    "/model/score",
    "/m1/model/score",
    "/model/contribution",
    "/model/media-score",
    "/model/schema",
    "/model/id",
    "/model/sample_request",
    "/model/capabilities",
    "/readyz",
    "/openapi.json",
    "/",
    "//",
]
NAMES = [kind.value.lower() for kind in DataType]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["NaN", "NaT", "1.0", "True", "2021-01-01", "inf", "1e999", "2021-01-01T00:00:00Z"]),
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
)
names = st.one_of(st.sampled_from([*NAMES, "extra"]), st.text(max_size=5))
loose_requests = st.fixed_dictionaries(
    {},
    optional={
        "fields": st.one_of(st.lists(names, max_size=9), documents),
        "rows": st.one_of(
            st.lists(st.lists(st.one_of(scalars, documents), max_size=9), max_size=3), documents
        ),
        "includeFieldsInOutput": st.one_of(st.lists(names, max_size=3), documents),
        "noFieldNamesInOutput": st.one_of(st.booleans(), documents),
        "idField": st.one_of(names, documents),
        "requestShapleyValueType": st.one_of(st.sampled_from(["NONE", "ORIGINAL", "TRANSFORMED"]), documents),
    },
)
shaped_requests = st.lists(st.lists(scalars, min_size=8, max_size=8), max_size=3).map(
    lambda rows: {"fields": [*NAMES, "extra"], "rows": rows}
)


def check(client: Client, **request: Any) -> None:
    content = Content(request.pop("body"), request.pop("query", ""), request.pop("content_type", ""))
    answer = client.app.handle(content=content, **request)
    assert answer.status in STATUSES
    assert b"Traceback" not in answer.body
    if answer.status != 200:
        document = orjson.loads(answer.body)
        assert list(document) == ["detail"]
        assert document["detail"]
        assert "\n" not in document["detail"]


@pytest.fixture(scope="module")
def clients(echo: Callable[..., Client], tmp_path_factory: pytest.TempPathFactory) -> list[Client]:
    folder = tmp_path_factory.mktemp("scores")
    (folder / "rows.csv").write_text(",".join(NAMES) + "\n")
    return [
        echo(),
        echo(score_folder=folder, max_request_bytes=100),
        echo(passphrase="s3cret"),
        Client(None, Settings(Path("model"), "m1")),
    ]


heads = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", ""]),
        "path": st.one_of(st.sampled_from(PATHS), st.text()),
        "query": st.one_of(st.text(), st.text().map(lambda name: f"file={name}"), st.just("file=rows.csv")),
        "authorization": st.one_of(st.none(), st.text(), st.just("Bearer s3cret")),
    }
)


@settings(deadline=None, max_examples=300)
@given(which=st.integers(0, 3), head=heads, body=st.one_of(st.binary(), documents.map(orjson.dumps)))
def test_any_request_gets_an_answer_of_the_api(
    clients: list[Client], which: int, head: dict[str, Any], body: bytes
) -> None:
    check(clients[which], body=body, **head)


@settings(deadline=None, max_examples=300)
@given(request=st.one_of(loose_requests, documents))
def test_any_json_is_scored_or_refused_with_a_reason(clients: list[Client], request: object) -> None:
    body = orjson.dumps(request)
    for path in ("/model/score", "/model/contribution"):
        check(clients[0], method="POST", path=path, body=body)


@settings(deadline=None, max_examples=300)
@given(request=shaped_requests)
def test_rows_that_are_taken_are_all_answered(clients: list[Client], request: dict[str, Any]) -> None:
    status, answer = clients[0].post(request)
    assert status in {200, 400}
    if status == 200:
        assert [len(row) for row in answer["score"]] == [7] * len(request["rows"])
        assert all(cell is None or isinstance(cell, str) for row in answer["score"] for cell in row)
        again = clients[0].post({"fields": NAMES, "rows": answer["score"]})
        assert again[1]["score"] == answer["score"]

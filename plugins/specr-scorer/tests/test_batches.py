"""Requests scored as one frame: each gets the answer that it would get alone."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specr_scorer import Cell, DataType, Field, Frame, InputError, Schema
from specr_scorer.responses import Content, Job, Response
from specr_scorer.scoring import BATCH_ROWS
from specr_scorer.settings import Batch, Settings
from specr_scorer.testing import Client

X, LABEL = Field("x", DataType.FLOAT64), Field("label", DataType.STR)


class Roots:
    """Takes roots; some labels make it fail, as models do. Notes the size of each call."""

    schema = Schema((X, LABEL), (Field("root", DataType.FLOAT64), Field("told", DataType.STR)))

    def __init__(self, *, independent: bool = True) -> None:
        self.independent = independent
        self.calls: list[int] = []

    def row_independent(self) -> bool:
        return self.independent

    def score(self, frame: Frame) -> Mapping[str, Sequence[Cell]]:
        self.calls.append(frame.rows)
        labels = frame.columns["label"]
        if "refused" in labels:
            raise InputError("this label is refused")
        if "fails" in labels:
            raise ZeroDivisionError("fails")
        if "exits" in labels:
            raise SystemExit
        if "short" in labels:
            return {"root": [1.0], "told": ["x"] * (frame.rows + 1)}
        if "broken" in labels:
            return {"root": [1.0] * frame.rows, "told": ["\udc80"] * frame.rows}
        roots: list[Cell] = [None if x is None else math.sqrt(abs(float(x))) for x in frame.columns["x"]]
        return {
            "root": ["no number" if lab == "typo" else r for r, lab in zip(roots, labels, strict=True)],
            "told": labels,
        }


def job_of(model: Any, **more: Any) -> Job:
    app = Client(model, Settings(Path("model"), "m1", **more)).app
    job = app.admit(app.find("/model/score"), "POST")
    assert isinstance(job, Job)
    return job


def asked(*rows: Sequence[Any], **more: Any) -> Content:
    return Content(orjson.dumps({"fields": ["x", "label"], "rows": rows, **more}))


def same(alone: Response, joined: Response) -> bool:
    return (alone.status, alone.body, alone.rows) == (joined.status, joined.body, joined.rows)


LABELS = st.sampled_from(["a", "b", None, "refused", "fails", "exits", "short", "broken", "typo"])
CELLS = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.just("1.5"), st.none(), st.just("bad"))
REQUESTS = st.one_of(
    st.binary(max_size=5).map(Content),
    st.lists(st.tuples(CELLS, LABELS), max_size=4).map(lambda rows: asked(*rows)),
    st.lists(st.tuples(CELLS, st.just("a")), max_size=4).map(
        lambda rows: asked(*rows, includeFieldsInOutput=["label"], noFieldNamesInOutput=True)
    ),
    st.just(asked([1, "a"], requestShapleyValueType="ORIGINAL")),
)


@settings(deadline=None)
@given(st.lists(REQUESTS, min_size=1, max_size=12), st.booleans())
def test_an_answer_among_others_is_the_answer_alone(contents: list[Content], joins: bool) -> None:
    job = job_of(Roots(independent=joins))
    assert job.together is not None
    assert job.joins is joins
    joined = job.together(contents)
    assert len(joined) == len(contents)
    assert all(same(job.run(content), answer) for content, answer in zip(contents, joined, strict=True))


def test_rows_of_several_requests_are_one_call() -> None:
    model = Roots()
    job = job_of(model)
    assert job.together is not None
    answers = job.together([asked([4, "a"]), asked(), asked([9, "b"], [16, "c"])])
    assert [orjson.loads(answer.body)["score"] for answer in answers] == [
        [["2.0", "a"]],
        [],
        [["3.0", "b"], ["4.0", "c"]],
    ]
    assert model.calls == [1, 2]  # a request without rows stands between them
    model.calls.clear()
    job.together([asked([n, "a"]) for n in range(100)])
    assert model.calls == [100]


def test_a_bad_request_harms_no_neighbour() -> None:
    model = Roots()
    job = job_of(model)
    assert job.together is not None
    labels = ["a", "fails", "b"]
    answers = job.together([asked([4, label]) for label in labels])
    assert [answer.status for answer in answers] == [200, 500, 200]
    assert model.calls == [3, 1, 1, 1]


def test_a_frame_has_room_for_so_many_rows() -> None:
    model = Roots()
    job = job_of(model)
    assert job.together is not None
    half = [[1, "a"]] * (BATCH_ROWS // 2)
    answers = job.together([asked(*half), asked(*half), asked([1, "a"]), asked(*half, *half, [1, "a"])])
    assert {answer.status for answer in answers} == {200}
    assert model.calls == [BATCH_ROWS, 1, BATCH_ROWS + 1]


@pytest.mark.parametrize(
    ("batch", "independent", "joins"),
    [
        (Batch.AUTO, True, True),
        (Batch.AUTO, False, False),
        (Batch.ON, False, True),
        (Batch.OFF, True, False),
    ],
)
def test_rows_are_joined_where_the_model_or_the_setting_says_so(
    batch: Batch, independent: bool, joins: bool
) -> None:
    assert job_of(Roots(independent=independent), batch=batch).joins is joins


def test_a_model_that_says_nothing_is_called_for_each_request() -> None:
    class Silent:
        schema = Roots.schema

        def __init__(self) -> None:
            self.calls: list[int] = []

        def score(self, frame: Frame) -> Any:
            self.calls.append(frame.rows)
            return {"root": [1.0] * frame.rows, "told": ["x"] * frame.rows}

    model = Silent()
    job = job_of(model)
    assert job.together is not None
    assert not job.joins
    answers = job.together([asked([1, "a"]), Content(b"{"), asked([1, "a"], [2, "b"])])
    assert [answer.status for answer in answers] == [200, 400, 200]
    assert model.calls == [1, 2]

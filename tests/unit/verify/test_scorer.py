from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from specr.address import parse_address
from specr.diagnostics import Diagnostic
from specr.providers.protocol import ScorerRequest, ScorerResponse
from specr.resources.convert import convert
from specr.resources.deployment import GoldenRow
from specr.verify.scorer import Verification, matches

API = parse_address("deployment/api")
SCHEMA = {"input": [{"name": "x", "type": "Float64"}], "output": [{"name": "y", "type": "String"}]}
SERVED: dict[str, Any] = {
    "GET /model/schema": {
        "id": "m",
        "schema": {
            "inputFields": [{"name": "x", "dataType": "Float64"}],
            "outputFields": [{"name": "y", "dataType": "Str"}, {"name": "p", "dataType": "Float64"}],
        },
    },
    "GET /model/sample_request": {"fields": ["x"], "rows": [["1"]]},
    "POST /model/score": {"id": "m", "fields": ["y", "p"], "score": [["a", "0.5"]]},
}


def verify(
    *rows: dict[str, Any], status: int = 200, headers: Any = None, **served: Any
) -> tuple[Diagnostic, ...]:
    answers = {**SERVED, **{k.replace("_", " /model/", 1): v for k, v in served.items()}}
    seen: list[ScorerRequest] = []

    def ask(request: ScorerRequest) -> ScorerResponse:
        seen.append(request)
        answer = answers[f"{request.method} {request.path}"]
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return ScorerResponse(status if request.method == "POST" else 200, body)

    found = Verification(API, ask, SCHEMA, headers).run([convert(r, GoldenRow) for r in rows])
    if headers:
        assert all(r.headers["Authorization"] for r in seen)
    return found


GOLDEN = {"row": {"x": 1}, "expect": {"y": "a", "p": 0.5}}


def test_a_true_scorer_passes() -> None:
    assert verify(GOLDEN, headers={"Authorization": "Bearer x"}) == ()


@pytest.mark.parametrize(
    ("served", "summary"),
    [
        (
            {"GET_schema": {"id": "m", "schema": {"inputFields": [], "outputFields": []}}},
            "Deployment serves another schema",
        ),
        ({"GET_schema": {"id": "m"}}, "Deployment does not answer as a scorer"),
        ({"GET_schema": [1]}, "Deployment does not answer as a scorer"),
        ({"GET_schema": b"<html>"}, "Deployment does not answer as a scorer"),
        ({"POST_score": {"score": "x"}}, "Deployment does not answer as a scorer"),
        ({"POST_score": {"fields": ["y"], "score": []}}, "Deployment can't score its own sample"),
        ({"GET_sample_request": "x"}, "Deployment does not answer as a scorer"),
        ({"GET_sample_request": {"fields": ["x"], "rows": None}}, "Deployment does not answer as a scorer"),
        ({"GET_sample_request": {"fields": ["x"], "rows": 5}}, "Deployment does not answer as a scorer"),
        ({"GET_sample_request": {"fields": ["x"], "rows": "x"}}, "Deployment does not answer as a scorer"),
        (
            {"POST_score": {"id": "m", "fields": [["y"]], "score": [["a"]]}},
            "Deployment does not answer as a scorer",
        ),
        (
            {
                "GET_schema": {
                    "schema": {
                        "inputFields": [{"name": "x", "dataType": "Float64"}] * 2,
                        "outputFields": [{"name": "y", "dataType": "Str"}],
                    }
                }
            },
            "Deployment does not answer as a scorer",
        ),
    ],
)
def test_a_false_one_is_told(served: dict[str, Any], summary: str) -> None:
    assert verify(GOLDEN, **served)[0].summary == summary


def test_a_refusal_shows_status_and_detail() -> None:
    (found,) = verify(GOLDEN, status=500, POST_score={"detail": "The model failed: KeyError"})
    assert "status 500 (The model failed: KeyError)" in found.detail


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(400, "Correct the row as the answer says"), (500, "`specr logs deployment/api --failed`")],
)
def test_a_refused_golden_row_is_shown_with_what_to_do(status: int, remedy: str) -> None:
    def ask(request: ScorerRequest) -> ScorerResponse:
        refused = request.body and json.loads(request.body)["rows"] == [["2"]]
        answer = {"detail": "No."} if refused else SERVED[f"{request.method} {request.path}"]
        return ScorerResponse(status if refused else 200, json.dumps(answer).encode())

    row = convert({"row": {"x": 2}, "expect": {"y": "a"}}, GoldenRow)
    (found,) = Verification(API, ask, SCHEMA).run([row])
    assert (found.summary, found.path) == ("Golden row is refused", ("spec", "verify", 0, "row"))
    assert remedy in found.remedy


def test_a_refused_sample_is_shown_with_the_way_to_another() -> None:
    (found,) = verify(status=500, POST_score={"detail": "The model failed: ValueError"})
    assert found.notes == ('request: {"fields":["x"],"rows":[["1"]]}',)
    assert "save it with an example of its input that it can score (MLflow: `input_example=`)" in found.remedy


def test_extra_output_columns_are_fine_and_missing_ones_are_not() -> None:
    fields = [{"name": "other", "dataType": "Str"}]
    served = {
        "id": "m",
        "schema": {"inputFields": [{"name": "x", "dataType": "Float64"}], "outputFields": fields},
    }
    (found,) = verify(GET_schema=served)
    assert found.notes == ("expected: y: Str", "got:      other: Str")


def test_a_wrong_score_shows_expected_and_got() -> None:
    (found,) = verify({"row": {"x": 1}, "expect": {"y": "b"}})
    assert found.summary == "Golden row gives another score"
    assert found.path == ("spec", "verify", 0, "expect", "y")
    assert found.notes == ("expected: b", "got:      a")


def test_an_unknown_column_lists_the_served_ones() -> None:
    (found,) = verify({"row": {"x": 1}, "expect": {"q": 1}})
    assert "y, p" in found.notes[0]
    assert found.remedy == "Correct the column's name, or remove it."


def test_a_misspelt_column_is_to_blame_itself_and_the_served_one_is_shown() -> None:
    fields = ["y", "chance"]
    (found,) = verify(
        {"row": {"x": 1}, "expect": {"chnace": 1}},
        POST_score={"id": "m", "fields": fields, "score": [["a", "1"]]},
    )
    assert (found.path, found.at_key) == (("spec", "verify", 0, "expect", "chnace"), True)
    assert found.remedy == "Did you mean chance?"


@pytest.mark.parametrize(
    ("expected", "got", "kind", "tolerance", "same"),
    [
        (0.5, "0.5000004", "Float64", 1e-6, True),
        (0.5, "0.51", "Float64", 1e-6, False),
        (1000, "1000.5", "Float64", 1e-3, True),
        (1, "1.0", "Int64", 0, True),
        (1, "x", "Int64", 1, False),
        (2, "2.0_0", "Float64", 1, False),
        (float("inf"), "inf", "Float64", 1, True),
        (True, "true", "Bool", 0, True),
        (True, "False", "Bool", 0, False),
        ("true", "nonsense", "Bool", 0, False),
        ("2021-01-01", "2021-01-01T00:00:00+00:00", "Time64", 0, True),
        ("2021-01-02", "2021-01-01 00:00:00", "Time64", 0, False),
        (None, None, "Str", 0, True),
        (None, "a", "Str", 0, False),
        (None, "nan", "Float64", 0, True),
        ("a", "a", "Str", 0, True),
        (3, "3", "Str", 0, True),
        (3, "3.0", "Str", 0, True),
        (True, "true", "Str", 0, True),
    ],
)
def test_cells_are_compared_by_type(expected: Any, got: Any, kind: str, tolerance: float, same: bool) -> None:
    assert matches(expected, got, kind, lambda number: max(tolerance, tolerance * abs(number))) is same


@pytest.mark.parametrize(
    ("written", "margin"),
    [
        ({}, 5e-3),
        ({"tolerance": 20}, 20),  # and not twenty times as much
        ({"relativeTolerance": 0.01}, 50),
        ({"tolerance": 60, "relativeTolerance": 0.01}, 60),
        ({"tolerance": 0}, 0),
        ({"relativeTolerance": 0}, 0),
    ],
)
def test_how_far_off_a_number_may_be_is_said_in_its_unit_or_as_a_part_of_it(
    written: Mapping[str, float], margin: float
) -> None:
    golden = convert({"row": {"x": 1}, "expect": {"p": 5000}, **written}, GoldenRow)
    assert golden.margin(5000) == golden.margin(-5000) == pytest.approx(margin)


def test_small_numbers_may_be_off_by_a_millionth() -> None:
    assert GoldenRow(row={}, expect={"p": 0}).margin(0) == 1e-6

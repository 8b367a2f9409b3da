"""What a score request may hold and what its answer looks like."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from specr_scorer import (
    Cell,
    ContributionGroup,
    Contributions,
    DataType,
    Field,
    Frame,
    InputError,
    Schema,
)
from specr_scorer.responses import Content
from specr_scorer.testing import Client

A, B = Field("a", DataType.FLOAT64), Field("b", DataType.STR)
Make = Callable[..., Client]


class Stub:
    """A model of one column that answers, or raises, what a test wants."""

    schema = Schema((A,), (Field("y", DataType.INT64),))

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def score(self, frame: Frame) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Explained:
    """A model whose answer is its input, and whose contributions are twice that."""

    schema = Schema((A,), (Field("y", DataType.FLOAT64),))

    def score(self, frame: Frame) -> Mapping[str, list[Cell]]:
        return {"y": frame.columns["a"]}

    def contributions(self, frame: Frame) -> Contributions:
        doubled = [2 * float(cell or 0) for cell in frame.columns["a"]]
        return Contributions(("a", "bias"), (ContributionGroup([doubled, [0.5] * frame.rows], "y"),))


def test_rows_are_scored_in_the_schemas_order_whatever_the_requests(echo: Make) -> None:
    answer = echo(A, B).post({"fields": ["b", "extra", "a"], "rows": [["x", [1], "1.50"], [None, {}, 2]]})
    assert answer == (
        200,
        {"id": "m1", "fields": ["echo_a", "echo_b"], "score": [["1.5", "x"], ["2.0", None]]},
    )


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("fields", [["a", "b", "c"], ["c", "a", "b"], ["b", "extra", "c", "a"]])
def test_columns_of_one_type_are_told_apart_by_their_names(echo: Make, fields: list[str], rows: int) -> None:
    client = echo(*(Field(name, DataType.FLOAT64) for name in "abc"))
    cells = {"a": "1.0", "b": "2.0", "c": "3.0", "extra": "9.0"}
    status, answer = client.post({"fields": fields, "rows": [[cells[name] for name in fields]] * rows})
    assert (status, answer["score"]) == (200, [["1.0", "2.0", "3.0"]] * rows)


def test_all_seven_types_travel_as_strings(echo: Make) -> None:
    cells = {
        "bool": "True",
        "int32": "1.0",
        "int64": 9007199254740993,
        "float32": "0.1",
        "float64": 0.1,
        "str": True,
        "time64": "2021-01-01",
    }
    status, answer = echo().post({"fields": list(cells), "rows": [list(cells.values())]})
    assert status == 200
    assert answer["score"] == [["True", "1", "9007199254740993", "0.1", "0.1", "True", "2021-01-01 00:00:00"]]


@pytest.mark.parametrize("missing", [None, ""])
def test_missing_cells_come_back_as_null(echo: Make, missing: object) -> None:
    status, answer = echo().post({"fields": [k.value.lower() for k in DataType], "rows": [[missing] * 7]})
    assert (status, answer["score"]) == (200, [[None] * 7])


def test_no_rows_tell_the_output_columns_and_leave_the_model_alone() -> None:
    answer = Client(Stub(RuntimeError("called"))).post({"fields": ["a"], "rows": []})
    assert answer == (200, {"id": "m1", "fields": ["y"], "score": []})


def test_copied_cells_come_first_in_the_order_of_fields_as_they_were_sent(echo: Make) -> None:
    request = {
        "fields": ["b", "n", "a", "flag"],
        "includeFieldsInOutput": ["flag", "a", "n", "b"],
        "rows": [["x", 1, "1.50", True], ["", None, 2.5, False]],
    }
    assert echo(A).post(request)[1] == {
        "id": "m1",
        "fields": ["b", "n", "a", "flag", "echo_a"],
        "score": [["x", "1", "1.50", "True", "1.5"], ["", None, "2.5", "False", "2.5"]],
    }


def test_an_id_is_made_up_where_it_is_wanted_but_not_sent(echo: Make) -> None:
    request = {"fields": ["a", "b"], "idField": "id", "includeFieldsInOutput": ["id", "b"]}
    _, answer = echo(A).post({**request, "rows": [["1", "x"], ["2", "y"]]})
    assert answer["fields"] == ["b", "id", "echo_a"]
    first, second = (row[1] for row in answer["score"])
    assert uuid.UUID(first) != uuid.UUID(second)
    assert [row[0] for row in answer["score"]] == ["x", "y"]


def test_an_id_that_was_sent_is_copied(echo: Make) -> None:
    request = {"fields": ["id", "a"], "idField": "id", "includeFieldsInOutput": ["id"], "rows": [["7", "1"]]}
    assert echo(A).post(request)[1]["score"] == [["7", "1.0"]]


def test_an_id_that_nobody_asked_for_is_not_shown(echo: Make) -> None:
    assert echo(A).post({"fields": ["a"], "idField": "id", "rows": [["1"]]})[1]["fields"] == ["echo_a"]


def test_field_names_can_be_left_out(echo: Make) -> None:
    request = {"fields": ["a"], "noFieldNamesInOutput": True, "rows": [["1"]]}
    assert echo(A).post(request)[1] == {"id": "m1", "score": [["1.0"]]}


@pytest.mark.parametrize("body", [{"x": 1}, {"inputs": [[1]]}, {"rows": [["1"]]}, {"fields": ["a"]}, [], "a"])
def test_what_is_no_score_request_is_told_how_one_looks(echo: Make, body: Any) -> None:
    status, answer = echo(A).post(body)
    assert status == 400
    assert answer["detail"].startswith("A score request is a JSON object with fields")
    assert "GET /model/sample_request" in answer["detail"]


def test_options_of_null_are_left_out_options(echo: Make) -> None:
    nothing = dict.fromkeys(
        ["includeFieldsInOutput", "noFieldNamesInOutput", "idField", "requestShapleyValueType"]
    )
    assert echo(A).post({"fields": ["a"], "rows": [["1"]], **nothing})[0] == 200


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (
            {"fields": ["b"]},
            "The model's input fields are missing from fields: 'a'; it has none named 'b'.",
        ),
        ({"fields": []}, "The model's input fields are missing from fields: 'a'."),
        ({"fields": ["a", "a"]}, "The field 'a' is named more than once in fields."),
        ({"fields": None}, "fields must be a list of strings."),
        ({"rows": 1}, "rows must be a list of lists, a list of cells a row."),
        ({"fields": ["a", 1]}, "fields must be a list of strings."),
        ({"rows": None}, "rows must be a list of lists, a list of cells a row."),
        ({"rows": [["1", "2", "3"]]}, "rows[0] has 3 cells, but there are 2 fields."),
        ({"rows": [["1", "x"], ["1"]]}, "rows[1] has 1 cells, but there are 2 fields."),
        ({"rows": [{"a": 1}]}, "rows[0] is an object; each row must be a list of cells."),
        ({"includeFieldsInOutput": ["z"]}, "includeFieldsInOutput names what fields does not: 'z'."),
        ({"includeFieldsInOutput": "a"}, "includeFieldsInOutput must be a list of strings."),
        ({"idField": 1}, "idField must be a string."),
        ({"noFieldNamesInOutput": "yes"}, "noFieldNamesInOutput must be true or false."),
        (
            {"requestShapleyValueType": "SOME"},
            "requestShapleyValueType must be ORIGINAL, TRANSFORMED or NONE.",
        ),
        ({"rows": [["1", "x"], ["y", ""]]}, "rows[1], field 'a' (Float64): 'y' is not a number."),
        (
            {"rows": [["x" * 100, ""]]},
            f"rows[0], field 'a' (Float64): '{'x' * 40}'… (100 characters) is not a number.",
        ),
        ({"rows": [[[1, 2], ""]]}, "rows[0], field 'a' (Float64): a list is not a number."),
        (
            {"rows": [["1", {}]], "includeFieldsInOutput": ["b"]},
            "rows[0], cell 2: an object is not a string, number, boolean or null.",
        ),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(echo: Make, change: dict[str, Any], detail: str) -> None:
    request = {"fields": ["a", "b"], "rows": [["1", "x"]], **change}
    assert echo(A).post(request) == (400, {"detail": detail})


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b"null", b"\xff", b'{"a": NaN}', b"[" * 5000, b'"\\ud800"']
)
def test_a_body_that_is_no_score_request_is_a_400(echo: Make, body: bytes) -> None:
    answer = echo(A).app.handle("POST", "/model/score", Content(body))
    assert answer.status == 400
    assert answer.body.startswith((b'{"detail":"The body ', b'{"detail":"A score request '))


def test_many_missing_fields_are_counted_not_listed(echo: Make) -> None:
    fields = [Field(f"f{number}", DataType.STR) for number in range(25)]
    _, answer = echo(*fields).post({"fields": [], "rows": []})
    assert answer["detail"].endswith("'f9' and 15 more.")


def test_a_column_that_needs_values_refuses_missing_ones(echo: Make) -> None:
    client = echo(Field("a", DataType.FLOAT64, nullable=False), B)
    detail = "rows[1], field 'a' (Float64): a value is required, as /model/schema says (nullable: false)."
    assert client.post({"fields": ["a", "b"], "rows": [["1", None], ["NaN", ""]]}) == (
        400,
        {"detail": detail},
    )


def test_layouts_of_different_requests_are_kept_apart(echo: Make) -> None:
    client = echo(A)
    plain = {"fields": ["a", "b"], "rows": [["1", "x"]]}
    for _ in range(2):
        assert client.post(plain)[1]["score"] == [["1.0"]]
        assert client.post({**plain, "includeFieldsInOutput": ["b"]})[1]["score"] == [["x", "1.0"]]
        assert client.post({**plain, "fields": ["b", "a"]})[0] == 400
        assert client.post({"fields": ["b", "a"], "rows": [["x", "3"]]})[1]["score"] == [["3.0"]]


def test_more_layouts_than_are_kept_are_all_right(echo: Make) -> None:
    client = echo(A)
    for number in range(200):
        assert client.post({"fields": [f"f{number}", "a"], "rows": [["", "1"]]})[1]["score"] == [["1.0"]]


@pytest.mark.parametrize(
    ("failure", "detail"),
    [
        (ValueError("no\nluck  today"), "The model failed: ValueError: no luck today"),
        (KeyError(), "The model failed: KeyError"),
        (SystemExit(3), "The model failed: SystemExit: 3"),
        (RuntimeError("x" * 1000), f"The model failed: RuntimeError: {'x' * 500}…"),
        (RuntimeError("a: Traceback (most recent call last): secret"), "The model failed: RuntimeError: a:"),
        (RuntimeError("broken \ud800"), "The model failed: RuntimeError: broken \\ud800"),
        (InputError("Too old."), "Too old."),
    ],
)
def test_a_model_that_raises_is_told_in_one_line(
    failure: BaseException, detail: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = 400 if isinstance(failure, InputError) else 500
    assert Client(Stub(failure)).post({"fields": ["a"], "rows": [["1"]]}) == (status, {"detail": detail})
    assert ("Traceback" in capsys.readouterr().err) == (status == 500)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"z": [1]}, "no output column 'y'; it gave 'z'"),
        ({"y": [1, 2]}, "output column 'y' has 2 cells for 1 rows"),
        ({"y": [1.5]}, "output column 'y' holds no Int64: 1.5 is not a whole number"),
        ({"y": ["x"]}, "output column 'y' holds no Int64: invalid literal"),
    ],
)
def test_a_model_that_breaks_its_schema_is_a_500(answer: object, reason: str) -> None:
    status, document = Client(Stub(answer)).post({"fields": ["a"], "rows": [["1"]]})
    assert status == 500
    assert document["detail"].startswith(f"The model broke its own schema: OutputError: {reason}")


def test_contributions_are_served_where_the_model_has_them() -> None:
    client = Client(Explained())
    request = {"fields": ["a"], "rows": [["1"], ["2"]]}
    groups = [{"outputGroup": "y", "contributions": [["2.0", "0.5"], ["4.0", "0.5"]]}]
    shown = {"features": ["a", "bias"], "contributionGroups": groups}
    assert client.post(request, "/model/contribution") == (200, {"id": "m1", **shown})
    _, answer = client.post({**request, "requestShapleyValueType": "ORIGINAL"})
    assert answer["score"] == [["1.0"], ["2.0"]]
    assert answer["featureShapleyContributions"] == shown
    _, empty = client.post({**request, "rows": [], "requestShapleyValueType": "ORIGINAL"})
    assert empty["featureShapleyContributions"]["features"] == ["a", "bias"]


@pytest.mark.parametrize("kind", ["ORIGINAL", "TRANSFORMED"])
def test_contributions_that_a_model_lacks_are_a_501(echo: Make, kind: str) -> None:
    request = {"fields": ["a"], "rows": [], "requestShapleyValueType": kind}
    detail = f"This model gives no {kind} contributions (Shapley values)."
    assert echo(A).post(request) == (501, {"detail": detail})


def test_prediction_intervals_are_a_501(echo: Make) -> None:
    assert echo(A).post({"fields": ["a"], "rows": [], "requestPredictionIntervals": True})[0] == 501


def test_what_nobody_asks_for_may_be_nested_however_deep() -> None:
    nested = b"[" * 500 + b"]" * 500
    body = b'{"fields": ["a"], "rows": [["1"]], "other": ' + nested + b"}"
    client = Client(Stub({"y": [1]}))
    for _ in range(2):
        answer = client.app.handle("POST", "/model/score", Content(body))
        assert (answer.status, answer.rows) == (200, 1)


def test_requests_that_differ_beside_their_rows_are_told_apart() -> None:
    client = Client(Stub({"y": [1]}))
    plain = {"fields": ["a"], "rows": [["1"]]}
    assert client.post(plain) == (200, {"id": "m1", "fields": ["y"], "score": [["1"]]})
    assert client.post({**plain, "noFieldNamesInOutput": True}) == (200, {"id": "m1", "score": [["1"]]})
    copied = (200, {"id": "m1", "fields": ["a", "y"], "score": [["1", "1"]]})
    assert client.post({**plain, "includeFieldsInOutput": ["a"]}) == copied
    assert client.post({**plain, "noFieldNamesInOutput": 1})[0] == 400
    assert client.post(plain) == (200, {"id": "m1", "fields": ["y"], "score": [["1"]]})

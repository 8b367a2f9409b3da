"""Does a deployment answer as declared? Asked through the scorer API, before callers reach it.

Three questions: does it serve the schema that its experiment has, does its own sample
request score, do the golden rows give the scores that they should. Findings are
diagnostics that show expected and got; an empty result is a proof by example.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from specr.address import Address
from specr.canonical import Json, JsonObject, decode_json, encode_json
from specr.diagnostics import Diagnostic, did_you_mean
from specr.providers.protocol import ScorerRequest, ScorerResponse
from specr.resources.cells import cell_text, is_missing, truth
from specr.resources.deployment import GoldenRow

Ask = Callable[[ScorerRequest], ScorerResponse]
"""Sends one request to the deployment being verified."""

_DATA_TYPES: Final = {"Boolean": "Bool", "String": "Str"}
"""How the scorer API spells the column types that it spells otherwise."""

Margin = Callable[[float], float]
"""How far from an expected number another may lie."""

_ANOTHER_SAMPLE: Final = (
    "If the model can't take this row, save it with an example of its input that it can score (MLflow: "
    "`input_example=`): the runtime then shows that one, instead of a row made up from the columns' types."
)


class _AnswerError(Exception):
    """An answer that can't be used; the message says why."""


class Verification:
    """Verifies one deployment.

    Args:
        address: of the deployment, for the diagnostics.
        ask: sends a request to it.
        schema: `{input, output}` with `name` and `type`, as specs write it.
        headers: sent with each request, for deployments that ask for a passphrase.
    """

    def __init__(
        self, address: Address, ask: Ask, schema: JsonObject, headers: Mapping[str, str] | None = None
    ) -> None:
        self._address = address
        self._ask = ask
        self._schema = schema
        self._headers = dict(headers or {})

    def run(self, rows: Sequence[GoldenRow]) -> tuple[Diagnostic, ...]:
        """Ask everything; stop at the first question that makes the rest pointless."""
        try:
            served = self._get("/model/schema")
            problems = tuple(self._check_schema(served))
            if problems:
                return problems
            sample = self._get("/model/sample_request")
            problems = tuple(self._check_sample(sample))
            if problems:
                return problems
            types = _fields(served["schema"]["outputFields"])
            return tuple(d for n, row in enumerate(rows) for d in self._check_row(n, row, types))
        except _AnswerError as error:
            return (self._finding("Deployment does not answer as a scorer", str(error)),)

    def _check_schema(self, served: Json) -> Iterator[Diagnostic]:
        try:
            fields = {side: _fields(served["schema"][f"{side}Fields"]) for side in ("input", "output")}
        except (KeyError, TypeError, ValueError) as error:
            raise _AnswerError(f"GET /model/schema answered {_short(served)}, which is no schema") from error
        for side, exact in (("input", True), ("output", False)):
            expected = {c["name"]: _DATA_TYPES.get(c["type"], c["type"]) for c in self._schema[side]}
            got = fields[side]
            relevant = got if exact else {name: kind for name, kind in got.items() if name in expected}
            if relevant != expected:
                yield self._finding(
                    "Deployment serves another schema",
                    f"The {side} columns that {self._address} serves are not those of its experiment.",
                    path=("spec", "model"),
                    notes=(f"expected: {_columns(expected)}", f"got:      {_columns(got)}"),
                    remedy="Correct the schema in the experiment, or deploy the model that it describes.",
                )

    def _check_sample(self, sample: Json) -> Iterator[Diagnostic]:
        if not _is_request(sample):
            raise _AnswerError(f"GET /model/sample_request answered {_short(sample)}, which is no request")
        answer = self._ask_for("POST", "/model/score", encode_json(sample))
        if answer.status != 200:
            yield self._finding(
                "Deployment can't score its own sample",
                f"{self._address} refused what it gave at /model/sample_request: {_told(answer)}.",
                notes=(f"request: {_short(sample)}",),
                remedy=_ANOTHER_SAMPLE,
            )
            return
        score = _rows(_json(answer, "POST /model/score"))
        wanted = len(sample["rows"])
        if len(score) != wanted:
            yield self._finding(
                "Deployment can't score its own sample",
                f"{self._address} gave {len(score)} scores for the {wanted} rows of its own sample request.",
            )

    def _check_row(self, number: int, golden: GoldenRow, types: Mapping[str, str]) -> Iterator[Diagnostic]:
        body = {"fields": list(golden.row), "rows": [[cell_text(v) for v in golden.row.values()]]}
        answer = self._ask_for("POST", "/model/score", encode_json(body))
        path = ("spec", "verify", number)
        if answer.status != 200:
            yield self._finding(
                "Golden row is refused",
                f"Row {number + 1} of `verify` was answered with {_told(answer)}.",
                path=(*path, "row"),
                remedy=self._another_row(answer.status),
            )
            return
        scored = _json(answer, "POST /model/score")
        score = _rows(scored)
        fields = scored.get("fields")
        if not _are_names(fields) or len(score) != 1 or len(score[0]) != len(fields):
            raise _AnswerError(f"POST /model/score answered {_short(scored)}, which is not one row of scores")
        got = dict(zip(fields, score[0], strict=True))
        for column, expected in golden.expect.items():
            if column not in got:
                yield self._finding(
                    "Golden row expects a column that is not served",
                    f"Row {number + 1} of `verify` expects column `{column}`.",
                    path=(*path, "expect", column),
                    notes=(f"served columns: {', '.join(fields)}",),
                    remedy=did_you_mean(column, fields) or "Correct the column's name, or remove it.",
                    at_key=True,
                )
            elif not matches(expected, got[column], types.get(column, "Str"), golden.margin):
                yield self._finding(
                    "Golden row gives another score",
                    f"Row {number + 1} of `verify` scored otherwise than expected in column `{column}`.",
                    path=(*path, "expect", column),
                    notes=(
                        f"expected: {_expectation(expected, golden.margin)}",
                        f"got:      {got[column]}",
                    ),
                    remedy="Deploy the model that gives this score, or correct the expectation.",
                )

    def _another_row(self, status: int) -> str:
        """What to do about a row that was refused, by whose fault it is."""
        if status < 500:
            return (
                "Correct the row as the answer says: `row` holds a cell for each input column of the model."
            )
        return (
            "Correct the row if the model is not made for such cells, or deploy a model that can score it; "
            f"`specr logs {self._address} --failed` shows what the runtime printed."
        )

    def _get(self, path: str) -> Any:
        answer = self._ask_for("GET", path)
        if answer.status != 200:
            raise _AnswerError(f"GET {path} was answered with {_told(answer)}")
        return _json(answer, f"GET {path}")

    def _ask_for(self, method: str, path: str, body: bytes = b"") -> ScorerResponse:
        headers = {**self._headers, "Content-Type": "application/json"} if body else self._headers
        return self._ask(ScorerRequest(method, path, body, headers))

    def _finding(
        self,
        summary: str,
        detail: str,
        *,
        path: tuple[str | int, ...] = ("spec",),
        notes: tuple[str, ...] = (),
        remedy: str = "",
        at_key: bool = False,
    ) -> Diagnostic:
        return Diagnostic(
            summary, detail, remedy, address=self._address, path=path, notes=notes, at_key=at_key
        )


def _expectation(expected: Json, margin: Margin) -> str:
    """An expected cell, with how far it may be off where that means something."""
    is_number = isinstance(expected, int | float) and not isinstance(expected, bool)
    return f"{expected} (or off by {margin(expected):g} at most)" if is_number else str(expected)


def matches(expected: Json, got: Json, data_type: str, margin: Margin) -> bool:
    """Whether an output cell is what was expected, by the column's type.

    `margin` tells how far from an expected number another may lie. Missing is null, an empty text, or not
    a number.
    """
    if is_missing(expected) or is_missing(got):
        return is_missing(expected) and is_missing(got)
    match data_type:
        case "Float32" | "Float64" | "Int32" | "Int64":
            return _close(expected, got, margin)
        case "Bool":
            return truth(expected) == truth(got) is not None
        case "Time64":
            return _instant(str(expected)) == _instant(str(got))
        case _:
            return cell_text(expected) == str(got) or _both_numbers(expected, got, margin)


def _both_numbers(expected: Json, got: Json, margin: Margin) -> bool:
    """A number expected of a column of texts, as a classifier with numeric labels may serve."""
    return (
        isinstance(expected, int | float) and not isinstance(expected, bool) and _close(expected, got, margin)
    )


def _close(expected: Json, got: Json, margin: Margin) -> bool:
    if "_" in str(got):  # Python's own spelling of numbers, which no JSON or CSV knows
        return False
    try:
        wanted, found = float(expected), float(got)
    except (TypeError, ValueError):
        return False
    if math.isinf(wanted) or math.isinf(found):
        return wanted == found
    return abs(found - wanted) <= margin(wanted)


def _instant(text: str) -> object:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _fields(listed: Json) -> dict[str, str]:
    """Data types by column.

    Raises:
        KeyError, TypeError, ValueError: this is no list of columns, or one is there twice.
    """
    found = {str(field["name"]): str(field["dataType"]) for field in listed}
    if len(found) != len(listed):
        raise ValueError("a column is there twice")
    return found


def _are_names(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_request(value: Json) -> bool:
    """Whether a value is a score request, as far as its shape goes."""
    if not isinstance(value, dict) or not _are_names(value.get("fields")):
        return False
    rows = value.get("rows")
    return isinstance(rows, list) and all(isinstance(row, list) for row in rows)


def _columns(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {kind}" for name, kind in columns.items()) or "none"


def _rows(scored: Json) -> list[list[Json]]:
    rows = scored.get("score") if isinstance(scored, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise _AnswerError(f"POST /model/score answered {_short(scored)}, which holds no scores")
    return rows


def _json(answer: ScorerResponse, what: str) -> Any:
    try:
        return decode_json(answer.body)
    except ValueError as error:
        raise _AnswerError(f"{what} was answered with {_short(answer.body)}, which is not JSON") from error


def _told(answer: ScorerResponse) -> str:
    """Status and detail of an answer, in a few words."""
    try:
        told = decode_json(answer.body)["detail"]
    except (ValueError, KeyError, TypeError):
        told = _short(answer.body)
    return f"status {answer.status} ({told})"


def _short(value: Json) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else encode_json(value).decode()
    return text if len(text) <= 200 else f"{text[:200]}…"

"""Asking a deployment over HTTP, as a client that knows nothing but the scorer API."""

import http.client
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from tests.families.commands import Deadline
from tests.families.media import content_type
from tests.families.models import Cell, Table

_TIMEOUT = 120.0
_MEASURED_SECONDS = 1.5
_WARM_UP = 20


class ScoringError(Exception):
    """An answer that is none."""


@dataclass(frozen=True, slots=True)
class Column:
    """An input or output column as the deployment tells it."""

    name: str
    data_type: str


@dataclass(frozen=True, slots=True)
class Served:
    """What a deployment says that it takes and gives."""

    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...]


class Scorer:
    """One deployment, by its URL. Any call raises OutOfTimeError once the run's time is up."""

    def __init__(self, url: str, deadline: Deadline) -> None:
        self._url = url
        self._deadline = deadline
        self._client = httpx.Client(base_url=url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def schema(self) -> Served:
        """What `GET /model/schema` tells."""
        told = self._document(self._send("GET", "/model/schema"))["schema"]
        sides = [
            tuple(Column(field["name"], field["dataType"]) for field in told[side])
            for side in ("inputFields", "outputFields")
        ]
        return Served(*sides)

    def score(self, fields: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
        """Score rows in one request."""
        body = {"fields": list(fields), "rows": [list(row) for row in rows]}
        told = self._document(self._send("POST", "/model/score", json=body))
        return Table(tuple(told["fields"]), tuple(map(tuple, told["score"])))

    def score_form(
        self, fields: Sequence[str], rows: Sequence[Sequence[Cell]], files: Sequence[Path]
    ) -> Table:
        """Score rows in one request that brings the files that their cells name."""
        request = json.dumps({"fields": list(fields), "rows": [list(row) for row in rows]})
        parts: list[tuple[str, tuple[str | None, str | bytes, str]]] = [
            ("scoreMediaRequest", (None, request, "application/json")),
            *(("files", (file.name, file.read_bytes(), content_type(file))) for file in files),
        ]
        told = self._document(self._send("POST", "/model/media-score", files=parts))
        return Table(tuple(told["fields"]), tuple(map(tuple, told["score"])))

    def contributions(self, fields: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
        """Explain rows in one request; a model of several outputs is none that is asked here."""
        body = {"fields": list(fields), "rows": [list(row) for row in rows]}
        told = self._document(self._send("POST", "/model/contribution", json=body))
        (group,) = told["contributionGroups"]
        return Table(tuple(told["features"]), tuple(map(tuple, group["contributions"])))

    def refusal(self, fields: Sequence[str], row: Sequence[Cell]) -> int:
        """The status that one row gets."""
        body = {"fields": list(fields), "rows": [list(row)]}
        return self._send("POST", "/model/score", json=body).status_code

    def requests_per_second(self, fields: Sequence[str], row: Sequence[Cell]) -> float:
        """How many requests with one row it answers in a second, over one connection, one after another."""
        body = json.dumps({"fields": list(fields), "rows": [as_text(row)]}).encode()
        place = urlsplit(self._url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_TIMEOUT)
        try:
            for _ in range(_WARM_UP):
                self._post(connection, body)
            done, started = 0, time.perf_counter()
            while (seconds := time.perf_counter() - started) < _MEASURED_SECONDS:
                self._post(connection, body)
                done += 1
        finally:
            connection.close()
        return done / seconds

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        left = self._deadline.remaining()
        try:
            return self._client.request(method, path, timeout=min(_TIMEOUT, left), **content)
        except httpx.TimeoutException:
            self._deadline.remaining()  # the run's time, if it was that which is up
            raise

    @staticmethod
    def _post(connection: http.client.HTTPConnection, body: bytes) -> None:
        connection.request("POST", "/model/score", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise ScoringError(f"POST /model/score: {answer.status}: {said[:500].decode(errors='replace')}")

    @staticmethod
    def _document(answer: httpx.Response) -> dict[str, Any]:
        if answer.status_code != 200:
            path = answer.request.url.path
            raise ScoringError(f"{answer.request.method} {path}: {answer.status_code}: {answer.text[:500]}")
        document: dict[str, Any] = answer.json()
        return document


def as_text(row: Sequence[Cell]) -> list[str | None]:
    """Cells as most clients send them: all of them text."""
    return [None if cell is None else str(cell) for cell in row]

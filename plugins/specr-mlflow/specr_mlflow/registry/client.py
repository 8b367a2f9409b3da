"""Questions to an MLflow server, by its REST API 2.0, which is the same from 1.x to 3.x.

MLflow's own client is not used: importing it takes seconds, and its version belongs to the model
that is to be served. Answers are checked as far as they are used.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.sources import answers
from specr.sources.connection import BrokenError, Connection
from specr.sources.limits import HttpLimits
from specr_mlflow.registry.place import LOGIN, Server

if TYPE_CHECKING:
    import httpx

_LOG: Final = logging.getLogger(__name__)

_API: Final = "/api/2.0/mlflow/"
_PAGE: Final = 200
_PAGES: Final = 5_000
_ANSWER_BYTES: Final = 64 << 20
_ANSWER_SECONDS: Final = 120.0
"""Room and time for one answer: a page of the longest descriptions takes a part of both."""
_QUESTION_SECONDS: Final = 600.0
"""Time for a question with all that it is repeated."""


class AbsentError(Exception):
    """The server knows nothing of this name. `is_known` says whether it knows the question at all."""

    def __init__(self, *, is_known: bool) -> None:
        super().__init__("absent")
        self.is_known = is_known


class MlflowServer:
    """One server. Safe for several threads."""

    answer_seconds: float = _ANSWER_SECONDS

    def __init__(
        self,
        server: Server,
        limits: HttpLimits = HttpLimits(read=30.0),  # noqa: B008 - a frozen value
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.server = server
        whole = min(limits.whole, _QUESTION_SECONDS)
        self._connection = Connection(replace(limits, whole=whole), pause, server.access)

    def ask(self, question: str, **parameters: str | int) -> Mapping[str, Any]:
        """The answer to a question, such as `registered-models/get`.

        Raises:
            AbsentError: what is asked for is not there.
            DiagnosticError: the server does not answer, or refuses.
        """
        with self._connection.client(self.server.shown) as client:
            return self._connection.repeat(lambda: self._once(client, _API + question, parameters))

    def pages(self, question: str, key: str, **parameters: str | int) -> Iterator[Mapping[str, Any]]:
        """All of a list that comes in pages."""
        token: dict[str, str] = {}
        for _ in range(_PAGES):
            answer = self.ask(question, max_results=_PAGE, **parameters, **token)
            yield from _mappings(answer.get(key), self.server)
            if not answer.get("next_page_token"):
                return
            token = {"page_token": str(answer["next_page_token"])}
        raise DiagnosticError(strange(self.server, "sends pages without end"))

    def files(self, path: str) -> list[Mapping[str, Any]]:
        """What lies in a folder of the artifacts that the server passes on."""
        with self._connection.client(self.server.shown) as client:
            place = "/api/2.0/mlflow-artifacts/artifacts"
            answer = self._connection.repeat(lambda: self._once(client, place, {"path": path}))
        return list(_mappings(answer.get("files"), self.server))

    def small_file(self, name: str, version: str, path: str, limit: int) -> bytes | None:
        """A file of a model version, asked for once; None where the server does not give it."""
        parameters = {"name": name, "version": version, "path": path}
        url = f"{self.server.url}/model-versions/get-artifact"
        shown = self.server.shown
        try:
            with (
                self._connection.client(self.server.shown) as client,
                self._connection.asking(shown),
                client.stream("GET", url, params=parameters) as response,
            ):
                self._connection.judge(response, shown)
                content = bytearray()
                for piece in response.iter_raw():
                    content += piece
                    if len(content) > limit:
                        return None
                whole = answers.size_of(response.status_code, response.headers)
                return None if whole not in (None, len(content)) else bytes(content)
        except (BrokenError, DiagnosticError) as error:
            _LOG.info("%s of version %s of %s is not to be had in advance: %s", path, version, name, error)
            return None

    def _once(
        self, client: httpx.Client, path: str, parameters: Mapping[str, str | int]
    ) -> Mapping[str, Any]:
        shown = self.server.shown
        with self._as_registry(), self._connection.asking(shown):
            _LOG.info("GET %s%s", shown, path)
            with client.stream("GET", self.server.url + path, params=dict(parameters)) as response:
                answer = _json(self._content(response))
                _raise_if_absent(response.status_code, answer or {})
                self._connection.judge(response, shown)
        if answer is None:
            raise DiagnosticError(strange(self.server, "gives no JSON"))
        return answer

    def _content(self, response: httpx.Response) -> bytes:
        """What a server answers, which may not go on for ever, however slowly."""
        until = time.monotonic() + self.answer_seconds
        content = bytearray()
        for piece in response.iter_bytes():
            content += piece
            if len(content) > _ANSWER_BYTES:
                raise DiagnosticError(strange(self.server, f"sends more than {_ANSWER_BYTES:,} bytes"))
            if time.monotonic() > until:
                limit = f"{self.answer_seconds:g} seconds"
                raise DiagnosticError(strange(self.server, f"takes more than {limit} to say something"))
        return bytes(content)

    @contextmanager
    def _as_registry(self) -> Iterator[None]:
        """Findings about a download, told of a registry."""
        try:
            yield
        except BrokenError as error:
            raise BrokenError(self._told(error.diagnostic), error.pause) from None
        except DiagnosticError as error:
            raise DiagnosticError(*map(self._told, error.diagnostics)) from None

    def _told(self, found: Diagnostic) -> Diagnostic:
        remedy = found.remedy
        if remedy not in (LOGIN, "Try again later."):
            remedy = f"Check {self.server.said_by}, and that the server runs; then run the command again."
        return Diagnostic("MLflow registry does not answer", found.detail, remedy)


def _raise_if_absent(status: int, answer: Mapping[str, Any]) -> None:
    """Sort out what MLflow says of names that it does not know; 1.x has other statuses than 3.x."""
    if status not in (400, 404):
        return
    code, message = answer.get("error_code"), str(answer.get("message", ""))
    if code == "RESOURCE_DOES_NOT_EXIST" or (code == "INVALID_PARAMETER_VALUE" and "not found" in message):
        raise AbsentError(is_known=True)
    if status == 404 and code in (None, "ENDPOINT_NOT_FOUND"):
        raise AbsentError(is_known=False)


def _json(content: bytes) -> Mapping[str, Any] | None:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _mappings(value: Any, server: Server) -> Iterator[Mapping[str, Any]]:
    for item in value or ():
        if not isinstance(item, dict):
            raise DiagnosticError(strange(server, "lists what is no object"))
        yield item


def strange(server: Server, what: str) -> Diagnostic:
    """An answer that no MLflow server gives."""
    return Diagnostic(
        "Not an MLflow registry",
        f"{server.shown} answers, but {what}, as no MLflow server does.",
        f"Correct {server.said_by}: it is to be the address that a browser shows for MLflow's start page, "
        "without what follows `#`.",
    )

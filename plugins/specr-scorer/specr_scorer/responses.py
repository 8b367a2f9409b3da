"""Requests that were admitted, whole answers, and how errors are worded. Knows of no route and no model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from specr_scorer.messages import log_failure

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"
_MESSAGE_LENGTH: Final = 500


class RequestError(Exception):
    """A request that can't be answered: the HTTP status and the reason."""

    def __init__(self, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status


class Response(NamedTuple):
    """A whole answer, ready to send; `rows` is how many rows were scored for it."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    rows: int = 0


class Content(NamedTuple):
    """What a request holds beside its method and path."""

    body: bytes = b""
    query: str = ""
    content_type: str = ""


NOTHING: Final = Content()


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """The largest body of a request, in bytes, and the setting that says so."""

    size: int
    setting: str


@dataclass(frozen=True, slots=True)
class Job:
    """What an admitted request needs done, away from the event loop.

    `run` answers one request; `together`, where there is one, answers several at once, each as
    `run` would, and `joins` says whether that takes less than one by one. Neither raises. The body is not
    fetched without a `limit`.
    """

    run: Callable[[Content], Response]
    limit: BodyLimit | None = None
    together: Callable[[Sequence[Content]], Sequence[Response]] | None = None
    joins: bool = False


def error(status: int, detail: str, *headers: tuple[str, str]) -> Response:
    """An error as the API shows it. A detail of broken Unicode (a model may raise one) is escaped."""
    text = detail.encode("utf-8", "backslashreplace").decode()
    return Response(status, orjson.dumps({"detail": text}), headers=headers)


def too_large(limit: BodyLimit) -> Response:
    """The answer to a body above its limit, of which the rest need not be read."""
    return error(413, f"The body is larger than {limit.size} bytes ({limit.setting}).")


def failed(bug: BaseException) -> Response:
    """The answer where the scorer itself failed; the exception goes to the log."""
    log_failure(bug)
    return error(500, f"The scorer failed: {one_line(bug)}")


def one_line(exception: BaseException) -> str:
    """An exception's class and message, on one line, shortened, without any traceback it quotes."""
    try:
        message = str(exception)
    except Exception:  # noqa: BLE001 - a broken __str__ is the model's, and the class still tells
        message = ""
    message = " ".join(message.split("Traceback (most recent call last)")[0].split())
    if len(message) > _MESSAGE_LENGTH:
        message = f"{message[:_MESSAGE_LENGTH]}…"
    return f"{type(exception).__name__}: {message}" if message else type(exception).__name__


def document(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(status, orjson.dumps(value))

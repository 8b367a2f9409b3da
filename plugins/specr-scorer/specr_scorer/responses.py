"""Whole answers, and how errors are worded. Knows of no route and no model."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"
_MESSAGE_LENGTH: Final = 500


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer, ready to send."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
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
    """An admitted request that a worker must answer; its body is not fetched without a `limit`."""

    run: Callable[[Content], Response]
    limit: BodyLimit | None = None


def error(status: int, detail: str, *headers: tuple[str, str]) -> Response:
    """An error as the API shows it. A detail of broken Unicode (a model may raise one) is escaped."""
    text = detail.encode("utf-8", "backslashreplace").decode()
    return Response(status, orjson.dumps({"detail": text}), headers=headers)


def too_large(limit: BodyLimit) -> Response:
    """The answer to a body above its limit, of which the rest need not be read."""
    return error(413, f"The body is larger than {limit.size} bytes ({limit.setting}).")


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


def log_failure(failure: BaseException) -> None:
    """Show an exception with its traceback in the runtime's log, where its author looks."""
    text = "".join(traceback.format_exception(failure))
    sys.stderr.write(text.encode("utf-8", "backslashreplace").decode())
    sys.stderr.flush()


def document(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(status, orjson.dumps(value))

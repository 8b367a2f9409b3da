"""What the API server answers: all at once, or line by line for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from msgspec import Struct

from specr.canonical import decode_json
from specr.providers.protocol import TransientError


class Answer(Struct, frozen=True):
    """What came back: HTTP's status, and the body."""

    status: int
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; what is none becomes the message of an empty one."""
        try:
            value = decode_json(self.body)
        except ValueError:
            value = None
        if isinstance(value, dict):
            return value
        return {"message": self.body.decode(errors="replace")[:500]}


class Stream:
    """An answer that goes on: lines, as they come."""

    def __init__(self, path: str, answer: Any) -> None:
        self._path = path
        self._answer = answer

    def lines(self) -> Iterator[bytes]:
        """The lines until the server ends them, or `interrupt` does.

        Raises:
            TransientError: they broke off.
        """
        try:
            yield from self._answer
        except broken() as error:
            raise TransientError(f"the answer to GET {self._path} broke off: {error}") from error

    def interrupt(self) -> None:
        """Let the thread that waits for a line wait no longer."""
        with suppress(RuntimeError, OSError):  # it has come to its end already
            self._answer.shutdown()


def broken() -> tuple[type[Exception], ...]:
    """What is raised where a connection does not come about, or breaks off."""
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - comes with the client

    return (HTTPError, OSError)

"""A server that predicts nothing, for the scorer benchmark: what machine and network leave to the others.

Run as `python bench/scorer_bare.py MODEL PORT`, MODEL a folder with rows and what the library predicts for
them. It looks answers up by a request's very bytes: no JSON is read, no number converted, nothing computed
once each request has come one time. The same event loop and HTTP parser as specr's runtimes have.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import httptools
import uvloop

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"


class Answers:
    """What is known of the rows, as whole answers by whole bodies."""

    def __init__(self, model: Path) -> None:
        known = json.loads((model / "rows.json").read_text())
        self._predicted = dict(zip(map(tuple, known["rows"]), known["predicted"], strict=True))
        self._answers: dict[bytes, bytes] = {b"": _HEAD % (2, b"{}")}

    def of(self, body: bytes) -> bytes:
        """The answer to a body, head and all."""
        answer = self._answers.get(body)
        if answer is None:
            rows = json.loads(body)["rows"]
            told = json.dumps({"score": [[str(self._predicted[tuple(row)])] for row in rows]}).encode()
            answer = self._answers[body] = _HEAD % (len(told), told)
        return answer


class Connection(asyncio.Protocol):
    """One client's; what comes of a request is answered when it is whole."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def connection_made(self, transport: Any) -> None:
        """The client is there."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Something came."""
        self._parser.feed_data(data)

    def on_body(self, piece: bytes) -> None:
        """A piece of a request's body came."""
        self._body += piece

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._transport.write(self._answers.of(self._body))
        self._body = b""


async def main(model: Path, port: int) -> None:
    answers = Answers(model)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(answers), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(Path(sys.argv[1]), int(sys.argv[2])))

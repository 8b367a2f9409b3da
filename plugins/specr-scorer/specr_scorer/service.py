"""What is done with a request once it is there: decide by its head, have the work done, count, log.

Knows nothing of how requests arrive. Everything here happens in the event loop's thread.
"""

import math
import time
from typing import Final

from specr_scorer.access import log_request
from specr_scorer.app import Application
from specr_scorer.exchanges import Exchange
from specr_scorer.heads import Head
from specr_scorer.messages import say
from specr_scorer.responses import Content, Job, Response, error, failed
from specr_scorer.settings import Settings
from specr_scorer.workers import OnDone, Task, Workers

_SMALL: Final = 16 * 1024
"""Up to so many bytes, a score request may share a frame with others, and run on the loop."""
_LEFT: Final = Response(499, b"")
"""What is counted, and sent to nobody, where the client left before it was answered."""


class Service:
    """Serves the Application to connections.

    `read_timeout` and `score_timeout` are in seconds, infinite where the settings say 0. `connected` is how
    many clients there are.
    """

    def __init__(self, app: Application, settings: Settings, workers: Workers[Content, Response]) -> None:
        self._app = app
        self._metrics = app.metrics
        self._settings = settings
        self._workers = workers
        self.connected = 0
        self._told_of_lost_lines = False
        self.read_timeout = settings.read_timeout or math.inf
        self.score_timeout = settings.score_timeout or math.inf

    @property
    def retired(self) -> bool:
        """Whether clients' next requests should go elsewhere, since the port is about to close."""
        return self._app.retired

    def begin(self, exchange: Exchange) -> None:
        """Decide by a request's head what it is."""
        self._metrics.in_flight += 1
        try:
            head = exchange.head
            exchange.route = self._app.find(head.path)
            exchange.decided = _check_host(head) or self._app.admit(
                exchange.route, head.method, head.authorization, head.length, head.encoding
            )
        except Exception as bug:  # noqa: BLE001 - the last stop before the client
            exchange.decided = failed(bug)

    def refuse(self, exchange: Exchange, response: Response) -> None:
        """Take note of a request that is answered without being read to its end, maybe not even its head."""
        if exchange.decided is None:
            self._metrics.in_flight += 1
        exchange.decided = response

    def serve(
        self, exchange: Exchange, job: Job, on_done: OnDone[Response]
    ) -> Response | Task[Content, Response]:
        """Have the job of a whole request done: its answer, or the task whose outcome `on_done` is told."""
        body = exchange.body
        content = Content(
            bytes(body[0]) if len(body) == 1 else b"".join(body),
            exchange.head.query,
            exchange.head.content_type,
        )
        small = job.limit is not None and len(content.body) <= _SMALL
        if small and self.connected == 1:  # no other request could come meanwhile
            try:
                response = self._workers.do_now(job.run, content)
            except Exception as bug:  # noqa: BLE001 - the last stop before the client
                return failed(bug)
            if response is not None:
                return response
        together = job.together if small else None
        task = Task(job.run, content, on_done, together, joins=job.joins, small=small)
        self._workers.submit(task)
        return task

    def give_up_scoring(self, task: Task[Content, Response]) -> Response:
        """The answer to a request whose scoring takes too long."""
        self._workers.give_up(task)
        limit = self._settings.score_timeout
        return error(504, f"Scoring took longer than {limit} seconds (SPECR_SCORE_TIMEOUT).")

    def read_too_slowly(self) -> Response:
        """The answer to a request whose body takes too long."""
        limit = self._settings.read_timeout
        return error(408, f"The body did not arrive within {limit} seconds (SPECR_READ_TIMEOUT).")

    def end(self, exchange: Exchange, response: Response, client: str) -> None:
        """Count an answered request, and log it."""
        self._metrics.in_flight -= 1
        seconds = time.perf_counter() - exchange.started
        route, method = exchange.route, exchange.head.method
        self._metrics.observe(
            "other" if route is None else route.path,
            "other" if route is None or route.find(method) is None else method,
            response.status,
            seconds,
            response.rows,
        )
        if self._settings.access_log:
            try:
                log_request(client, method, exchange.head.path, exchange.received, response, seconds)
            except OSError as problem:
                self._lose_line(problem)

    def abandon(self, exchange: Exchange, client: str) -> None:
        """Count a request whose client left before it was answered."""
        self.end(exchange, _LEFT, client)

    def _lose_line(self, problem: OSError) -> None:
        """Say once that lines of the access log are lost: no reason to serve nobody."""
        if not self._told_of_lost_lines:
            self._told_of_lost_lines = True
            say(f"lines of the access log can't be written, and are lost: {problem.strerror}.")


def _check_host(head: Head) -> Response | None:
    """A request of HTTP/1.1 that does not have one Host is to be refused (RFC 9112, 3.2)."""
    if head.hosts == 1 or (head.old and not head.hosts):
        return None
    return error(
        400, f"This is no HTTP/1.1: there {'are several headers' if head.hosts else 'is no header'} Host."
    )

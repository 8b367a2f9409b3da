"""The server as its own process: start, load, answer, stop."""

import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import orjson
import pytest
from specr_scorer.testing import PATIENCE, Runtime, start_runtime

RUNTIME = """
import os, time
from specr_scorer import DataType, Field, LoadError, Schema, run

class Model:
    schema = Schema((Field("a", DataType.STR),), (Field("y", DataType.STR),))
    def score(self, frame):
        cells = frame.columns["a"]
        open("scoring", "w").close()
        if cells[0] == "fail":
            raise ValueError("as it was told")
        while cells[0] and os.path.exists(cells[0]):  # runs until the test removes the file
            time.sleep(0.01)
        return {"y": cells}

def load():
    while os.path.exists("loading"):
        time.sleep(0.01)
    if os.environ.get("FAIL") == "plain":
        raise LoadError("there is no model here")
    if os.environ.get("FAIL") == "stop":
        next(iter(()))
    if os.environ.get("FAIL"):
        import no_such_library
    return Model()

run(load)
"""


def score(runtime: Runtime, cell: str) -> tuple[int, bytes]:
    return runtime.ask("POST", "/model/score", orjson.dumps({"fields": ["a"], "rows": [[cell]]}))


def appears(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never appeared"
        time.sleep(0.01)


Start = Callable[..., Runtime]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with started(tmp_path) as make:
        yield make


@contextmanager
def started(folder: Path) -> Iterator[Start]:
    (folder / "runtime.py").write_text(RUNTIME)
    running: list[Runtime] = []

    def make(port: int | None = None, **env: str) -> Runtime:
        environ = {"PATH": os.environ["PATH"], "MODEL_PATH": "model", "MODEL_ID": "m1", **env}
        running.append(start_runtime([sys.executable, "runtime.py"], environ, folder, port))
        return running[-1]

    try:
        yield make
    finally:
        for runtime in running:
            runtime.process.kill()
            runtime.process.communicate()


def test_it_serves_from_the_first_moment_and_is_ready_when_the_model_is(start: Start, tmp_path: Path) -> None:
    (tmp_path / "loading").touch()
    runtime = start()
    runtime.wait_until(503)
    assert runtime.ask("GET", "/model/id") == (200, b"m1")
    assert score(runtime, "x")[0] == 503
    (tmp_path / "loading").unlink()
    runtime.wait_until(200)
    assert runtime.ask("GET", "/readyz") == (200, b"Ready")
    assert score(runtime, "x") == (200, b'{"id":"m1","fields":["y"],"score":[["x"]]}')
    assert runtime.ask("GET", "/m1/model/capabilities") == (200, b'["SCORE"]')
    assert runtime.ask("PUT", "/model/id")[0] == 405
    assert runtime.stop() == 0
    log = runtime.log()
    assert log.splitlines()[0].startswith("specr-scorer: listening on 127.0.0.1:")
    assert log.splitlines()[-1] == "specr-scorer: stopped."
    assert len(log.splitlines()) == 3


def test_readiness_answers_while_the_model_scores(start: Start, tmp_path: Path) -> None:
    (tmp_path / "busy").touch()
    runtime = start()
    runtime.wait_until(200)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(score, runtime, "busy")
        appears(tmp_path / "scoring")
        assert runtime.ask("GET", "/readyz") == (200, b"Ready")
        assert not slow.done()
        (tmp_path / "busy").unlink()
        assert slow.result(PATIENCE)[0] == 200


def test_a_stop_finishes_what_runs(start: Start, tmp_path: Path) -> None:
    (tmp_path / "busy").touch()
    runtime = start()
    runtime.wait_until(200)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(score, runtime, "busy")
        appears(tmp_path / "scoring")
        runtime.process.send_signal(signal.SIGTERM)
        runtime.wait_until(None)
        assert not slow.done()
        (tmp_path / "busy").unlink()
        assert slow.result(PATIENCE)[0] == 200
    assert runtime.process.wait(PATIENCE) == 0
    assert "panicked" not in runtime.log()


def test_a_stop_may_be_announced_before_it_comes_and_hurried(start: Start) -> None:
    runtime = start(SPECR_STOP_DELAY="600")
    runtime.wait_until(200)
    runtime.process.send_signal(signal.SIGTERM)
    runtime.wait_until(503)
    assert score(runtime, "x")[0] == 200
    assert runtime.stop() == 1
    assert runtime.log().endswith("specr-scorer: stopping at once.\n")


def test_a_stop_waits_no_longer_than_it_may(start: Start, tmp_path: Path) -> None:
    (tmp_path / "busy").touch()
    runtime = start(SPECR_DRAIN_SECONDS="0")
    runtime.wait_until(200)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(score, runtime, "busy")
        appears(tmp_path / "scoring")
        assert runtime.stop() == 1
        try:
            assert slow.result(PATIENCE) == (503, b'{"detail":"The runtime is stopping."}')
        except (OSError, HTTPException):
            assert runtime.process.returncode == 1  # it was gone before it could say so
    assert runtime.log().endswith("specr-scorer: gave up on requests that still ran after 0 s.\n")


def test_a_stop_while_the_model_is_loaded_is_a_stop(start: Start, tmp_path: Path) -> None:
    (tmp_path / "loading").touch()
    runtime = start()
    runtime.wait_until(503)
    assert runtime.stop() == 0


@pytest.mark.parametrize(
    ("kind", "reason", "shows_traceback"),
    [
        ("plain", "the model at model could not be loaded: there is no model here.", False),
        ("import", "could not be loaded: ModuleNotFoundError: No module named 'no_such_library'.", True),
        ("stop", "could not be loaded: StopIteration.", True),
    ],
)
def test_a_model_that_does_not_load_ends_the_process(
    start: Start, kind: str, reason: str, shows_traceback: bool
) -> None:
    runtime = start(FAIL=kind)
    assert runtime.process.wait(PATIENCE) == 1
    log = runtime.log()
    assert reason in log
    assert ("Traceback" in log) == shows_traceback


def test_a_port_that_is_taken_is_told(start: Start) -> None:
    first = start()
    first.wait_until(200)
    second = start(first.port)
    assert second.process.wait(PATIENCE) == 1
    assert second.log() == f"specr-scorer: can't listen on 127.0.0.1:{first.port}: Address already in use.\n"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PORT", "none", "PORT is 'none'; it must be a whole number from 1 to 65535."),
        ("MODEL_ID", "", "MODEL_ID is not set; a runtime needs MODEL_PATH and MODEL_ID."),
        ("SPECR_HOST", "nowhere", "SPECR_HOST is 'nowhere'; it must be an IP address."),
    ],
)
def test_a_bad_setting_is_told(start: Start, name: str, value: str, reason: str) -> None:
    runtime = start(**{name: value})
    assert runtime.process.wait(PATIENCE) == 2
    assert runtime.log() == f"specr-scorer: {reason}\n"


def test_bodies_above_the_limit_are_refused_with_and_without_a_length(start: Start) -> None:
    runtime = start(SPECR_MAX_REQUEST_BYTES="1000")
    runtime.wait_until(200)
    detail = b'{"detail":"The body is larger than 1000 bytes (SPECR_MAX_REQUEST_BYTES)."}'
    assert runtime.ask("POST", "/model/score", b"x" * 1001) == (413, detail)
    assert runtime.ask("POST", "/model/score", iter([b"x" * 100] * 11)) == (413, detail)
    whole = b'{"fields":["a"],"rows":[["x"]]}'
    status, answer = runtime.ask("POST", "/model/score", iter([whole[:9], whole[9:]]))
    assert (status, orjson.loads(answer)["score"]) == (200, [["x"]])


def test_a_refused_upload_gets_its_answer_however_much_it_sends(start: Start) -> None:
    runtime = start(SPECR_MAX_REQUEST_BYTES="1000")
    runtime.wait_until(200)
    assert runtime.ask("POST", "/model/score", b"x" * 8_000_000)[0] == 413
    assert runtime.ask("POST", "/nothing", iter([b"x" * 100_000] * 80))[0] == 404


def test_an_offer_to_change_to_http_2_is_declined(start: Start) -> None:
    runtime = start()
    runtime.wait_until(200)
    body = b'{"fields":["a"],"rows":[["x"]]}'
    offer = (
        b"POST /model/score HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    )
    whole = offer + b"HTTP2-Settings: AAEAAEAAAAIAAAAA\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with socket.create_connection(("127.0.0.1", runtime.port), PATIENCE) as connection:
        connection.sendall(whole + whole)
        connection.shutdown(socket.SHUT_WR)
        answers = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert answers.count(b'"score":[["x"]]}') == 2


def test_a_client_that_leaves_early_harms_nobody(start: Start) -> None:
    runtime = start()
    runtime.wait_until(200)
    whole = b"POST /model/score HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{"
    pieces = b"POST /model/score HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz"
    for sent in (whole, pieces, b"POST /mod", b"\x16\x03\x01"):
        with socket.create_connection(("127.0.0.1", runtime.port), PATIENCE) as connection:
            connection.sendall(sent)
    assert score(runtime, "x")[0] == 200
    assert runtime.stop() == 0
    assert "Traceback" not in runtime.log()


def test_more_idle_connections_than_requests_leave_room_for_the_probe(start: Start) -> None:
    runtime = start()
    runtime.wait_until(200)
    idle = [socket.create_connection(("127.0.0.1", runtime.port), PATIENCE) for _ in range(300)]
    assert runtime.ask("GET", "/readyz") == (200, b"Ready")
    for connection in idle:
        connection.close()


def test_a_passphrase_and_an_access_log(start: Start) -> None:
    runtime = start(SPECR_PASSPHRASE="s3cret", SPECR_ACCESS_LOG="on")
    runtime.wait_until(200)
    assert runtime.ask("GET", "/model/id?secret=s3cret")[0] == 401
    assert runtime.ask("GET", "/model/id", Authorization="Bearer s3cret") == (200, b"m1")
    body = orjson.dumps({"fields": ["a"], "rows": [["x"], ["y"]]})
    assert runtime.ask("POST", "/model/score", body, Authorization="Bearer s3cret")[0] == 200
    assert runtime.stop() == 0
    written, messages = runtime.process.communicate(timeout=PATIENCE)
    assert "s3cret" not in written + messages
    lines = [orjson.loads(line) for line in written.splitlines()]
    refused, told, scored = [line for line in lines if line["path"] != "/readyz"]
    assert (refused["method"], refused["path"], refused["status"]) == ("GET", "/model/id", 401)
    assert (told["status"], told["sent"], told["rows"]) == (200, 2, 0)
    assert (scored["received"], scored["rows"]) == (len(body), 2)
    assert scored["seconds"] > 0
    assert scored["client"].startswith("127.0.0.1:")
    assert datetime.fromisoformat(scored["time"]).tzinfo is not None


def test_a_body_that_does_not_come_is_given_up(start: Start) -> None:
    runtime = start(SPECR_READ_TIMEOUT="1")
    runtime.wait_until(200)
    head = b"POST /model/score HTTP/1.1\r\nhost: x\r\n"
    for rest in (b"content-length: 500\r\n\r\n{", b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n"):
        with socket.create_connection(("127.0.0.1", runtime.port), PATIENCE) as connection:
            connection.sendall(head + rest)
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"within 1 seconds (SPECR_READ_TIMEOUT)" in answer
    assert score(runtime, "x")[0] == 200
    assert runtime.stop() == 0


def test_scoring_that_takes_too_long_is_given_up_and_not_ready_until_it_ends(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "busy").touch()
    runtime = start(SPECR_SCORE_TIMEOUT="1")
    runtime.wait_until(200)
    status, answer = score(runtime, "busy")
    assert (status, answer) == (
        504,
        b'{"detail":"Scoring took longer than 1 seconds (SPECR_SCORE_TIMEOUT)."}',
    )
    assert score(runtime, "waits behind it")[0] == 504
    assert runtime.ask("GET", "/readyz")[0] == 503
    assert b"specr_scorer_overdue 2\n" in runtime.ask("GET", "/metrics")[1]
    (tmp_path / "busy").unlink()
    runtime.wait_until(200)
    assert score(runtime, "x")[0] == 200


def test_a_stop_under_load_loses_no_request(start: Start) -> None:
    runtime = start(SPECR_STOP_DELAY="1")
    runtime.wait_until(200)

    def hammer(number: int) -> tuple[int, list[int]]:
        """Sends requests, on a new connection where the last answer said so, until the port is closed."""
        statuses, connections = [], 0
        connection = HTTPConnection("127.0.0.1", runtime.port, timeout=PATIENCE)
        body = orjson.dumps({"fields": ["a"], "rows": [[f"no file {number}"]]})
        while True:
            fresh = connection.sock is None
            connections += fresh
            try:
                connection.request("POST", "/model/score", body)
                answer = connection.getresponse()
            except ConnectionError:
                # Refused, or still in the kernel's queue when the port closed. One that was answered is kept.
                assert fresh
                connection.close()
                return connections, statuses
            assert b"no file" in answer.read()
            statuses.append(answer.status)

    with ThreadPoolExecutor(8) as pool:
        hammers = [pool.submit(hammer, number) for number in range(8)]
        time.sleep(0.5)
        runtime.process.send_signal(signal.SIGTERM)
        runtime.wait_until(503)
        results = [future.result(PATIENCE) for future in hammers]
    assert runtime.process.wait(PATIENCE) == 0
    assert all(set(statuses) == {200} for _, statuses in results)
    assert all(connections > 1 for connections, _ in results)  # told to come anew while the port was open


def test_metrics_are_there_before_the_model_and_count_what_was_asked(start: Start, tmp_path: Path) -> None:
    (tmp_path / "loading").touch()
    runtime = start()
    runtime.wait_until(503)
    assert b"specr_scorer_ready 0\n" in runtime.ask("GET", "/metrics")[1]
    (tmp_path / "loading").unlink()
    runtime.wait_until(200)
    assert score(runtime, "x")[0] == 200
    _, shown = runtime.ask("GET", "/m1/metrics")
    assert b'specr_scorer_requests_total{route="/model/score",method="POST",status="200"} 1\n' in shown
    assert b"specr_scorer_ready 1\n" in shown
    assert b"specr_scorer_model_load_seconds " in shown


def test_an_access_log_that_nobody_reads_is_lost_and_no_more(start: Start) -> None:
    runtime = start(SPECR_ACCESS_LOG="on")
    runtime.wait_until(200)
    assert runtime.process.stdout is not None
    runtime.process.stdout.close()
    connection = HTTPConnection("127.0.0.1", runtime.port, timeout=PATIENCE)
    for _ in range(3):
        connection.request("POST", "/model/score", b'{"fields":["a"],"rows":[["x"]]}')
        assert connection.getresponse().read().endswith(b'"score":[["x"]]}')
    connection.close()
    assert runtime.process.stderr is not None
    runtime.process.send_signal(signal.SIGTERM)
    log = runtime.process.stderr.read()
    assert runtime.process.wait(PATIENCE) == 0
    assert log.count("lines of the access log can't be written, and are lost: Broken pipe.") == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_process_without_standard_streams_serves(tmp_path: Path, closed: str) -> None:
    (tmp_path / "runtime.py").write_text(RUNTIME)
    command = ["sh", "-c", f"exec {sys.executable} runtime.py {closed}"]
    environ = {
        "PATH": os.environ["PATH"],
        "MODEL_PATH": "model",
        "MODEL_ID": "m1",
        "SPECR_ACCESS_LOG": "on",
    }
    runtime = start_runtime(command, environ, tmp_path)
    try:
        runtime.wait_until(200)
        assert score(runtime, "x")[0] == 200
        assert score(runtime, "fail")[0] == 500  # told to the log, of which there is none
        assert runtime.stop() == 0
    finally:
        runtime.process.kill()
        runtime.process.communicate()


def test_a_client_that_is_gone_before_it_is_met_leaves_no_trace(start: Start) -> None:
    runtime = start()
    runtime.wait_until(200)
    runtime.process.send_signal(signal.SIGSTOP)
    for _ in range(3):
        connection = socket.create_connection(("127.0.0.1", runtime.port), PATIENCE)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    runtime.process.send_signal(signal.SIGCONT)
    assert score(runtime, "x")[0] == 200
    assert runtime.stop() == 0
    assert "Traceback" not in runtime.log()

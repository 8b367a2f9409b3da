from __future__ import annotations

import http.client
from http.server import BaseHTTPRequestHandler
from threading import Thread

import pytest

from tests.servers import LeavableServer


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (ConnectionResetError("they left"), False),
        (BrokenPipeError("they left"), False),
        (ValueError("a fault of the test's own"), True),
    ],
)
def test_only_clients_that_leave_are_not_told_of(
    fault: Exception, told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            raise fault

    server = LeavableServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.request("GET", "/")
        with pytest.raises(http.client.RemoteDisconnected):
            connection.getresponse()
    finally:
        connection.close()
        server.shutdown()
        thread.join()
        server.server_close()
    assert (type(fault).__name__ in capsys.readouterr().err) is told

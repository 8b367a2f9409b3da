"""HTTP servers of tests whose clients leave in the middle, as those of specr do once they know enough."""

from __future__ import annotations

import sys
from http.server import ThreadingHTTPServer
from typing import Any


class LeavableServer(ThreadingHTTPServer):
    """Says nothing of clients that leave; whatever else goes wrong in a handler is told."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Called where a handler has failed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

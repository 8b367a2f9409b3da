"""The access log: a JSON object a line on standard output. Messages go to standard error."""

import os
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

from specr_scorer.responses import Response


def log_request(
    client: str, method: str, path: str, received: int, response: Response, seconds: float
) -> None:
    """Write the line of an answered request. Neither query, headers nor bodies are part of it.

    Args:
        client: the address and port that it came from.
        method: the HTTP method.
        path: the path, percent-decoded.
        received: bytes of its body that were read.
        response: what it was answered.
        seconds: from its head to its answer.
    """
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "client": client,
        "method": method,
        "path": path.encode("utf-8", "replace").decode(),
        "status": response.status,
        "seconds": round(seconds, 6),
        "received": received,
        "sent": len(response.body),
        "rows": response.rows,
    }
    # one write a line, so that lines of this process never mix
    os.write(sys.stdout.fileno(), orjson.dumps(line) + b"\n")


def shown_address(peer: tuple[Any, ...] | None) -> str:
    """A client's address and port; it may be gone before anybody asked for them."""
    if peer is None:
        return "unknown"
    host, port = peer[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

"""Ports on this machine's loopback address: which are free, and who listens on one."""

from __future__ import annotations

import socket
from typing import Final

HOST: Final = "127.0.0.1"
"""Where everything listens that the local provider starts."""

_ATTEMPTS: Final = 100


def is_free(port: int) -> bool:
    """Whether a server could listen on a port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do, so that connections which linger after their server don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def find_free_port(taken: frozenset[int]) -> int:
    """A free port, none of those that are promised to others already.

    Nothing keeps it free until a server listens on it: whoever starts one must be ready to
    try another.

    Raises:
        OSError: the system has no free port.
    """
    for _ in range(_ATTEMPTS):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        if port not in taken:
            return port
    raise OSError("no free port was found")


def listener_on(port: int) -> str:
    """Who listens on a port: `process 123 (nginx)`, or `another program` where the system won't tell."""
    import psutil  # noqa: PLC0415 - 25 ms that most commands don't need

    try:
        for connection in psutil.net_connections(kind="tcp"):
            local = connection.laddr
            if local and local.port == port and connection.status == psutil.CONN_LISTEN and connection.pid:
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except (psutil.Error, OSError):
        pass
    return "another program"

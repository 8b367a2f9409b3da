"""What a connection waits for: one thing at a time, and each has its time."""

from enum import IntEnum
from typing import Final

HEAD_SECONDS: Final = 30
IDLE_SECONDS: Final = 75
"""Longer than the minute after which most load balancers close theirs, so that none meets a closed one."""
UNREAD_SECONDS: Final = 60
"""How long a client may go without reading anything of an answer."""
LINGER_SECONDS: Final = 30
"""How long a client that was refused may go on sending, which is dropped, so that it gets to read why."""
FAREWELL_SECONDS: Final = 1
"""The same, when the server is about to end."""


class Phase(IntEnum):
    """What a connection waits for."""

    IDLE = 0
    HEAD = 1
    BODY = 2
    ANSWER = 3
    UNREAD = 4
    """The client, which has to read answers before it gets others, or its connection's end."""
    CLIENT = 5
    """The client, which was told that the conversation is over, and may still be sending."""

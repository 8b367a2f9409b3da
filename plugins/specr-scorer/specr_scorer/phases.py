"""What a connection waits for: one thing at a time, and each has its time."""

from enum import IntEnum


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

"""What the machine has in place of a pickle's objects: enough to know what is named and called.

Nothing here is ever a real object of the model. Values are compared by identity only: a pickle can
build structures whose hash or comparison takes for ever.
"""

from typing import Final


class Opaque:
    """An object that nothing depends on, such as a number or a list."""

    __slots__ = ()


OPAQUE: Final = Opaque()


class Span:
    """A constant of bytes: where it lies in the buffer."""

    __slots__ = ("end", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end


class Ref:
    """What a global stands for: a module's class, function, or whatever lies there."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    def is_one_of(self, *full: str) -> bool:
        """Whether it is one of these, each a module and name with a dot between."""
        return f"{self.module}.{self.name}" in full


class Table:
    """A dict, of which only the entries under text are known."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: dict[str, object] = {}

    def put(self, key: object, value: object) -> None:
        """Set an entry."""
        if isinstance(key, str):
            self.entries[key] = value


class Made:
    """The result of a call, and the state that was set on it."""

    __slots__ = ("arguments", "callee", "state")

    def __init__(self, callee: object, arguments: object) -> None:
        self.callee = callee
        self.arguments = arguments
        self.state: object = None

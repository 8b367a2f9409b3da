"""What the machine has in place of a pickle's objects: enough to know what is named and called.

Nothing here is ever a real object of the model. Values are compared by identity only: a pickle can
build structures whose hash or comparison takes for ever.
"""

from collections.abc import Iterable
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
    """A dict, of which only the entries under text are known.

    `is_known` says that no other key may stand for a text: what a call gives may be one.
    """

    __slots__ = ("entries", "is_known")

    def __init__(self) -> None:
        self.entries: dict[str, object] = {}
        self.is_known = True

    def put(self, key: object, value: object) -> None:
        """Set an entry."""
        if isinstance(key, str):
            self.entries[key] = value
        elif isinstance(key, Made | Ref):
            self.is_known = False


class Items:
    """A list, of which the texts are known, and the `parts` that are globals or made by calls.

    `others` says that there is something else than texts in it.
    """

    __slots__ = ("others", "parts", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.parts: list[object] = []
        self.others = False

    def add(self, values: Iterable[object]) -> None:
        """Append values."""
        for value in values:
            if isinstance(value, str):
                self.texts.append(value)
                continue
            self.others = True
            if isinstance(value, Ref | Made):
                self.parts.append(value)


class Made:
    """The result of a call, and the state that was set on it."""

    __slots__ = ("arguments", "callee", "state")

    def __init__(self, callee: object, arguments: object) -> None:
        self.callee = callee
        self.arguments = arguments
        self.state: object = None

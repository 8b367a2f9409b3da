"""What following a pickle gives: values without behaviour."""

from dataclasses import dataclass, field

from specr_processor.pickles.values import Span


@dataclass(frozen=True, slots=True)
class Global:
    """A module and name that unpickling looks up, and the byte of the instruction that does.

    None where it is not a pickle that does it.
    """

    module: str
    name: str
    at: int | None


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that can't be followed, or may do more than to hold data, and the byte where it lies.

    `allowed_by` is the name in a policy that lets it pass; where it is empty, none does.
    """

    why: str
    at: int
    allowed_by: str = ""


@dataclass(slots=True)
class Trace:
    """What one pickle does: the globals in the order of lookup, and all else that matters.

    `stopped` says that it came to its regular end, `cut` that the bytes ended before it; `end` is where it
    ended, or could not go on.
    `calls` says that something was called before that. `constants` are bytes and texts that may
    hold further pickles, `loaded` are bytes that the pickle itself has unpickled. `wraps_arrays` says
    that joblib would read arrays from between the instructions.
    """

    globals: list[Global] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    constants: list[Span | str] = field(default_factory=list)
    loaded: list[Span | bytes] = field(default_factory=list)
    calls: bool = False
    stopped: bool = False
    cut: bool = False
    end: int = 0
    wraps_arrays: bool = False

"""How much time and room a transfer may take, and what a project may say of it.

That is `sources: {http: {timeout: 600}}`, in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from specr.diagnostics import Diagnostic, DiagnosticError, did_you_mean

TIMEOUT: Final = "timeout"
_PLACE: Final = ("spec", "sources", "http")


class HttpLimits(Struct, frozen=True):
    """Bounds of one HTTP transfer.

    `size` is in bytes. `connect` is the time to reach a server and `read` the longest silence in
    an answer, both in seconds. `whole` is how long all of it may take, with repeats and pauses: what
    `size` allows comes in that time at 1.5 MB a second. `attempts` counts the first, and `redirects`
    those that are followed.
    """

    size: int = 20 << 30
    connect: float = 10.0
    read: float = 60.0
    whole: float = 4 * 3600.0
    redirects: int = 10
    attempts: int = 5


def check_web(settings: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """What is wrong with a project's settings of URLs."""
    for key, value in settings.items():
        if key != TIMEOUT:
            yield Diagnostic(
                "Unknown setting of a source",
                f"Sources of the kind http know no setting {key!r}.",
                did_you_mean(key, [TIMEOUT]) or f"There is only: {TIMEOUT}.",
                path=(*_PLACE, key),
            )
        elif not is_time(value):
            yield Diagnostic(
                "Setting of the wrong type",
                "The setting timeout of sources of the kind http is how long a transfer may take.",
                "Write it as a number of seconds above 0.",
                path=(*_PLACE, key),
            )


def web_limits(settings: Mapping[str, Any], limits: HttpLimits) -> HttpLimits:
    """The limits with what a project says.

    Raises:
        DiagnosticError: that makes no sense.
    """
    wrong = tuple(check_web(settings))
    if wrong:
        raise DiagnosticError(*wrong)
    return replace(limits, whole=float(settings[TIMEOUT])) if TIMEOUT in settings else limits


def is_time(value: Any) -> bool:
    """Whether it is a number of seconds that something may take."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0

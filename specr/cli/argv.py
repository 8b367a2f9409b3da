"""Command lines as people type them, turned into what click reads.

Terraform's single-dash spellings are taken too, and options that belong to `specr` itself
may stand after the command. Nothing here knows what an option does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Final

_GLOBAL_FLAGS: Final = frozenset({"--no-color", "-v", "--verbose"})
_GLOBAL_WITH_VALUE: Final = "-C"

_TERRAFORM: Final = frozenset(
    {
        "allow-delete", "auto-approve", "check", "destroy", "detailed-exitcode", "diff", "dry-run", "force",
        "format", "help", "json", "lock-timeout", "no-color", "no-refresh", "out", "parallelism", "refresh",
        "replace", "tail", "target", "var", "version",
    }
)  # fmt: skip
"""Long options that may be written with one dash."""

_SINGLE_DASH: Final = re.compile(r"-([a-z][a-z-]+)(=.*)?", re.DOTALL)


def normalise(arguments: Sequence[str]) -> list[str]:
    """The same command line, spelt as click reads it; what follows `--` stays as it is."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments[:end])
    for word in words:
        spelt = _spell(word)
        if spelt in _GLOBAL_FLAGS:
            front.append(spelt)
        elif spelt == _GLOBAL_WITH_VALUE:
            front += [spelt, *islice(words, 1)]
        elif spelt.startswith(_GLOBAL_WITH_VALUE) and len(spelt) > len(_GLOBAL_WITH_VALUE):
            front.append(spelt)
        else:
            rest.append(spelt)
    return [*front, *rest, *arguments[end:]]


def _spell(word: str) -> str:
    """One word, with two dashes where Terraform takes one."""
    match = _SINGLE_DASH.fullmatch(word)
    if match is None:
        return word
    name, value = match[1], match[2] or ""
    if name == "chdir":
        return f"-C{value.removeprefix('=')}"
    if name == "refresh" and value:
        return "--no-refresh" if value == "=false" else "--refresh"
    return f"--{name}{value}" if name in _TERRAFORM else word

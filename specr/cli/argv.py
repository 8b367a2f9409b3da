"""Command lines as people type them, turned into what click reads.

Terraform's single-dash spellings are taken too, and options that belong to `specr` itself
may stand after the command. What Terraform has and specr has not is told by its whole name,
with what to do instead. Nothing here knows what an option does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Final

import click

_GLOBAL_FLAGS: Final = frozenset({"--no-color", "-v", "--verbose"})
_GLOBAL_WITH_VALUE: Final = "-C"

_TERRAFORM: Final = frozenset(
    {
        "all", "allow-delete", "auto-approve", "check", "deploy", "destroy", "detailed-exitcode", "diff",
        "dry-run", "failed", "follow", "force", "format", "help", "json", "limit", "lock-timeout", "model",
        "no-color", "no-refresh", "out", "parallelism", "plan", "refresh", "replace", "tail", "target", "url",
        "var", "verbose", "version", "versions",
    }
)  # fmt: skip
"""Long options that may be written with one dash."""

_WITH_VALUE: Final = frozenset(
    f"--{name}"
    for name in (
        "allow-delete", "deploy", "format", "limit", "lock-timeout", "model", "out", "parallelism", "replace",
        "tail", "target", "var", "versions",
    )
)  # fmt: skip
"""Options whose value is the next word, unless an equals sign brings it."""

_SINGLE_DASH: Final = r"(?s)-([a-z][a-z-]+)(=.*)?"
_SHORT: Final = frozenset("fhv")
"""Options of one letter, which may stand together behind one dash."""

_INPUT: Final = frozenset({"-input", "--input"})
"""Terraform's `-input=false`, which says what is so anyway: without a terminal nobody is asked."""

_INSTEAD: Final = {
    "backend-config": "Where state is kept is a setting of the Project: backend.",
    "lock": "The lock is always taken; --lock-timeout says how long to wait for it.",
    "raw": "The bare URL of a deployment: specr output NAME --url",
    "reconfigure": "There is nothing to set up: settings are read from the Project each time.",
    "refresh-only": "What was changed outside of specr: specr plan",
    "state": "Where state is kept is a setting of the Project: backend.",
    "upgrade": "Plug-ins are installed and upgraded with pip.",
    "var-file": "Give each value with --var name=value, or in the environment as SPECR_VAR_name.",
}
"""What to do instead of options that Terraform has."""

_INSTEAD_AT: Final = {
    ("apply", "--destroy"): "To delete everything: specr destroy",
    ("plan", "--lock-timeout"): "A plan takes no lock, so it waits for none: leave it out. What changes the "
    "state waits for its lock: specr apply --lock-timeout 5m",
}
"""The same, of options that other commands have."""


def normalise(arguments: Sequence[str]) -> list[str]:
    """The same command line, spelt as click reads it; what follows `--` stays as it is.

    Raises:
        click.UsageError: an option of Terraform's, or spelt as those are, that specr has not.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments[:end])
    for word in words:
        if word.partition("=")[0] in _INPUT:
            continue
        spelt = word if rest and rest[-1] in _WITH_VALUE else _spell(word)
        instead = _INSTEAD_AT.get((_command(rest), spelt.partition("=")[0]))
        if instead is not None:
            raise click.UsageError(f"No such option: {word.partition('=')[0]}. {instead}")
        if spelt in _GLOBAL_FLAGS:
            front.append(spelt)
        elif spelt == _GLOBAL_WITH_VALUE:
            front += [spelt, *islice(words, 1)]
        elif spelt.startswith(_GLOBAL_WITH_VALUE) and len(spelt) > len(_GLOBAL_WITH_VALUE):
            front.append(spelt)
        else:
            rest.append(spelt)
    return [*front, *rest, *arguments[end:]]


def _command(words: Sequence[str]) -> str:
    """The command among the words so far."""
    return next((word for word in words if not word.startswith("-")), "")


def _spell(word: str) -> str:
    """One word, with two dashes where Terraform takes one."""
    if not word.startswith("-"):
        return word
    bare = word.partition("=")[0].removeprefix("--").removeprefix("-")
    match = re.fullmatch(_SINGLE_DASH, word)
    if bare in _INSTEAD:
        raise click.UsageError(f"No such option: {word.partition('=')[0]}. {_INSTEAD[bare]}")
    if match is None or set(bare) <= _SHORT:
        return word
    name, value = match[1], match[2] or ""
    if name == "chdir":
        return f"-C{value.removeprefix('=')}"
    if name == "refresh" and value:
        return "--no-refresh" if value == "=false" else "--refresh"
    if name not in _TERRAFORM:
        raise click.UsageError(f"No such option: -{name}. `--help` after the command lists them.")
    return f"--{name}{value}"

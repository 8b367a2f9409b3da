"""What a project lets pickles refer to, as the processor is told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from specr_processor.errors import SettingsError
from specr_processor.pickles.known import is_usual

VARIABLE: Final = "SPECR_POLICY"
"""The variable that holds the project's policy as JSON, as its spec has it. Not set: the default."""


class Mode(Enum):
    """What becomes of a model whose pickles refer to what is not allowed."""

    ALLOW = "allow"
    """It is not looked at."""
    WARN = "warn"
    """It is deployed, with a warning."""
    DENY = "deny"
    """It is refused."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules for pickles.

    `modules` are modules, packages or single names (`acme`, `acme.features`, `numpy.load`) that may be
    referred to beside what models of the usual libraries do. Each holds for all below it.
    """

    mode: Mode = Mode.DENY
    modules: tuple[str, ...] = ()

    def permits(self, module: str, name: str) -> bool:
        """Whether a pickle may refer to this."""
        return is_usual(module, name) or self.names(f"{module}.{name}")

    def names(self, full: str) -> bool:
        """Whether one of `modules` is this, or lies above it."""
        return any(full == entry or full.startswith(f"{entry}.") for entry in self.modules)


def read_policy(environ: Mapping[str, str]) -> Policy:
    """The policy that the environment tells.

    Raises:
        SettingsError: it makes no sense.
    """
    text = environ.get(VARIABLE)
    if not text:
        return Policy()
    try:
        return _decode(json.loads(text))
    except (ValueError, TypeError, KeyError) as error:
        raise SettingsError(f"{VARIABLE} is {text[:100]!r}, which is no policy: {error}") from None


def _decode(document: Any) -> Policy:
    if not isinstance(document, dict):
        raise TypeError("it is no JSON object")
    unknown = document.keys() - {"pickles", "modules"}
    if unknown:
        # A later specr may mean a restriction by it, which must not be left out in silence.
        raise ValueError(f"{min(unknown)!r} is not known here")
    modules = document.get("modules", [])
    if not isinstance(modules, list) or not all(isinstance(entry, str) and entry for entry in modules):
        raise TypeError("modules is no list of names")
    return Policy(Mode(document.get("pickles", Mode.DENY.value)), tuple(modules))

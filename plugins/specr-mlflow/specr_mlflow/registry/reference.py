"""References to registered models, in the forms that MLflow's own clients take.

`models:/NAME/3`, `models:/NAME@ALIAS`, `models:/NAME/latest` and, from before there were aliases,
`models:/NAME/STAGE`. Only the first always means the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from specr.diagnostics import Diagnostic, DiagnosticError

_FORM: Final = re.compile(
    r"models:/(?P<name>[^/:@][^/:]*?)(?:/(?P<which>[^/:@]+)|@(?P<alias>[^/:@]+))", re.IGNORECASE
)
_LOGGED: Final = re.compile(r"models:/m-[0-9a-f]{32}", re.IGNORECASE)

FORMS: Final = "`models:/NAME/VERSION`, `models:/NAME@ALIAS`, `models:/NAME/latest` or `models:/NAME/STAGE`"


class By(Enum):
    """What a reference chooses a version by."""

    VERSION = "version"
    ALIAS = "alias"
    LATEST = "latest"
    STAGE = "stage"


@dataclass(frozen=True, slots=True)
class ModelReference:
    """One version of a registered model; `value` is its number, its alias or its stage."""

    name: str
    by: By
    value: str

    def __str__(self) -> str:
        if self.by is By.ALIAS:
            return f"models:/{self.name}@{self.value}"
        return f"models:/{self.name}/{self.value}"


def pinned_to(name: str, version: str) -> str:
    """The reference that always means this version."""
    return str(ModelReference(name, By.VERSION, version))


def parse_reference(text: str) -> ModelReference:
    """The reference that a text is.

    Raises:
        DiagnosticError: it is none.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise DiagnosticError(_malformed(text))
    name, which, alias = match["name"], match["which"], match["alias"]
    if alias is not None:
        return ModelReference(name, By.ALIAS, alias)
    if re.fullmatch(r"[0-9]+", which):
        return ModelReference(name, By.VERSION, str(int(which)))
    if which.lower() == "latest":
        return ModelReference(name, By.LATEST, "latest")
    return ModelReference(name, By.STAGE, which)


def _malformed(text: str) -> Diagnostic:
    detail = f"{text} names no version of a registered model."
    if _LOGGED.fullmatch(text):
        detail = f"{text} is a logged model, which is no version of a registered one."
        return Diagnostic("Not a registered model", detail, f"Register it, and write {FORMS}.")
    if text.lower().startswith("models://"):
        detail += " Which server is asked does not stand in it."
    return Diagnostic("Not a registered model", detail, f"Write {FORMS}.")

"""Variables: `${var.name}` in the texts of a spec, and the values they stand for.

`$${` stands for `${` itself. Any other `${` stays as it is, since commands that shells
read have a use for it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from specr.diagnostics import Diagnostic, Path, did_you_mean
from specr.spec.problem import Problem, type_in_words

Value = str | int | float | bool

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_-]*"

_REFERENCE: Final = r"(?P<escape>\$\$\{)|\$\{(?P<inside>[ \t]*vars?\b[^}\n]*)(?P<end>\}?)"
_INSIDE: Final = rf"var\.({_NAME})"
_WHOLE: Final = rf"\$\{{var\.({_NAME})\}}"
_INTEGER: Final = r"[-+]?[0-9]{1,20}"


def interpolate(value: Any, values: Mapping[str, Value] | None, path: Path, problems: list[Problem]) -> Any:
    """The value with all references replaced; what is wrong with them goes to `problems`.

    A text that is one reference and nothing else becomes the variable's value, with its type.
    Without values (None) none are replaced and none are judged.
    """
    if isinstance(value, str):
        return _replace(value, values, path, problems) if "${" in value else value
    if isinstance(value, dict):
        return {key: interpolate(item, values, (*path, key), problems) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolate(item, values, (*path, place), problems) for place, item in enumerate(value)]
    return value


def references_in(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Each text below a value that refers to a variable: its place, and the reference."""
    if isinstance(value, str):
        found = next((match[0] for match in re.finditer(_REFERENCE, value) if not match["escape"]), None)
        if found is not None:
            yield path, found
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from references_in(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from references_in(item, (*path, place))


def declared_variables(spec: Any) -> dict[str, Value]:
    """The variables with fitting names and values that the Project's spec declares."""
    declared = spec.get("variables") if isinstance(spec, dict) else None
    if not isinstance(declared, dict):
        return {}
    return {
        name: value
        for name, value in declared.items()
        if isinstance(name, str) and is_variable_name(name) and isinstance(value, (str, int, float))
    }


def override_variables(
    declared: Mapping[str, Value], overrides: Mapping[str, str]
) -> tuple[dict[str, Value], list[Diagnostic]]:
    """The declared values with those given from outside put in their place, in the type of the default."""
    values = dict(declared)
    found = []
    for name, text in sorted(overrides.items()):
        if name not in declared:
            known = (
                f"The project declares {', '.join(sorted(declared))}."
                if declared
                else "The project has none."
            )
            found.append(
                Diagnostic(
                    "Value for an undeclared variable",
                    f"A value is given for the variable {name!r}. {known}",
                    did_you_mean(name, declared) or f"Declare {name} under variables in the Project.",
                )
            )
            continue
        if not is_utf8(text):
            found.append(
                Diagnostic(
                    "Value of a variable is not UTF-8",
                    f"The value given for the variable {name} holds bytes that are no UTF-8.",
                    "Give it in UTF-8.",
                )
            )
            continue
        value = _convert(text, declared[name])
        if value is None:
            expected = type_in_words(declared[name])
            found.append(
                Diagnostic(
                    "Value of the wrong type for a variable",
                    f"The variable {name} is {expected} by its default; {text[:60]!r} is none.",
                    "Give `true` or `false`." if isinstance(declared[name], bool) else f"Give {expected}.",
                )
            )
            continue
        values[name] = value
    return values, found


def is_variable_name(text: str) -> bool:
    """Whether a variable may have this name."""
    return re.fullmatch(_NAME, text) is not None


def is_utf8(text: str) -> bool:
    """Whether a text from a command line or the environment can be written as UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _convert(text: str, default: Value) -> Value | None:
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(text)
    if isinstance(default, int):
        number = int(text) if re.fullmatch(_INTEGER, text) else None
        return number if number is not None and -(2**63) <= number < 2**64 else None
    if isinstance(default, float):
        try:
            value = float(text)
        except ValueError:
            return None
        return value if math.isfinite(value) else None
    return text


def _replace(text: str, values: Mapping[str, Value] | None, path: Path, problems: list[Problem]) -> Any:
    if values is None:
        return text
    whole = re.fullmatch(_WHOLE, text)
    if whole and whole[1] in values:
        return values[whole[1]]

    def replacement(match: re.Match[str]) -> str:
        if match["escape"]:
            return "${"
        inside = re.fullmatch(_INSIDE, match["inside"])
        if inside is None or not match["end"]:
            shown = match[0] if len(match[0]) <= 60 else match[0][:57] + "..."
            problems.append(
                Problem(
                    path,
                    "Malformed reference to a variable",
                    f"`{shown}` is not of the form `${{var.name}}`.",
                    "Write `${var.name}`, or `$${` for a literal `${`.",
                )
            )
            return match[0]
        name = inside[1]
        if name not in values:
            problems.append(_undeclared(name, values, path))
            return match[0]
        value = values[name]
        return str(value).lower() if isinstance(value, bool) else str(value)

    return re.sub(_REFERENCE, replacement, text)


def _undeclared(name: str, values: Mapping[str, Value], path: Path) -> Problem:
    return Problem(
        path,
        "Reference to an undeclared variable",
        f"`${{var.{name}}}` refers to a variable that the project does not declare.",
        did_you_mean(name, values) or f"Declare {name} under variables in the Project.",
    )

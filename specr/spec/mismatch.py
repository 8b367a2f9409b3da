"""What pydantic's complaints about a spec mean, in our own words.

Each complaint becomes one Problem with the path as the document has it. Knows the
shapes of models only through their fields.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from specr.address import is_name
from specr.diagnostics import Path, did_you_mean
from specr.resources.base import METADATA_FIELDS, Part, Resource, shapes_of
from specr.resources.columns import ColumnType
from specr.spec.problem import Problem, quoted, shown_path_in, type_in_words

Details = Mapping[str, Any]
"""One complaint, as pydantic's `ErrorDetails`."""

_KEY: Final = "[key]"
_UNIONS: Final = {
    "env": "a text, or a mapping with `valueFrom`",
    "variables": "a text, a number or a boolean",
}
"""Arguments that map names to values of several types: the complaints come once for each type."""

_EXPECTED: Final = {
    "string": "a text",
    "int": "an integer",
    "float": "a number",
    "bool": "a boolean",
    "dict": "a mapping",
    "model": "a mapping",
    "tuple": "a list",
    "list": "a list",
}
_PATTERNS: Final = (
    (
        "a-z0-9-",
        "Bad name",
        (
            "a name has lower-case letters, digits and dashes, begins and ends with a letter or digit, "
            "and has 63 characters at most"
        ),
    ),
    ("sha256", "Bad digest", "a digest is `sha256:` and 64 hexadecimal digits in lower case"),
    (
        "A-Za-z_",
        "Bad name of an environment variable",
        "it has letters, digits and underscores, no digit first",
    ),
    (
        "a-zA-Z_",
        "Bad name of a module",
        "it is a module, or a name in one, as Python imports it, such as `acme` or `acme.features`",
    ),
    ("Ki", "Bad amount", "an amount is a number and maybe a unit, such as `500m`, `2`, `512Mi` or `1.5Gi`"),
    ("^/", "Bad path", "it begins with a slash"),
    ("S+", "Bad name of an image", "an image has a name, without blanks, such as `acme/fraud:1.0`"),
)


def explain_mismatch(
    model: type[Resource], details: Iterable[Details], data: Mapping[str, Any]
) -> list[Problem]:
    """What is wrong with a document's arguments, each thing once."""
    problems = [_explain(model, detail) for detail in _without_branches(details, data)]
    return list(dict.fromkeys(problems))


def _without_branches(details: Iterable[Details], data: Mapping[str, Any]) -> Iterable[Details]:
    """The complaints with those about the branches of a union put together.

    A mapping was meant to be the one branch that is one; anything else fits no branch.
    """
    for detail in details:
        loc = detail["loc"]
        if len(loc) < 3 or loc[0] not in _UNIONS or loc[2] == _KEY:
            yield detail
        elif loc[0] == "env" and isinstance(_at(data, loc[:2]), dict):
            if loc[2] == "SecretValue":
                yield {**detail, "loc": (*loc[:2], *loc[3:])}
        else:
            yield {**detail, "type": f"{loc[0]}_union", "loc": loc[:2], "input": _at(data, loc[:2])}


def _at(data: Any, loc: Iterable[str | int]) -> Any:
    for step in loc:
        data = data[step]
    return data


def _explain(model: type[Resource], detail: Details) -> Problem:
    loc = detail["loc"]
    at_key = bool(loc) and loc[-1] == _KEY
    path = _document_path(loc[:-1] if at_key else loc)
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    where = f"`{shown_path_in(path)}`"
    if kind == "missing":
        return Problem(path, "Missing argument", f"{where} must be given.", _expected_remedy(model, loc))
    if kind == "extra_forbidden":
        return _unknown(model, loc, path)
    if kind.endswith("_union"):
        return wrong_type(path, _UNIONS[str(loc[0])], value)
    expected = _EXPECTED.get(kind.partition("_")[0])
    if expected is not None and kind.endswith(("_type", "_parsing", "_from_float")):
        return wrong_type(path, expected, value, at_key=at_key)
    explain = _BY_TYPE.get(kind)
    if explain is None:
        return Problem(path, "Value does not fit", f"{where} does not take {quoted(value)}.", at_key=at_key)
    summary, text, remedy = explain(value, context)
    return Problem(path, summary, f"{where}: {text}.", remedy, at_key=at_key)


def wrong_type(path: Path, expected: str, value: Any, *, at_key: bool = False) -> Problem:
    """A value, or the key at the end of a path, that is not of the type that is `expected`."""
    found = type_in_words(value)
    remedy = ""
    if "a text" in expected and isinstance(value, (bool, int, float)):
        remedy = "Put quotes round it."
    elif isinstance(value, str) and expected in ("an integer", "a number", "a boolean"):
        remedy = f"Write {expected} without quotes."
    elif expected == "a mapping" and isinstance(value, list):
        remedy = "Write `name: value` on each line, without a dash."
    elif expected == "a list":
        remedy = "Begin each entry with a dash, or put square brackets round them."
    detail = f"`{shown_path_in(path)}` must be {expected}, not {found}."
    return Problem(path, "Value of the wrong type", detail, remedy, at_key=at_key)


def _unknown(model: type[Resource], loc: tuple[str | int, ...], path: Path) -> Problem:
    name = str(loc[-1])
    part = _part_at(model, loc[:-1])
    known = sorted(_keys(part) - (METADATA_FIELDS if part is model else set()))
    remedy = did_you_mean(name, known) or _same_but_case(name, known)
    if not remedy and known:
        remedy = f"Known here: {', '.join(known)}."
    owner = shown_path_in(path[:-1])
    return Problem(
        path, "Unknown argument", f"`{owner}` of {model.kind} takes no `{name[:60]}`.", remedy, at_key=True
    )


def _same_but_case(name: str, known: Iterable[str]) -> str:
    folded = name.replace("_", "").replace("-", "").lower()
    return next((f"Did you mean {k}?" for k in known if k.lower() == folded), "")


def _document_path(loc: tuple[str | int, ...]) -> Path:
    if not loc:
        return ("spec",)
    if loc[0] in METADATA_FIELDS:
        return ("metadata", *loc)
    if loc[0] == "versions" and len(loc) > 1:
        number = str(loc[1])
        return (
            "spec",
            "versions",
            int(number) if number.isascii() and number.isdigit() else number,
            *loc[2:],
        )
    return ("spec", *loc)


def _keys(part: type[Part] | None) -> set[str]:
    return set() if part is None else {shape.key for shape in shapes_of(part)}


def _part_at(model: type[Part], loc: Iterable[str | int]) -> type[Part] | None:
    """The part that the mapping at a place is, where it is one."""
    current: type[Part] | None = model
    annotation: Any = model
    for step in loc:
        if current is not None:
            name = next((shape.name for shape in shapes_of(current) if shape.key == step), None)
            if name is None:
                return None
            annotation = get_type_hints(current)[name]
        else:
            annotation = _item_type(annotation)
        current = _part_in(annotation)
    return current


def _part_in(annotation: Any) -> type[Part] | None:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return next((found for arg in get_args(annotation) if (found := _part_in(arg))), None)
    return None


def _item_type(annotation: Any) -> Any:
    """The type of what a list or mapping holds."""
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return next((item for arg in get_args(annotation) if (item := _item_type(arg)) is not None), None)
    if get_origin(annotation) in (tuple, list):
        return get_args(annotation)[0]
    return get_args(annotation)[1] if get_origin(annotation) is dict else None


def _expected_remedy(model: type[Resource], loc: tuple[str | int, ...]) -> str:
    part = _part_at(model, loc[:-1])
    if part is None:
        return ""
    from specr.resources.docs import attribute_docs  # noqa: PLC0415 - reads sources, for errors only

    name = next((shape.name for shape in shapes_of(part) if shape.key == loc[-1]), "")
    meaning = attribute_docs(part).get(name)
    return f"It is: {meaning}" if meaning else ""


_Explain = Callable[[Any, Mapping[str, Any]], tuple[str, str, str]]


def _pattern(value: Any, context: Mapping[str, Any]) -> tuple[str, str, str]:
    if context["pattern"] == r"\S":
        return "Value is empty", f"it must not be {'blank' if value else 'empty'}", ""
    for part, summary, rule in _PATTERNS:
        if part in context["pattern"]:
            close = _closest_name(str(value)) if summary == "Bad name" else ""
            return summary, f"{quoted(value)} won't do: {rule}", f"Did you mean {close}?" if close else ""
    return "Value does not fit", f"{quoted(value)} is not of the form {context['pattern']}", ""


def _closest_name(text: str) -> str:
    """The name one gets by putting dashes for what names can't hold; empty if that gives none."""
    folded = "".join(c if c.isascii() and c.isalnum() else "-" for c in text.lower())
    name = "-".join(part for part in folded.split("-") if part)
    return name if is_name(name) else ""


def _bound(words: str, key: str) -> _Explain:
    """All bounds are whole numbers, also those of floats."""
    return lambda value, context: (
        "Value out of range",
        f"it must be {words} {int(context[key])}; it is {value}",
        "",
    )


_BY_TYPE: Final[Mapping[str, _Explain]] = {
    "string_pattern_mismatch": _pattern,
    "literal_error": lambda value, context: (
        "Unknown value",
        f"{quoted(value)} is not {context['expected'].replace(chr(39), '`')}",
        "",
    ),
    "string_too_long": lambda value, _: ("Bad name", f"{quoted(value)} is longer than 63 characters", ""),
    "string_too_short": lambda _value, _context: ("Value is empty", "it must not be empty", ""),
    "too_short": lambda _value, _context: ("Value is empty", "it must hold at least one entry", ""),
    "enum": lambda value, _: (
        "Unknown column type",
        f"{quoted(value)} is no type of a column",
        did_you_mean(str(value), [t.value for t in ColumnType]) or f"The types are {', '.join(ColumnType)}.",
    ),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than_equal": _bound("at most", "le"),
    "greater_than": _bound("more than", "gt"),
    "less_than": _bound("less than", "lt"),
}

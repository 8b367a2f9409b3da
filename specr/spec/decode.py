"""From a document to the resource that it declares, or to what is wrong with it.

One document at a time: what lies between documents is for checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from specr.address import Address, is_name
from specr.diagnostics import Diagnostic, Path, did_you_mean
from specr.resources.base import API_VERSION, METADATA_FIELDS, Resource, shapes_of
from specr.resources.catalog import KINDS
from specr.resources.convert import MismatchError, convert
from specr.resources.model import LAST_VERSION
from specr.spec.document import Document, Finding
from specr.spec.problem import Problem, quoted, type_in_words
from specr.spec.variables import Value, interpolate, references_in

_TOP: Final = ("apiVersion", "kind", "metadata", "spec")
_NO_SPEC: Final = "If the file is no spec, name it in .specrignore."
_BY_LOWER: Final = {kind.lower(): kind for kind in KINDS}


class Decoded(Struct, frozen=True):
    """What became of a document: a resource, or findings that say why not."""

    document: Document
    resource: Resource | None
    findings: tuple[Finding, ...] = ()
    claims: Address | None = None
    """The address that a document means to declare even where it has errors, as far as it can be told."""
    foreign: bool = False
    """Whether the document seems to be of another language than specs, and so declares nothing."""


def decode_document(document: Document, variables: Mapping[str, Value] | None) -> Decoded:
    """The resource of a document, its variables replaced.

    Without variables (None), references to them are left as they are: the Project is
    broken, and nobody knows what it declares.
    """
    value = document.value
    problems: list[Problem] = []
    foreign = foreign_problem(value)
    if foreign is not None:
        return replace(_failed(document, [foreign], None), foreign=True)
    model = _model_of(value, problems)
    claims = claimed_address(value)
    if model is None:
        return _failed(document, problems, claims)
    data = _arguments(value, model, problems)
    if model.kind != "Project" and "${" in document.text:
        for name in set(data) - METADATA_FIELDS:
            data[name] = interpolate(data[name], variables, ("spec", name), problems)
    if model.kind == "Project" and "${" in document.text:
        problems += _unreplaced(data)
    if variables is None and "${" in document.text and model.kind != "Project":
        return _failed(document, problems, claims)
    if model.kind == "Model":
        data = _without_odd_versions(data, problems)
    resource = None
    try:
        resource = convert(data, model)
    except MismatchError as error:
        from specr.spec.mismatch import explain_mismatch  # noqa: PLC0415 - for errors only

        broken = {problem.path for problem in problems}
        problems += [p for p in explain_mismatch(model, error.details, data) if p.path not in broken]
    if problems:
        return _failed(document, problems, claims)
    return Decoded(document, resource, (), claims)


def is_known_kind(value: Any) -> bool:
    """Whether a document's value names a kind that there is."""
    kind = value.get("kind") if isinstance(value, dict) else None
    return isinstance(kind, str) and kind in KINDS


def claimed_address(value: Any) -> Address | None:
    """The address that a document's value gives itself, if kind and name can be read."""
    if not isinstance(value, dict):
        return None
    kind, metadata = value.get("kind"), value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if (
        not isinstance(kind, str)
        or kind.lower() not in _BY_LOWER
        or not isinstance(name, str)
        or not is_name(name)
    ):
        return None
    return Address(kind.lower(), name)


def _failed(document: Document, problems: list[Problem], claims: Address | None) -> Decoded:
    findings = tuple(
        Finding(
            document, Diagnostic(p.summary, p.detail, p.remedy, address=claims, path=p.path, at_key=p.at_key)
        )
        for p in problems
    )
    return Decoded(document, None, findings, claims)


def foreign_problem(value: Any) -> Problem | None:
    """What shows that a document is no spec at all, not even one with slips in its first lines."""
    if not isinstance(value, dict):
        detail = f"It is {type_in_words(value)}, not a mapping with apiVersion, kind, metadata and spec."
        return Problem((), "Document is not a spec", detail, _NO_SPEC)
    if "apiVersion" in value:
        version = value["apiVersion"]
        return None if str(version).lower().startswith("specr") else _unknown_version(version)
    if "kind" in value or _near_key("apiVersion", value) is not None:
        return None
    return _no_version(None)


def _model_of(value: dict[str, Any], problems: list[Problem]) -> type[Resource] | None:
    if "apiVersion" not in value:
        problems.append(_no_version(_near_key("apiVersion", value)))
    elif value["apiVersion"] != API_VERSION:
        problems.append(_unknown_version(value["apiVersion"]))
    return _kind_of(value, problems)


def _no_version(near: str | None) -> Problem:
    detail = f"Every spec begins with `apiVersion: {API_VERSION}`."
    if near is None:
        return Problem((), "Document has no apiVersion", detail, f"Add the line. {_NO_SPEC}")
    remedy = f"Did you mean apiVersion instead of {near}?"
    return Problem((near,), "Document has no apiVersion", detail, remedy, at_key=True)


def _unknown_version(version: Any) -> Problem:
    detail = f"{quoted(version)} is not known; specs have `apiVersion: {API_VERSION}`."
    return Problem(("apiVersion",), "Unknown apiVersion", detail, f"Write {API_VERSION}. {_NO_SPEC}")


def _kind_of(value: dict[str, Any], problems: list[Problem]) -> type[Resource] | None:
    kind = value.get("kind")
    if isinstance(kind, str) and kind in KINDS:
        return KINDS[kind]
    if kind is None:
        near = _near_key("kind", value)
        remedy = f"Did you mean kind instead of {near}?" if near else f"The kinds are {', '.join(KINDS)}."
        path = (near,) if near else ("kind",)
        problems.append(Problem(path, "Document has no kind", "A spec names its kind.", remedy, at_key=True))
        return None
    known = _BY_LOWER.get(kind.replace("_", "").replace("-", "").lower()) if isinstance(kind, str) else None
    remedy = f"Did you mean {known}?" if known else did_you_mean(str(kind).capitalize(), KINDS)
    problems.append(
        Problem(
            ("kind",),
            "Unknown kind",
            f"{quoted(kind)} is no kind.",
            remedy or f"The kinds are {', '.join(KINDS)}.",
        )
    )
    return None


def _near_key(wanted: str, value: dict[str, Any]) -> str | None:
    """A key that is the wanted one but for its case or for underscores."""
    for key in value:
        if isinstance(key, str) and key.replace("_", "").lower() == wanted.lower():
            return key
    return None


def _arguments(value: dict[str, Any], model: type[Resource], problems: list[Problem]) -> dict[str, Any]:
    """The fields of metadata and spec put together, as the model takes them."""
    reported = {problem.path for problem in problems}
    unknown = [key for key in value if key not in _TOP and (key,) not in reported]
    problems += [_unknown_top(str(key), model) for key in unknown]
    data: dict[str, Any] = {}
    spec = _section(value, "spec", problems)
    for name, argument in spec.items():
        if name in METADATA_FIELDS:
            problems.append(
                Problem(
                    ("spec", name),
                    "Unknown argument",
                    f"`spec` of {model.kind} takes no `{name}`.",
                    f"Move {name} to metadata.",
                    at_key=True,
                )
            )
        elif name == "dependsOn" and model.kind == "Project":
            detail = "`spec` of Project takes no `dependsOn`: the project is there before all else."
            problems.append(Problem(("spec", name), "Unknown argument", detail, "Remove it.", at_key=True))
        else:
            data[name] = argument
    for name, argument in _section(value, "metadata", problems).items():
        if name in METADATA_FIELDS:
            data[name] = argument
        else:
            remedy = did_you_mean(str(name), METADATA_FIELDS) or "It takes name, labels and annotations."
            detail = f"`metadata` takes no `{str(name)[:60]}`."
            problems.append(Problem(("metadata", name), "Unknown argument", detail, remedy, at_key=True))
    return data


def _section(value: dict[str, Any], name: str, problems: list[Problem]) -> dict[str, Any]:
    section = value.get(name)
    if section is None:
        return {}
    if isinstance(section, dict):
        return section
    detail = f"`{name}` must be a mapping, not {type_in_words(section)}."
    problems.append(Problem((name,), "Value of the wrong type", detail))
    return {}


def _unknown_top(key: str, model: type[Resource]) -> Problem:
    fields = [shape.key for shape in shapes_of(model)]
    if key in METADATA_FIELDS:
        remedy = f"Move {key} to metadata."
    elif key in fields:
        remedy = f"Move {key} to spec."
    else:
        remedy = did_you_mean(key, _TOP) or f"It has {', '.join(_TOP[:-1])} and {_TOP[-1]}."
    return Problem((key,), "Unknown argument", f"A document takes no `{key[:60]}`.", remedy, at_key=True)


def _without_odd_versions(data: dict[str, Any], problems: list[Problem]) -> dict[str, Any]:
    """The arguments of a Model, but for versions whose numbers no reader is to be given: those are told.

    They are written as numbers are not, such as "1.0", in two ways, such as 1 and "1", or are too large.
    """
    versions = data.get("versions")
    if not isinstance(versions, dict):
        return data
    seen: dict[int, Any] = {}
    odd = {key: problem for key in versions if (problem := _odd_version(key, seen)) is not None}
    problems += odd.values()
    return {**data, "versions": {key: value for key, value in versions.items() if key not in odd}}


def _odd_version(key: Any, seen: dict[int, Any]) -> Problem | None:
    path: Path = ("spec", "versions", key)
    if isinstance(key, str) and not (key.isascii() and key.isdigit()):
        from specr.spec.mismatch import wrong_type  # noqa: PLC0415 - for errors only

        return wrong_type(path, "an integer", key, at_key=True)
    digits = str(key).lstrip("0")
    # Told by its length first: Python reads no more than 4300 digits.
    if len(digits) > len(str(LAST_VERSION)) or (number := int(digits or "0")) > LAST_VERSION:
        detail = f"Versions go from 1 to {LAST_VERSION}; {quoted(key)} is none."
        remedy = "Number the versions 1, 2, 3 and so on."
        return Problem(path, "Value out of range", detail, remedy, at_key=True)
    if seen.setdefault(number, key) is not key:
        detail = f"The version {number} is given twice: as {seen[number]!r:.60} and as {key!r:.60}."
        return Problem(path, "Duplicate key", detail, "Keep one.", at_key=True)
    return None


def _unreplaced(data: dict[str, Any]) -> list[Problem]:
    """References to variables in the Project, where they mean nothing."""
    return [
        Problem(
            path,
            "Variable in the Project",
            f"`{reference}` is not replaced in the Project, which declares the variables.",
            "Write the value itself; the documents of all other kinds may refer to variables.",
        )
        for name in sorted(data.keys() - METADATA_FIELDS)
        for path, reference in references_in(data[name], ("spec", name))
    ]

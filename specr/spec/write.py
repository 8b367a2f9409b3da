"""Resources as YAML text, in the form that `specr fmt` gives."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from ruamel.yaml import YAML

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.resources.base import API_VERSION, Resource
from specr.resources.model import Model
from specr.spec.format import format_text
from specr.spec.values import read_value


def render_specs(resources: Iterable[Resource]) -> str:
    """Documents that declare these resources, one after the other.

    Raises:
        DiagnosticError: a value can't be written so that it is read as what it is.
    """
    return "---\n".join(map(_render, resources))


def _render(resource: Resource) -> str:
    value = _document(resource)
    text = format_text(_dump(value))
    if not isinstance(text, str) or read_value(text) != value:
        raise DiagnosticError(
            Diagnostic(
                "Specs can't be written",
                f"{resource.address} would hold a character that YAML does not keep.",
                "Correct the text where it comes from.",
            ),
        )
    return text


def _document(resource: Resource) -> dict[str, Any]:
    arguments = resource.arguments()
    kept = {key: arguments.pop(key) for key in ("labels", "annotations") if key in arguments}
    if isinstance(resource, Model):
        arguments["versions"] = dict(sorted(resource.versions.items()))  # numbers, which JSON makes texts
    return {
        "apiVersion": API_VERSION,
        "kind": resource.kind,
        "metadata": {"name": resource.name, **kept},
        "spec": _without_variables(arguments),
    }


def _without_variables(value: Any) -> Any:
    """Texts as they must be written to mean themselves."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, dict):
        return {key: _without_variables(item) for key, item in value.items()}
    return [_without_variables(item) for item in value] if isinstance(value, list) else value


def _dump(value: dict[str, Any]) -> str:
    yaml = YAML()
    yaml.width = 2**30
    yaml.indent(mapping=2, sequence=4, offset=2)
    output = io.StringIO()
    yaml.dump(value, output)
    return output.getvalue()

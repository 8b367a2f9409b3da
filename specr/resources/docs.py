"""What the texts under the fields of models say: for messages, the reference and the JSON Schema.

They are read from the source when somebody asks: plans that show none need not wait for them.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from typing import Any

from specr.resources.base import Part
from specr.resources.project import TypedSettings


def attribute_docs(model: type[Any]) -> Mapping[str, str]:
    """The text under each field of a model, by the field's name; its bases' fields included."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if inspect.get_annotations(base):
            found |= _own_docs(base)
    return found


def _own_docs(model: type[Any]) -> dict[str, str]:
    """The texts that follow fields in the body of a class."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(body, ast.ClassDef)
    found = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            found[statement.target.id] = inspect.cleandoc(str(following.value.value))
    return found


def all_models() -> Mapping[str, type[Any]]:
    """Every model that has been made so far, by its name."""
    found: dict[str, type[Any]] = {TypedSettings.__name__: TypedSettings}
    waiting: list[type[Part]] = [Part]
    while waiting:
        model = waiting.pop()
        found[model.__name__] = model
        waiting.extend(model.__subclasses__())
    return found

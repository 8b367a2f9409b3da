"""Where a provider is opened, and the settings that it was given: checked, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from specr.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from specr.providers.content import ByteStore
from specr.resources.base import Part, shapes_of
from specr.resources.convert import MismatchError, convert

S = TypeVar("S", bound=Part)


class ProviderContext(Struct, frozen=True):
    """What every provider is opened with.

    `name` is the provider's name in the project, `lineage` that of the state its objects
    belong to, `root` the project's folder, `store` where bytes are.
    """

    name: str
    lineage: str
    root: Path
    store: ByteStore


def decode_settings(model: type[S], context: ProviderContext, settings: Mapping[str, Any]) -> S:
    """Check settings against the model of them.

    Raises:
        DiagnosticError: settings that are unknown, missing or wrong; all of them at once.
    """
    try:
        return convert(settings, model)
    except MismatchError as error:
        raise DiagnosticError(
            *(_problem(model, context.name, found["type"], found["loc"]) for found in error.details),
        ) from None


def _problem(model: type[Part], provider: str, kind: str, loc: tuple[str | int, ...]) -> Diagnostic:
    written = ".".join(map(str, loc))
    known = {shape.key: shape.name for shape in shapes_of(model)}
    path = ("spec", "providers", provider, *loc)
    if kind == "extra_forbidden":
        remedy = did_you_mean(written, known) or f"Known settings: {', '.join(sorted(known)) or 'none'}."
        return Diagnostic(
            "Unknown provider setting",
            f"The provider {provider} has no setting {written}.",
            remedy,
            path=path,
        )
    from specr.resources.docs import attribute_docs  # noqa: PLC0415 - reads sources, for errors only

    name = known.get(str(loc[0]), "") if loc else ""
    meaning = " ".join(attribute_docs(model).get(name, "see the provider's documentation").split())
    if kind == "missing":
        summary, detail = "Missing provider setting", f"The provider {provider} needs the setting {written}."
    else:
        summary = "Wrong provider setting"
        detail = f"The setting {written} of the provider {provider} does not have a value that it can have."
    return Diagnostic(summary, detail, f"{written}: {meaning}", path=path)

"""Which importer there is for a kind of registry; all come from plug-ins."""

from __future__ import annotations

from typing import Final, cast

from specr.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from specr.importing.protocol import Importer
from specr.plugins import plugins_by_name

GROUP: Final = "specr.importers"
"""The entry points of plug-ins: a kind of registry, and a class or function that makes its importer."""


def known_importers() -> tuple[str, ...]:
    """The kinds of registries that can be imported from."""
    return tuple(sorted(plugins_by_name(GROUP)))


def open_importer(kind: str) -> Importer:
    """The importer for a kind of registry.

    Raises:
        DiagnosticError: there is none, or its plug-in is broken.
    """
    points = plugins_by_name(GROUP)
    if kind not in points:
        raise DiagnosticError(_unknown(kind, tuple(sorted(points))))
    try:
        return cast("Importer", points[kind].load()())
    except Exception as error:  # whatever a plug-in's import may raise
        raise DiagnosticError(
            Diagnostic(
                "Broken import plug-in",
                f"Registries of the kind {kind} are read by {points[kind].value}, which can't be loaded: "
                f"{error}.",
                "Install the plug-in again, in a version that fits this specr.",
            ),
        ) from error


def _unknown(kind: str, known: tuple[str, ...]) -> Diagnostic:
    if "/" in kind:
        return Diagnostic(
            "Nothing to import from",
            f"{kind} is an address. What specr did not make it can't take over.",
            "Declare it, and `specr apply` makes it. For specs of a registry's models: specr import mlflow",
        )
    there = f"There are: {', '.join(known)}." if known else "Install a plug-in for it, such as specr-mlflow."
    return Diagnostic(
        "Nothing to import from",
        f"specr knows no registries of the kind {kind!r}.",
        did_you_mean(kind, known) or there,
    )

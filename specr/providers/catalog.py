"""Which provider types there are: specr's own, and those that plug-ins bring.

The only table of types. A provider's module is imported when one of its type is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from specr.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from specr.plugins import plugins_by_name
from specr.providers.content import ByteStore
from specr.providers.protocol import Provider
from specr.providers.settings import ProviderContext
from specr.resources.project import TypedSettings

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "specr.providers"
"""The entry points of plug-ins: a type's name, and the ProviderFactory that opens it."""

ProviderFactory = Callable[[ProviderContext, Mapping[str, Any]], Provider]
"""Opens a provider. No I/O: that waits for the first call. DiagnosticError for wrong settings."""

_BUILT_IN: Final = {
    "docker": ("specr.providers.docker.provider", "open_docker"),
    "kubernetes": ("specr.providers.kubernetes.provider", "open_kubernetes"),
    "local": ("specr.providers.local.provider", "open_local"),
    "memory": ("specr.providers.memory", "open_memory"),
}

UNASKED: Final = {name: TypedSettings(type=name) for name in _BUILT_IN}
"""Providers that every project has, by name, unless it defines them otherwise."""


def open_provider(
    name: str, settings: TypedSettings, *, lineage: str, root: Path, store: ByteStore
) -> Provider:
    """Open the provider that a project calls by this name.

    Args:
        name: the provider's name in the project.
        settings: its type, and the settings of that type.
        lineage: that of the state which its objects belong to.
        root: the project's folder; relative paths in settings start there.
        store: where bytes are.

    Raises:
        DiagnosticError: the type is unknown, its plug-in is broken, or settings are wrong.
    """
    context = ProviderContext(name, lineage, root, store)
    return _factory(name, settings.type)(context, settings.settings())


def _factory(name: str, wanted: str) -> ProviderFactory:
    if wanted in _BUILT_IN:
        module, function = _BUILT_IN[wanted]
        return cast("ProviderFactory", getattr(import_module(module), function))
    plugins = plugins_by_name(GROUP)
    if wanted in plugins:
        return _load(plugins[wanted])
    known = sorted({*_BUILT_IN, *plugins})
    raise DiagnosticError(
        Diagnostic(
            "Unknown provider type",
            f"The provider {name} is of type {wanted}, which neither specr nor an installed plug-in knows.",
            did_you_mean(wanted, known) or f"Known types: {', '.join(known)}.",
            path=("spec", "providers", name, "type"),
        ),
    )


def _load(point: EntryPoint) -> ProviderFactory:
    try:
        return cast("ProviderFactory", point.load())
    except Exception as error:  # whatever a plug-in's import may raise
        raise DiagnosticError(
            Diagnostic(
                "Broken provider plug-in",
                f"The provider type {point.name} comes from {point.value}, which can't be loaded: {error}.",
                "Install the plug-in again, in a version that fits this specr.",
            ),
        ) from error

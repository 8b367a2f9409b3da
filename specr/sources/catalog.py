"""Which source a reference is for: the only table from scheme to source.

`scheme://…` and `scheme:/…` go by the scheme; anything else is a path. (A file whose name begins
like that is written `./name`.) Plug-ins bring further schemes; each is loaded when it is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import Struct, field
from msgspec.structs import replace

from specr.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from specr.plugins import plugins_by_name
from specr.sources.limits import HttpLimits, check_web, web_limits
from specr.sources.path import PathSource
from specr.sources.protocol import Digests, SettingsChecker, Source
from specr.sources.url import shown_url
from specr.store.catalog import open_cache
from specr.workfolder import Kept

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "specr.sources"
"""The entry points of plug-ins: a scheme, and the SourceFactory for it."""

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
_BUILT_IN: Final = ("file", "http", "https")
_WEB: Final = "http"
"""Where settings of URLs stand, those of https, too."""
_OF_MLFLOW: Final = "models"
_RUNS_OF_MLFLOW: Final = "runs"
"""Schemes of MLflow's registry and its runs, which people know from there."""


class SourceContext(Struct, frozen=True):
    """What a source may use.

    `root` is the project's folder, `digests` those that are known of files in it, and `settings`
    what the project says about sources of this scheme; the source checks it.
    """

    root: Path
    digests: Digests
    settings: Mapping[str, Any] = field(default_factory=dict)


SourceFactory = Callable[[SourceContext], Source]
"""Makes a source. No I/O: that waits for the first reference."""


class Sources:
    """All sources of one project. Safe for several threads."""

    def __init__(
        self,
        root: Path,
        *,
        digests: Digests | None = None,
        limits: HttpLimits = HttpLimits(),  # noqa: B008 - a frozen value
        settings: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> None:
        """Serve the project in a folder, with its settings of sources by scheme.

        Digests of files are kept in its work folder unless given.
        """
        self._settings = settings
        self._context = SourceContext(root, open_cache(root) if digests is None else digests)
        self._limits = limits
        self._loaded: dict[str, Source] = {}

    def source_for(self, reference: str) -> Source:
        """The source of a reference, by its form. No I/O but the loading of a plug-in.

        Raises:
            DiagnosticError: nothing is known of its scheme, or the plug-in is broken.
        """
        match = _SCHEME.match(reference)
        scheme = match[1].lower() if match else "file"
        if scheme == "file":
            return self._path
        if scheme in ("http", "https"):
            return self._http
        if scheme not in self._plugins:
            raise DiagnosticError(self._unknown(scheme, reference))
        return self._plugged(scheme)

    def check(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the project's settings of sources. No I/O but the loading of plug-ins."""
        return tuple(found for scheme in self._settings for found in self._check(scheme))

    def _check(self, scheme: str) -> Iterable[Diagnostic]:
        if scheme == _WEB:
            return check_web(self._settings[scheme])
        if scheme in _BUILT_IN or scheme not in self._plugins:
            return (replace(self._no_settings(scheme), path=("spec", "sources", scheme)),)
        source = self._plugged(scheme)
        return source.check() if isinstance(source, SettingsChecker) else ()

    @cached_property
    def _path(self) -> Source:
        return PathSource(self._context.digests)

    @cached_property
    def _http(self) -> Source:
        from specr.sources.http import HttpSource  # noqa: PLC0415 - most projects fetch nothing

        limits = web_limits(self._settings.get(_WEB, {}), self._limits)
        return HttpSource(self._context.root / Kept.DOWNLOADS.path, limits)

    def _plugged(self, scheme: str) -> Source:
        if scheme not in self._loaded:
            context = replace(self._context, settings=self._settings.get(scheme, {}))
            self._loaded[scheme] = _load(self._plugins[scheme])(context)
        return self._loaded[scheme]

    @cached_property
    def _plugins(self) -> dict[str, EntryPoint]:
        return plugins_by_name(GROUP)

    def _no_settings(self, scheme: str) -> Diagnostic:
        summary = "Settings of an unknown source"
        if scheme in _BUILT_IN:
            remedy = f"Write them under `{_WEB}`, for both." if scheme == "https" else "Remove them."
            return Diagnostic(summary, f"The source {scheme} takes none.", remedy)
        known = sorted(self._plugins)
        return Diagnostic(
            summary,
            f"No plug-in that is installed brings sources of the kind {scheme}.",
            did_you_mean(scheme, known) or "Install the plug-in, or remove the settings.",
        )

    def _unknown(self, scheme: str, reference: str) -> Diagnostic:
        known = sorted({*_BUILT_IN, *self._plugins})
        shown = shown_url(reference)
        detail = (
            f"{shown} is of the kind {scheme}; specr knows paths, and URLs of the kinds {', '.join(known)}."
        )
        if scheme == _OF_MLFLOW:
            detail += " MLflow's registry comes with the plug-in specr-mlflow."
            remedy = "Install specr-mlflow beside specr."
        elif scheme == _RUNS_OF_MLFLOW:
            detail += " MLflow's runs are no sources; models that are registered are."
            remedy = (
                "Register the model and name it as `models:/name/version`, or download it with `mlflow "
                f"artifacts download -u {shown} -d FOLDER` and name the folder."
            )
        else:
            remedy = did_you_mean(scheme, known) or (
                f"Install a plug-in with an entry point {scheme} in the group {GROUP}, or fetch the artifact "
                "by other means and name its path."
            )
        return Diagnostic("Unknown kind of source", detail, remedy)


def _load(point: EntryPoint) -> SourceFactory:
    try:
        return cast("SourceFactory", point.load())
    except Exception as error:  # whatever a plug-in's import may raise
        raise DiagnosticError(
            Diagnostic(
                "Broken source plug-in",
                f"Sources of the kind {point.name} come from {point.value}, which can't be loaded: {error}.",
                "Install the plug-in again, in a version that fits this specr.",
            ),
        ) from error

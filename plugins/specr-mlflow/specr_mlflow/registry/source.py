"""The source of `models:/…`: which version is meant at plan, and its files at apply."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection
from functools import cached_property
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from specr.canonical import encode_json
from specr.diagnostics import Diagnostic
from specr.sources.catalog import SourceContext
from specr.sources.limits import TIMEOUT, HttpLimits
from specr.sources.protocol import Resolved
from specr_mlflow.registry.client import MlflowServer
from specr_mlflow.registry.download import Download
from specr_mlflow.registry.place import Place, find_place
from specr_mlflow.registry.reference import parse_reference
from specr_mlflow.registry.settings import check_settings, local_folders
from specr_mlflow.registry.versions import Versions

_LARGEST_PREVIEW: Final = 8 << 20
"""Bytes of a file that is brought at plan."""


class ModelsSource:
    """Registered models. Fulfils `Source`, `Previewer` and `SettingsChecker`; see there for the promises."""

    def __init__(
        self,
        context: SourceContext,
        limits: HttpLimits = HttpLimits(read=30.0),  # noqa: B008 - a frozen value
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._context = context
        self._limits = limits
        self._pause = pause

    def check(self) -> tuple[Diagnostic, ...]:
        """See `SettingsChecker`."""
        return tuple(check_settings(self._context.settings))

    def resolve(self, reference: str, base: Path) -> Resolved:  # noqa: ARG002 - the Protocol's
        """See `Source`. The digest is never known: the registry keeps none."""
        wanted = parse_reference(reference)
        version = self._versions.find(wanted)
        return Resolved(
            None,
            identity=version.identity,
            described=version.pinned,
            pinned=version.pinned,
            origin={"source_model_name": version.name, "source_model_version": version.number},
        )

    def preview(self, resolved: Resolved, names: Collection[str], target: Path) -> bool:
        """See `Previewer`."""
        model, number = resolved.identity["model"], resolved.identity["version"]
        for name in names:
            content = self._server.small_file(model, number, name, _LARGEST_PREVIEW)
            if content is None:
                return False
            (target / name).write_bytes(content)
        return True

    def fetch(self, resolved: Resolved, reference: str, target: Path) -> Path:
        """See `Source`. What came whole of a transfer that broke off is kept for a later one."""
        version = self._versions.find(parse_reference(reference))
        uri = self._versions.download_uri(version)
        key = hashlib.sha256(encode_json([self._place.registry.url, resolved.identity])).hexdigest()[:32]
        place, settings = self._place, self._context.settings  # which are right, or there were no place
        limits = replace(self._limits, whole=float(settings.get(TIMEOUT, self._limits.whole)))
        download = Download(place, self._context.root, limits, self._pause, local_folders(settings))
        return download.fetch(uri, target, key=key, shown=version.pinned)

    @cached_property
    def _place(self) -> Place:
        return find_place(self._context.settings)

    @cached_property
    def _server(self) -> MlflowServer:
        return MlflowServer(self._place.registry, self._limits, self._pause)

    @cached_property
    def _versions(self) -> Versions:
        return Versions(self._server)

"""Values of options and arguments: addresses, variables, lengths of time."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from specr.address import Address

_DURATION: Final = r"(\d+(?:\.\d+)?)(ms|s|m|h)?"
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


class AddressType(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click only
    """`kind/name`."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Parse the text."""
        from specr.address import is_name, parse_address

        text = str(value)
        try:
            return parse_address(text)
        except ValueError as error:
            hint = _whole_address(text, _folder_of(ctx)) if is_name(text) else ""
            self.fail(f"{error}.{hint}", param, ctx)

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click's signature
        incomplete: str,
    ) -> list[CompletionItem]:
        """Addresses that specs declare or state records."""
        from click.shell_completion import CompletionItem

        known = _known_addresses(_folder_of(ctx))
        return [CompletionItem(text) for text in known if text.startswith(incomplete)]


def _folder_of(ctx: click.Context | None) -> Path:
    """The project's folder, as the command line says it."""
    return Path((ctx.find_root().params.get("folder") if ctx else None) or ".")


def _whole_address(name: str, folder: Path) -> str:
    """Suggests the addresses that end in a name, deployments first; empty where there are none."""
    ending = f"/{name}"
    found = [text for text in _known_addresses(folder) if text.endswith(ending)]
    found.sort(key=lambda text: not text.startswith("deployment/"))
    return f" Did you mean {' or '.join(found[:3])}?" if found else ""


def _known_addresses(folder: Path) -> list[str]:
    from specr.diagnostics import DiagnosticError
    from specr.workflow import Workspace

    try:
        with Workspace.open(folder) as workspace:
            state = workspace.backend.read()
            return sorted(map(str, workspace.specs.resources.keys() | state.objects.keys()))
    except DiagnosticError:
        return []  # whoever presses the tab key is not to be told what is wrong with their specs


class PathType(click.Path):
    """A path; an empty text is none, though it would pass for the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See that there is a name in it, and whatever else was asked for."""
        if not os.fspath(value):
            self.fail("it is empty, and names no file or folder.", param, ctx)
        return super().convert(value, param, ctx)


class VariableType(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click only
    """`name=value`."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first equals sign."""
        key, sign, text = str(value).partition("=")
        if not key or not sign:
            self.fail(f"{value!r} is not of the form name=value.", param, ctx)
        return key, text


class DurationType(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click only
    """`30s`, `5m`, `1h`, or seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Turn the text into seconds."""
        match = re.fullmatch(_DURATION, str(value))
        if match is None:
            self.fail(f"{value!r} is not a length of time; one looks like 30s, 5m or 1h.", param, ctx)
        return float(match[1]) * _SECONDS[match[2]]


class ImporterType(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click only
    """A kind of registry; which ones there are is told when it is opened."""

    name = "registry"

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002 - the same
        incomplete: str,
    ) -> list[CompletionItem]:
        """Kinds that plug-ins bring."""
        from click.shell_completion import CompletionItem

        from specr.importing.catalog import known_importers

        return [CompletionItem(kind) for kind in known_importers() if kind.startswith(incomplete)]


ADDRESS: Final = AddressType()
VARIABLE: Final = VariableType()
DURATION: Final = DurationType()
IMPORTER: Final = ImporterType()

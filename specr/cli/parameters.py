"""Values of options and arguments: addresses, variables, lengths of time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from specr.address import Address

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


class AddressType(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click only
    """`kind/name`."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Parse the text."""
        from specr.address import parse_address

        try:
            return parse_address(str(value))
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click's signature
        incomplete: str,
    ) -> list[CompletionItem]:
        """Addresses that specs declare or state records."""
        from click.shell_completion import CompletionItem

        folder = ctx.find_root().params.get("folder") or Path()
        return [CompletionItem(text) for text in _known_addresses(folder) if text.startswith(incomplete)]


def _known_addresses(folder: Path) -> list[str]:
    from specr.diagnostics import DiagnosticError
    from specr.workflow import Workspace

    try:
        with Workspace.open(folder) as workspace:
            state = workspace.backend.read()
            return sorted(map(str, workspace.specs.resources.keys() | state.objects.keys()))
    except DiagnosticError:
        return []  # whoever presses the tab key is not to be told what is wrong with their specs


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
        match = _DURATION.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r} is not a length of time; one looks like 30s, 5m or 1h.", param, ctx)
        return float(match[1]) * _SECONDS[match[2]]


ADDRESS: Final = AddressType()
VARIABLE: Final = VariableType()
DURATION: Final = DurationType()

"""What processors warn of: lines of their log that say so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from specr.address import Address
from specr.diagnostics import Diagnostic, Severity
from specr.providers.protocol import LogKeeper, Provider, ProviderError, TransientError
from specr.state.model import ObjectRef

_LINE: Final = re.compile(r"(?:[\w.-]+: )?warning: (.+)")
"""A warning, with or without the name of who warns before it."""

_LOOKED_AT: Final = 200
"""Lines at the end of a log that may hold warnings."""

_MOST: Final = 10


def processor_warnings(provider: Provider, ref: ObjectRef) -> Sequence[str]:
    """What the processor of a finished build has warned of, in its order; each once."""
    if not isinstance(provider, LogKeeper):
        return []
    try:
        lines = provider.logs(ref, tail=_LOOKED_AT)
    except (ProviderError, TransientError) as error:
        return [f"its log can't be read, so what it warned of is not known: {error}"]
    found = [match[1].strip() for line in lines if (match := _LINE.fullmatch(line))]
    return list(dict.fromkeys(found))[:_MOST]


def warn_of(address: Address, warnings: Iterable[str]) -> tuple[Diagnostic, ...]:
    """The warnings of a build as findings."""
    return tuple(
        Diagnostic(
            "Processor warned",
            f"The processor of {address} has done its work, and warns: {text}.",
            severity=Severity.WARNING,
            address=address,
        )
        for text in warnings
    )

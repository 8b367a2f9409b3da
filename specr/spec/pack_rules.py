"""What packs may hold, and what to say where one holds something else or can't be found."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from specr.address import Address
from specr.diagnostics import Diagnostic, Path, did_you_mean
from specr.spec.decode import is_known_kind
from specr.spec.document import Document, Finding

_KINDS: Final = ("ArtifactType", "ModelType", "Processor", "Runtime")
"""What packs may hold: catalogues, not what users deploy."""

_TOLD_KINDS: Final = f"{', '.join(_KINDS[:-1])} and {_KINDS[-1]} only"

_OWN: Final = frozenset({"dai", "h2o3", "mlflow", "pickle"})
"""The packs that specr's own plug-ins ship. For others no package is named: it could be a stranger's."""


def is_misplaced(document: Document) -> bool:
    """Whether a pack's document is of a kind that has no place there."""
    return is_known_kind(document.value) and document.value["kind"] not in _KINDS


def misplaced(document: Document) -> Finding:
    """Say so."""
    kind = document.value["kind"]
    diagnostic = Diagnostic(
        "Kind has no place in a pack",
        f"The pack {document.pack} declares something of kind {kind}; packs hold {_TOLD_KINDS}.",
        "Tell the authors of the pack, or leave it out.",
        path=("kind",),
    )
    return Finding(document, diagnostic)


def unknown_pack(name: str, why: str, installed: Collection[str], address: Address, path: Path) -> Diagnostic:
    """Say that a pack can't be used, and what there is; `address` and `path` are where it is named."""
    known = f"installed are: {', '.join(installed)}" if installed else "no pack is installed"
    return Diagnostic(
        "Unknown pack",
        f"The pack {name!r} can't be used: {why}; {known}.",
        did_you_mean(name, installed) or _plugin_of(name),
        address=address,
        path=path,
    )


def _plugin_of(pack: str) -> str:
    """How to come by a pack that is not installed."""
    if pack in _OWN:
        return f"Install its plug-in, in a clone of specr: pip install ./plugins/specr-{pack}."
    return "Install the plug-in that ships it."

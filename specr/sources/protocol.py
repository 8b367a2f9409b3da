"""What every source promises: resolve at plan, fetch at apply."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from specr.canonical import JsonObject


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a source means now.

    `digest` is None where only a fetch can tell; `identity` then holds what the source
    tells of itself cheaply (a URL's entity tag, size and date): as long as it stays the
    same, the content is taken to be the same. `path` is the content on this machine, for
    sources that lie here. `size` is in bytes.
    """

    digest: str | None
    size: int | None = None
    identity: JsonObject = field(default_factory=dict)
    path: Path | None = None
    described: str = ""


class Source(Protocol):
    """A place that artifact bytes come from, chosen by the form of the reference.

    Raises DiagnosticError where the place can't be read: absent, refused, too large,
    changed meanwhile, no answer in time.
    """

    def resolve(self, reference: str, base: Path) -> Resolved:
        """Find out what a reference means now. `base` is the folder that relative paths start from."""

    def fetch(self, resolved: Resolved, reference: str, target: Path) -> Path:
        """Bring the content here and return the path of the file or folder.

        That is where it lies already, or else `target`, which may hold the beginning of an
        earlier, broken transfer to be taken up.
        """

"""What every source promises: resolve at plan, fetch at apply."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Protocol, runtime_checkable

from msgspec import Struct, field

from specr.canonical import JsonObject
from specr.diagnostics import Diagnostic


class Resolved(Struct, frozen=True):
    """What a source means now.

    `digest` is None where only a fetch can tell; `identity` then holds what the source
    tells of itself cheaply (a URL's entity tag, size and date): as long as it stays the
    same, the content is taken to be the same. `path` is the content on this machine, for
    sources that lie here. `size` is in bytes. `described` is the reference as it may be
    shown, without what could be secret in it. `diagnostics` are warnings.

    An `identity` that is empty means that nothing can be told without a fetch.

    `pinned` is a reference that always means what this one means now, from sources whose
    references move, such as a registry's aliases: what is planned is fetched by it. `origin`
    holds what the source knows of where the content came from, for the experiment's metadata.
    """

    digest: str | None
    size: int | None = None
    identity: JsonObject = field(default_factory=dict)
    path: Path | None = None
    described: str = ""
    pinned: str = ""
    origin: JsonObject = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


class Digests(Protocol):
    """Finds out the digest of content on this machine, reading only what it does not know yet."""

    def measure(self, path: Path) -> tuple[str, int]:
        """The digest and size in bytes of a file or folder.

        Raises:
            DiagnosticError: it can't be read, or holds what can't be kept.
        """


class Source(Protocol):
    """A place that artifact bytes come from, chosen by the form of the reference.

    Raises DiagnosticError where the place can't be read: absent, refused, too large,
    changed meanwhile, no answer in time.
    """

    def resolve(self, reference: str, base: Path) -> Resolved:
        """Find out what a reference means now. `base` is the folder that relative paths start from."""

    def fetch(self, resolved: Resolved, reference: str, target: Path) -> Path:
        """Bring the content here and return the path of the file or folder.

        That is where it lies already, or else `target`, a path that does not exist yet. A
        transfer that breaks off is taken up where it stopped by a later call, in a later
        process too, if the place can do that.
        """


@runtime_checkable
class SettingsChecker(Protocol):
    """A source that can say what is wrong with the project's settings of it, before anything is asked."""

    def check(self) -> tuple[Diagnostic, ...]:
        """All findings, each with the path in the Project, `("spec", "sources", scheme, …)`. No I/O."""


@runtime_checkable
class Previewer(Protocol):
    """A source that can bring single files of a folder at plan, so that a reader can tell what is in them."""

    def preview(self, resolved: Resolved, names: Collection[str], target: Path) -> bool:
        """Bring these files into the folder `target`, which is there; False where one can't be had now.

        It is asked for in passing, so it gives up rather than tries again, and raises nothing: what
        is wrong with the content, the fetch will tell.
        """

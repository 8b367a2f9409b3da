"""Where everything lies in a store's folder: names only, nothing is opened here but listings."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{2})([0-9a-f]{62})")


class Layout(Struct, frozen=True):
    """The places below a store's root, an absolute path."""

    root: Path

    @property
    def lock(self) -> Path:
        """Shared by those who use content, exclusive to those who free it."""
        return self.root / "lock"

    @property
    def objects(self) -> Path:
        """Content, by the first two and the other digits of its digest."""
        return self.root / "objects"

    @property
    def staging(self) -> Path:
        """One folder for each piece of work that is under way."""
        return self.root / "staging"

    @property
    def leases(self) -> Path:
        """One file for each process at work: the digests it uses, line by line."""
        return self.root / "leases"

    @property
    def recent(self) -> Path:
        """One empty file for each digest; its time is when that was last used."""
        return self.root / "recent"

    def place(self, digest: str) -> Path | None:
        """Where content with this digest lies or would lie; None for what is no digest."""
        match = _DIGEST.fullmatch(digest)
        return self.objects / match[1] / match[2] if match else None

    def note(self, fingerprint: str) -> Path:
        """Where it is noted what a build with this fingerprint, any text, gave."""
        name = hashlib.sha256(fingerprint.encode()).hexdigest()
        return self.root / "builds" / name[:2] / name[2:]

    def marker(self, digest: str) -> Path:
        """The file in `recent` for a digest."""
        return self.recent / digest.removeprefix("sha256:")

    def contents(self) -> Iterator[tuple[str, Path]]:
        """Every digest that is there, with its place, in order."""
        return _digests_below(self.objects)

    def notes(self) -> Iterator[tuple[str, Path]]:
        """Every note of a build that is there, by the digest of its fingerprint."""
        return _digests_below(self.root / "builds")


def listed(folder: Path) -> list[str]:
    """The names in a folder, in order; none where there is no folder."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names are wanted, not paths
    except (FileNotFoundError, NotADirectoryError):
        return []


def _digests_below(folder: Path) -> Iterator[tuple[str, Path]]:
    for start in listed(folder):
        for rest in listed(folder / start):
            digest = f"sha256:{start}{rest}"
            if _DIGEST.fullmatch(digest):
                yield digest, folder / start / rest

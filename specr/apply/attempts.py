"""What attempts that failed have printed, kept beside the project.

What fails is removed from its provider, and its log with it; without a copy, the few lines in
the error would be all that is left of it. Only the last failed attempt of an address is kept, until the
address is changed with success or removed. This machine has it, whatever the provider.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from specr.address import Address
from specr.workfolder import Kept, ensure_work_folder

_log = logging.getLogger(__name__)

LONGEST: Final = 10_000
"""Lines of a log that are kept, counted from its end."""

_READABLE: Final = 100
"""Characters of an address that make up the name of its file; a digest stands for the rest."""


class FailedAttempt(NamedTuple):
    """The log of an attempt that failed. `when` is in seconds since 1970."""

    when: float
    lines: tuple[str, ...]


class FailedAttempts:
    """The failed attempts of one state, in a folder that need not exist."""

    def __init__(self, root: Path, lineage: str) -> None:
        """`root` is the project's folder."""
        self._folder = root / Kept.FAILED.path / lineage

    def keep(self, address: Address, lines: Sequence[str]) -> None:
        """Keep what an attempt has printed, instead of what an earlier one had.

        Raises:
            OSError: the disk refuses.
        """
        place = ensure_work_folder(self._folder) / _file_name(address)
        part = place.with_suffix(".part")
        part.write_text(
            "".join(f"{line}\n" for line in lines), encoding="utf-8", errors="replace", newline=""
        )
        part.replace(place)

    def find(self, address: Address) -> FailedAttempt | None:
        """The last failed attempt of an address, if it is kept."""
        try:
            with (self._folder / _file_name(address)).open(encoding="utf-8", newline="") as file:
                # Not `splitlines`: it also splits at characters that programs print within a line.
                lines = tuple(file.read().split("\n")[:-1])
                return FailedAttempt(os.fstat(file.fileno()).st_mtime, lines)
        except FileNotFoundError:
            return None

    def forget(self, address: Address) -> None:
        """Drop what is kept of an address.

        A disk that refuses only leaves a log too many, dated; no change fails for it.
        """
        try:
            (self._folder / _file_name(address)).unlink(missing_ok=True)
        except OSError as error:
            _log.info("the log of the last failed attempt at %s stays: %s", address, error)


def _file_name(address: Address) -> str:
    """A name that any file system takes, and that no other address has."""
    text = str(address)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{quote(text, safe='')[:_READABLE]}-{digest}.log"

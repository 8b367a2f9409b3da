"""Folders by content, outside the checkout: environments and built models are made once.

A folder is made beside its place and renamed into it, so it is there whole or not at all. A lock for each
key keeps two runs from making the same one; whoever comes second finds it made.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def cache_folder() -> Path:
    """Where the caches are: SPECR_CACHE_DIR, else `specr` in the user's cache folder."""
    named = os.environ.get("SPECR_CACHE_DIR")
    if named:
        return Path(named).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "specr"


def key_of(parts: Iterable[str | bytes]) -> str:
    """A name for what these parts determine; each is hashed with its length, so none run together."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Cache:
    """Folders of one sort."""

    folder: Path

    def get(self, key: str, make: Callable[[Path], None]) -> tuple[Path, bool]:
        """The folder of this key, and whether it had to be made; `make` fills an empty folder."""
        path = self.folder / key
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock(key):
            if path.exists():
                return path, False
            making = Path(tempfile.mkdtemp(prefix=f".{key}.", dir=self.folder))
            try:
                make(making)
                making.rename(path)
            except BaseException:
                shutil.rmtree(making, ignore_errors=True)
                raise
        return path, True

    @contextmanager
    def _lock(self, key: str) -> Iterator[None]:
        with (self.folder / f".{key}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for left in self.folder.glob(f".{key}.*"):  # by a run that was killed: the lock is ours now
                if left.is_dir():
                    shutil.rmtree(left)
            yield

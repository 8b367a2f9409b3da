"""The target: a folder that appears whole or not at all, whoever ends the process, and when.

The work is done in a stage beside the target, or in it where it is an empty folder, and is
moved into place at the end. Nothing that others have put there is ever removed.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from specr_processor.errors import SourceError


@dataclass(frozen=True, slots=True)
class Stage:
    """Room for the work: `work` is an empty folder on the file system of the target.

    `marker` is the file that every result has, by which an earlier one is known.
    """

    target: Path
    marker: str
    fills: bool
    _folder: Path

    @property
    def work(self) -> Path:
        """An empty folder to work in; what is left in it goes with the stage."""
        return self._folder / "work"

    def publish(self, result: Path) -> None:
        """Move the folder `result`, which lies in `work`, to the target.

        Raises:
            SourceError: it is no folder with the marker in it.
        """
        if not (result / self.marker).is_file():
            raise SourceError(f"there is no {self.marker} in what was made of it")
        if self.fills:
            self._move_entries(result)
            return
        if self.target.exists():
            self.target.rename(self._folder / "earlier")
        result.chmod(0o755)
        result.rename(self.target)

    def _move_entries(self, result: Path) -> None:
        """Move the entries into the target, the marker last, so that half a result is none."""
        for entry in sorted(result.iterdir(), key=lambda found: (found.name == self.marker, found.name)):
            entry.rename(self.target / entry.name)


@contextlib.contextmanager
def open_stage(target: Path, marker: str, product: str) -> Iterator[Stage]:
    """Prepare the way to a target, which may be missing, an empty folder, or an earlier result.

    Raises:
        SourceError: something else is there; `product` is what it isn't.
        OSError: the disk would not.
    """
    if target.exists() and not _replaceable(target, marker):
        raise SourceError(f"TARGET_PATH {target} already holds something that is no {product}")
    # an empty target may be a mount of its own, or the only place this user may write to
    fills = target.is_dir() and not any(target.iterdir())
    place = target if fills else target.parent
    place.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".specr-", dir=place))
    try:
        (folder / "work").mkdir()
        yield Stage(target, marker, fills, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _replaceable(target: Path, marker: str) -> bool:
    """Whether the target is free, or an earlier run's result, which another run may write anew."""
    return target.is_dir() and ((target / marker).exists() or not any(target.iterdir()))

"""The store in a folder: content under `objects/`, named by its digest.

Content is copied or moved to `staging/` on the same disk, made read-only, synced, and then
renamed to its place in one step; so it is there and whole, or not there. What a killed
process leaves lies in `staging/` and `leases/`, whose locks the kernel has let go of; `gc`
knows it by that, and who begins a lease removes those of the dead.

    objects/ab/cd…      a file or folder with the digest sha256:abcd…
    builds/ab/cd…       which content a build gave, by the digest of its fingerprint
    staging/<name>/     `content/`, and `lock`, held while its process lives
    leases/<name>       held by a process at work: the digests it uses
    recent/abcd…        empty; its time is when the content was last added or asked for
    lock                shared by those who use content, exclusive to `gc`
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from specr.canonical import encode_json
from specr.diagnostics import DiagnosticError
from specr.store import sweep
from specr.store.cache import DigestCache
from specr.store.content import Measure, Survey
from specr.store.copying import copy_content, remove, seal, seal_top, sync, unseal_top
from specr.store.layout import Layout
from specr.store.lease import Lease
from specr.store.locks import hold, locked
from specr.store.protocol import Stored
from specr.store.trouble import damaged, disk_errors, left_behind, unexpected
from specr.workfolder import ensure_work_folder

GRACE: Final = 3600.0
"""Seconds for which `gc` spares content after it was added or asked for."""

_WORTH_NOTING: Final = 64 << 20
"""Bytes from which hashing content again costs more than waiting for the clock's next tick."""

_TICK: Final = 0.02
"""Seconds after which file systems tell a further change by its time; Linux ticks every 10 ms at least."""


class FolderStore:
    """Content by digest in a folder. Fulfils `Store`; see there for what each method promises.

    Nothing is written but below `root` and in the cache's folder, and nothing is created by
    asking for what is not there. A store that can't be written to can still be read.
    """

    def __init__(self, root: Path, cache: DigestCache | None = None, *, grace: float = GRACE) -> None:
        """Use a folder, which need not exist yet. `grace` is in seconds."""
        self._root = root.resolve()  # the cache knows files by their real paths
        self._layout = Layout(self._root)
        self._cache = cache or DigestCache(None)
        self._grace = grace
        self._lease = Lease(self._layout)

    def has(self, digest: str) -> bool:
        """See `Store`."""
        return self._use(digest) is not None

    def path(self, digest: str) -> Path:
        """See `Store`. Hashes only the files that the cache does not know in their present state."""
        place = self._use(digest)
        if place is None:
            raise LookupError(f"{digest} is not in the store")
        # Not `_is_sound`: content that can't be read is told as such, not as damaged.
        if self._cache.measure(place).digest != digest:
            raise damaged(place, digest, is_gone=self._discard(place, digest))
        return place

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """See `Store`."""
        with disk_errors(self._root):
            area, descriptor = self._stage()
        try:
            yield area / "content"
        finally:
            try:
                with disk_errors(self._root):
                    remove(area)
            finally:
                os.close(descriptor)

    def add(self, content: Path, *, expected: str | None = None, move: bool = False) -> Stored:
        """See `Store`. Content that is there but damaged is replaced."""
        move = move and not content.is_symlink() and not self._keeps(content)
        if move or (expected and self.has(expected)):
            surveyed = self._cache.survey(content)
            known: Measure | None = surveyed.measure
        else:
            surveyed, known = None, self._cache.known(content)
        if known is not None:
            _refuse_unexpected(content, known, expected)
            if self._use(known.digest) and self._is_sound(known.digest):
                if move:
                    with disk_errors(content):
                        remove(content)
                return Stored(*known)
        with self.staging() as area, disk_errors(self._root):
            draft = area / "draft"
            if surveyed is None or not (move and _renamed(content, draft)):
                surveyed = copy_content(content, draft)
                _refuse_unexpected(content, surveyed.measure, expected or (known.digest if known else None))
                if move:
                    remove(content)
            seal(draft)
            self._publish(draft, surveyed)
        return Stored(*surveyed.measure)

    def remember_build(self, fingerprint: str, digest: str) -> None:
        """See `Store`."""
        note = self._layout.note(fingerprint)
        with self.staging() as area, disk_errors(self._root):
            draft = area / "note"
            draft.write_bytes(encode_json({"fingerprint": fingerprint, "digest": digest}))
            ensure_work_folder(note.parent)
            draft.replace(note)  # not synced: a note that a power cut spoils counts as none

    def find_build(self, fingerprint: str) -> str | None:
        """See `Store`. A note that can't be made out counts as none, so that the build runs once more."""
        with disk_errors(self._root):
            noted = sweep.read_note(self._layout.note(fingerprint))
        digest = noted.get("digest")
        if noted.get("fingerprint") != fingerprint or not isinstance(digest, str):
            return None
        return digest if self.has(digest) else None

    def digests(self) -> Iterator[Stored]:
        """See `Store`. In the order of the digests."""
        with disk_errors(self._root):
            found = [Stored(digest, sweep.size_on_disk(place)) for digest, place in self._layout.contents()]
        return iter(found)

    def gc(self, keep: frozenset[str], *, dry_run: bool = False) -> tuple[Stored, ...]:
        """See `Store`. Spares what was used within the grace period, or is used by another live process."""
        if not self._is_there():
            return ()
        found, since = tuple(self.digests()), time.time() - self._grace
        if dry_run:
            with disk_errors(self._root), locked(self._layout.lock, shared=True):
                keep |= sweep.in_use(self._layout, own=self._lease.path)
                return sweep.unneeded(self._layout, found, keep, since)
        with self.staging() as trash, disk_errors(self._root), locked(self._layout.lock):
            keep |= sweep.in_use(self._layout, own=self._lease.path)
            doomed = sweep.unneeded(self._layout, found, keep, since)
            sweep.withdraw(self._layout, doomed, trash)
            self._lease.forget(s.digest for s in doomed)
            sweep.tidy(self._layout)
            left = tuple(sweep.abandoned(self._layout))
        stuck = [error for path in left if (error := _try_to_remove(path)) is not None]
        if stuck:
            raise left_behind(*stuck[0])
        return doomed

    def _is_there(self) -> bool:
        """Whether the store's folder is; something else in its place is told."""
        with disk_errors(self._root):
            try:
                os.scandir(self._root).close()
            except FileNotFoundError:
                return False
        return True

    def _use(self, digest: str) -> Path | None:
        """Where content lies, marked as in use from now on; None where it is not there."""
        place = self._layout.place(digest)
        if place is None or not os.path.lexists(place):
            return None
        if not self._lease.covers(digest):
            try:
                self._prepare()
                with locked(self._layout.lock, shared=True):
                    self._mark(digest)
            except OSError:
                return place  # read-only or full: whoever can free content has rights that we have not
        return place if os.path.lexists(place) else None

    def _keeps(self, content: Path) -> bool:
        return content.resolve().is_relative_to(self._layout.objects)

    def _mark(self, digest: str) -> None:
        self._layout.marker(digest).touch()
        self._lease.cover(digest)

    def _is_sound(self, digest: str) -> bool:
        place = self._layout.place(digest)
        assert place is not None
        try:
            return self._cache.measure(place).digest == digest
        except DiagnosticError:
            return False  # unreadable, or of a kind that is never kept

    def _discard(self, place: Path, digest: str) -> bool:
        """Take damaged content out of the store, so that it is brought back; whether it is gone."""
        try:
            with self.staging() as area, locked(self._layout.lock):
                if not self._is_sound(digest):  # nobody has mended it meanwhile
                    unseal_top(place)
                    place.rename(area / "damaged")
                    self._lease.forget([digest])
        except (OSError, DiagnosticError):
            return not os.path.lexists(place)  # a store that may only be read keeps it
        return True

    def _stage(self) -> tuple[Path, int]:
        """A new area in staging, and the descriptor that holds its lock."""
        self._prepare()
        area = self._layout.staging / f"{os.getpid()}-{os.urandom(8).hex()}"
        # Under the lock, so that no `gc` takes an area for abandoned before it is held.
        with locked(self._layout.lock, shared=True):
            area.mkdir(0o700)
            descriptor = hold(area / "lock")
        (area / "content").mkdir()
        return area, descriptor

    def _prepare(self) -> None:
        if self._layout.recent.is_dir():
            return  # the last of those that are made below
        for folder in (self._layout.staging, self._layout.leases, self._layout.recent):
            ensure_work_folder(folder)

    def _publish(self, draft: Path, surveyed: Survey) -> None:
        """Rename content to its place, unless someone else has brought the same there just now."""
        digest, size = surveyed.measure
        place = self._layout.place(digest)
        assert place is not None
        with locked(self._layout.lock):
            self._mark(digest)
            if os.path.lexists(place) and not self._is_sound(digest):
                unseal_top(place)
                place.rename(draft.with_name("damaged"))
            if not os.path.lexists(place):
                _rename_for_good(draft, place)
                seal_top(place)
        if size >= _WORTH_NOTING:
            time.sleep(_TICK)
            files = ((place / path if path else place, digest) for path, digest in surveyed.hashes.items())
            self._cache.remember((file, file.lstat(), digest) for file, digest in files)


def _try_to_remove(path: Path) -> tuple[Path, OSError] | None:
    """Remove what was left behind; or what is in the way of that."""
    try:
        remove(path)
    except OSError as error:
        return path, error
    return None


def _refuse_unexpected(content: Path, found: Measure, expected: str | None) -> None:
    if expected is not None and found.digest != expected:
        raise unexpected(content, found.digest, expected)


def _renamed(content: Path, draft: Path) -> bool:
    """Move content within one disk, if it lies on that disk and may be moved."""
    try:
        content.rename(draft)
    except OSError:
        return False  # on another disk, or in a folder of someone else: it is copied instead
    return True


def _rename_for_good(draft: Path, place: Path) -> None:
    """Rename to a place below the store, and bring that to the disk itself."""
    if not place.parent.is_dir():
        ensure_work_folder(place.parent)
        sync(place.parent.parent)
    draft.replace(place)
    sync(place.parent)

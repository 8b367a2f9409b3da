"""Which bytes are pickles: told by content, through archives, arrays, compression and nesting.

A name only ever adds suspicion. Whatever is not looked into is told as a doubt.
"""

import lzma
import re
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO, Final

from specr_processor.pickles.machine import follow
from specr_processor.pickles.opcodes import Buffer
from specr_processor.pickles.places import MAGIC, Place, decompress, mapped, path_of
from specr_processor.pickles.trace import Doubt, Global, Trace
from specr_processor.pickles.values import Span
from specr_processor.unpack import Limits

_SUFFIXES: Final = (".pkl", ".pickle", ".p", ".joblib", ".cloudpickle", ".pt", ".pth", ".ckpt", ".pth.tar")
"""Names that loaders of pickles are given."""

_DEPTH: Final = 8
"""How deep pickles may lie in one another, in archives and in compression."""

_PIECE: Final = 1 << 20
_SMALLEST_ZIP: Final = 22
_ZIP_MEMBER: Final = b"PK\x03\x04"
_NUMPY: Final = b"\x93NUMPY"
_PROTOCOL: Final = re.compile(rb"\x80[\x00-\x05]")
_MODULE: Final = re.compile(r"[\w-]+(\.[\w-]+)*")
"""What can be imported. Files of text that begin like a pickle do by chance hold other things."""
_NAME: Final = re.compile(r"[\w<>-]+(\.[\w<>-]+)*")

_UNREADABLE: Final = {
    b"\x04\x22\x4d\x18": "lz4",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"ZF0x": "joblib's old way",
}
"""Compressions that loaders know and the standard library doesn't."""

_FAULTS: Final = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError),
    # encrypted members, methods that zipfile lacks, forged fields
    *(RuntimeError, NotImplementedError, ValueError, LookupError, OverflowError, struct.error),
)
"""What archives are refused with that are damaged, or made to be."""


class _TooLargeError(Exception):
    """More comes out of an archive than there is room for."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something in a file: a global that a pickle looks up, or a doubt.

    `file` is relative to the tree, `inside` the way within it: members of archives.
    """

    file: str
    inside: tuple[str, ...]
    what: Global | Doubt

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        path = path_of(self.file, self.inside)
        return path if self.what.at is None else f"{path}, byte {self.what.at}"


@dataclass(slots=True)
class Search:
    """One search through the files of a model.

    `work` is a folder for temporary files, `limits` say how far archives may grow. `pickles` counts what
    was found; `cut` are those, by their names, whose bytes end before they do; `is_joblib` says that one of
    them needs joblib to be loaded, being compressed or holding its arrays.
    """

    work: Path
    limits: Limits
    sightings: list[Sighting] = field(default_factory=list)
    pickles: int = 0
    cut: list[str] = field(default_factory=list)
    is_joblib: bool = False
    _unpacked: int = 0

    def file(self, path: Path, name: str, *, joblib: bool = False) -> None:
        """Search one file. `name` is what it is called in messages.

        With `joblib` it is judged by what joblib.load makes of it alone. pickle.load takes the arrays of
        such a file for instructions, and then even honest ones refer to things by chance.
        """
        with path.open("rb") as file, mapped(file) as data:
            self._look(Place(data, 0, len(data), name, joblib=joblib))

    def _look(self, place: Place) -> None:
        if place.depth > _DEPTH:
            self._doubt(place, "it is nested too deeply to be looked into")
            return
        self._look_at_pickles(place)
        head = place.head
        if head.startswith(_NUMPY):
            self._look_at_array(place)
        if head.startswith(b"PK") or (place.depth == 0 and place.end >= _SMALLEST_ZIP):
            self._look_at_zip(place)
        if head[257:262] == b"ustar":
            self._look_at_tar(place)
        pieces = decompress(place)
        if pieces is not None:
            before = self.pickles
            self._look_at_compressed(place, pieces)
            self.is_joblib = self.is_joblib or (place.depth == 0 and self.pickles > before)
        for magic, method in _UNREADABLE.items():
            if head.startswith(magic):
                self._doubt(place, f"it is compressed with {method} and can't be looked into")

    def _look_at_pickles(self, place: Place) -> None:
        """One pickle after another, as far as they go."""
        at = place.start
        while at < place.end:
            plain = follow(place.data, at, place.end)
            traces = [plain]
            if plain.wraps_arrays:
                # pickle.load and joblib.load read such a file differently.
                by_joblib = follow(place.data, at, place.end, joblib=True)
                traces = [by_joblib] if place.joblib else [plain, by_joblib]
            for trace in traces:
                if _is_pickle(trace, place, at):
                    self._note(trace, place)
            done = [trace.end for trace in traces if trace.stopped]
            if not done:
                if at == place.start and traces[-1].cut and _is_pickle(traces[-1], place, at):
                    self._note_cut(place)
                return
            at = max(done)

    def _note(self, trace: Trace, place: Place) -> None:
        self.pickles += 1
        self.is_joblib = self.is_joblib or trace.wraps_arrays
        found: list[Global | Doubt] = [*trace.globals, *trace.doubts]
        self.sightings += [Sighting(place.file, place.inside, what) for what in found]
        for loaded in trace.loaded:
            whole = (
                (loaded, 0, len(loaded))
                if isinstance(loaded, bytes)
                else (place.data, loaded.start, loaded.end)
            )
            self._look(place.within(*whole))
        for constant in trace.constants:
            if isinstance(constant, Span):
                self._look(place.value(place.data, constant.start, constant.end))
            elif (data := _as_bytes(constant)) is not None:
                self._look(place.value(data, 0, len(data)))

    def _note_cut(self, place: Place) -> None:
        """What comes after a whole pickle may only look like one; so may what no loader is named for."""
        if place.is_named(_SUFFIXES):
            self.cut.append(place.path)

    def _look_at_array(self, place: Place) -> None:
        """A `.npy`: after its header, an array of objects is a pickle."""
        version = place.data[place.start + 6 : place.start + 7]
        width = 2 if version == b"\x01" else 4
        start = place.start + 8 + width
        length = int.from_bytes(place.data[start - width : start], "little")
        self._look_at_pickles(place.within(place.data, min(start + length, place.end), place.end))

    def _look_at_zip(self, place: Place) -> None:
        """A zip anywhere in the bytes: its table of contents is at their end."""
        view = place.view()
        try:
            if not zipfile.is_zipfile(view):
                return
            archive = zipfile.ZipFile(view)
        except _FAULTS as error:
            if place.head.startswith(b"PK"):
                self._doubt(place, f"it is a zip that can't be read ({error})")
            return
        with archive:
            for member in archive.infolist():
                if not member.is_dir():
                    self._look_at_member(place, member.filename, partial(archive.open, member))

    def _look_at_tar(self, place: Place) -> None:
        try:
            with tarfile.open(fileobj=place.view(), mode="r:") as archive:
                for member in archive:
                    if member.isreg():
                        self._look_at_member(place, member.name, partial(archive.extractfile, member))
        except _FAULTS as error:
            self._doubt(place, f"it is a tar that can't be read ({error})")

    def _look_at_member(self, place: Place, name: str, open_: Callable[[], IO[bytes] | None]) -> None:
        with ExitStack() as stack:
            try:
                content = open_()
                assert content is not None
                pieces = iter(lambda: content.read(_PIECE), b"")
                data = stack.enter_context(self._spooled(place, pieces))
                content.close()
            except (*_FAULTS, _TooLargeError) as error:
                self._doubt(place, f"its member {name} can't be read ({error})")
                return
            self._look(place.member(data, name))

    def _look_at_compressed(self, place: Place, pieces: Iterator[bytes]) -> None:
        """What comes out, as far as it does: a loader would have taken it in by then."""
        with ExitStack() as stack:
            try:
                data = stack.enter_context(self._spooled(place, pieces))
            except _TooLargeError as error:
                self._doubt(place, str(error))
                return
            self._look(replace(place.within(data, 0, len(data)), joblib=place.joblib))

    @contextmanager
    def _spooled(self, place: Place, pieces: Iterator[bytes]) -> Iterator[Buffer]:
        """Pieces in a temporary file, so that memory does not depend on their size."""
        limits = self.limits
        ratio = max(limits.free_bytes, (place.end - place.start) * limits.ratio)
        most = min(limits.total_bytes - self._unpacked, ratio)
        size = 0
        with tempfile.TemporaryFile(dir=self.work) as file:
            for piece in pieces:
                size += len(piece)
                if size > most:
                    raise _TooLargeError(f"it unpacks to more than {most} bytes")
                file.write(piece)
            self._unpacked += size
            with mapped(file) as data:
                yield data

    def _doubt(self, place: Place, why: str) -> None:
        self.sightings.append(Sighting(place.file, place.inside, Doubt(why, place.start)))


def _is_pickle(trace: Trace, place: Place, at: int) -> bool:
    """Whether these bytes are meant to be unpickled, or would do anything if they were.

    Text may begin like a pickle by chance. What does not say that it is one, has no telling name
    and comes to no end is one all the same if it calls and names something that can be imported.
    """
    if not trace.globals and not trace.doubts:
        return trace.stopped and trace.end - at > 2
    if place.constant:
        return _is_held_pickle(trace, place)
    if trace.stopped or place.is_named(_SUFFIXES) or _PROTOCOL.match(place.data[at : at + 2]):
        return True
    return trace.calls and any(map(_is_importable, trace.globals))


def _is_held_pickle(trace: Trace, place: Place) -> bool:
    """Whether a value that a pickle holds is a pickle, too.

    Models hold megabytes of numbers, of which a few always begin with instructions. So it takes a
    pickle that ends where the value does, or names that could be imported.
    """
    if trace.stopped and trace.end == place.end:
        return True
    return (trace.calls or trace.stopped) and any(map(_is_importable, trace.globals))


def _is_importable(found: Global) -> bool:
    return bool(_MODULE.fullmatch(found.module) and _NAME.fullmatch(found.name))


def _as_bytes(text: str) -> bytes | None:
    """The bytes that a text stands for in old protocols, where they may be a pickle or an archive."""
    if len(text) < 4 or ord(text[0]) > 255:
        return None
    try:
        data = text.encode("latin-1")
    except UnicodeEncodeError:
        return None
    known = (_ZIP_MEMBER, _NUMPY, *MAGIC, *_UNREADABLE)
    return data if _PROTOCOL.match(data) or data.startswith(known) else None

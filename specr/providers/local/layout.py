"""Where the local provider keeps what it knows of its objects, and nothing else.

    <folder>/<lineage>/<token>/       one object
        order.json                    what was ordered
        work/                         the working folder of its processes
        target/output                 what a processor writes
        checking                      the input was not yet found unchanged
        collecting                    the output is on its way into the store
        output.json                   the output's digest and size, once it is in the store
        runs/<slot>.<number>.<port>.<random>/   one process, see `supervisor`

The newest run of a slot, the one with the highest number, counts. A deployment has a slot
for each replica, a build has one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from specr.canonical import JsonObject, decode_json, encode_json
from specr.providers.orders import decode_order, encode_order
from specr.providers.protocol import Order
from specr.store.copying import remove

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_RUN: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)\.[0-9a-f]+")
_GONE: Final = ".gone~"


class RunFolder(Struct, frozen=True):
    """The folder of one process. `port` is None for builds."""

    path: Path
    slot: int
    number: int
    port: int | None


class ObjectFolder(Struct, frozen=True):
    """The folder of one object, which need not exist."""

    path: Path

    @property
    def work(self) -> Path:
        """The working folder of its processes."""
        return self.path / "work"

    @property
    def target(self) -> Path:
        """What a processor writes."""
        return self.path / "target" / "output"

    @property
    def collecting(self) -> Path:
        """There while the output is on its way into the store."""
        return self.path / "collecting"

    @property
    def checking(self) -> Path:
        """There while the input of an ended build is being checked, and once it was found changed."""
        return self.path / "checking"

    def exists(self) -> bool:
        """Whether anything is known of the object."""
        return self.path.is_dir()

    def order(self) -> Order | None:
        """What was ordered, if that was written down before a crash."""
        data = _read_json(self.path / "order.json")
        try:
            return decode_order(data) if data is not None else None
        except (ValueError, KeyError):
            return None

    def keep_order(self, order: Order) -> None:
        """Write down what was ordered. Secrets stay the references that they are."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.path / "order.json", encode_order(order))

    def output(self) -> JsonObject | None:
        """`{digest, size}` of a build that is done."""
        return _read_json(self.path / "output.json")

    def keep_output(self, output: JsonObject) -> None:
        """Write down that a build is done."""
        write_json(self.path / "output.json", output)

    def runs(self) -> list[RunFolder]:
        """All runs, oldest first."""
        try:
            found = [_parse_run(path) for path in (self.path / "runs").iterdir()]
        except FileNotFoundError:
            return []
        return sorted((run for run in found if run), key=lambda run: run.number)

    def current(self) -> dict[int, RunFolder]:
        """The newest run of each slot."""
        return {run.slot: run for run in self.runs()}

    def new_run(self, slot: int, port: int | None, run: JsonObject) -> RunFolder:
        """Make the folder of a new run, the newest of its slot."""
        number = max((run.number for run in self.runs()), default=0) + 1
        # Random, so that a launcher that comes late never finds a folder of the same name.
        name = f"{slot}.{number}.{port or 0}.{os.urandom(4).hex()}"
        folder = RunFolder(self.path / "runs" / name, slot, number, port)
        folder.path.mkdir(parents=True)
        write_json(folder.path / "run.json", run)
        return folder

    def forget(self, runs: Iterable[RunFolder]) -> None:
        """Remove the folders of runs that have ended."""
        for run in runs:
            remove_tree(run.path)

    def remove(self) -> None:
        """Remove the folder, in one step for whoever looks; and what an earlier removal has left."""
        gone = f"{_GONE}{self.path.name}~"
        with contextlib.suppress(FileNotFoundError):
            self.path.rename(self.path.with_name(f"{gone}{os.urandom(8).hex()}"))
        for left in self.path.parent.glob(f"{gone}*"):
            remove_tree(left)


class Layout(Struct, frozen=True):
    """The folders of one lineage's objects."""

    folder: Path
    lineage: str

    def object(self, token: str) -> ObjectFolder:
        """The folder of the object with this token."""
        return ObjectFolder(self.place / _plain(token))

    @property
    def place(self) -> Path:
        """Where the objects are."""
        return self.folder / _plain(self.lineage)

    def others(self) -> Iterator[Layout]:
        """Those of other lineages that there are beside this one."""
        if self.folder.is_dir():
            for path in sorted(self.folder.iterdir()):
                if path != self.place and _PLAIN.fullmatch(path.name):
                    yield Layout(self.folder, path.name)

    def objects(self) -> Iterator[ObjectFolder]:
        """The folders of all objects that there are."""
        if self.place.is_dir():
            paths = sorted(self.place.iterdir())
            yield from (ObjectFolder(path) for path in paths if not path.name.startswith(_GONE))


def write_json(path: Path, value: JsonObject) -> None:
    """Write a file, whole or not at all, whenever the process dies."""
    draft = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    draft.write_bytes(encode_json(value))
    draft.replace(path)


def remove_tree(path: Path) -> None:
    """Remove a folder and all in it, also what programs have made read-only or nested deeply there."""
    remove(path)


def _read_json(path: Path) -> dict[str, Any] | None:
    """A file that was written whole; one that a disk has damaged counts as not there."""
    try:
        value = decode_json(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _parse_run(path: Path) -> RunFolder | None:
    match = _RUN.fullmatch(path.name)
    if match is None:
        return None
    slot, number, port = map(int, match.groups())
    return RunFolder(path, slot, number, port or None)


def _plain(text: str) -> str:
    """A file name for a lineage or token: itself where that can be one, else its digest."""
    return text if _PLAIN.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()

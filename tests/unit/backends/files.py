"""State files in every condition that tests need them in."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from specr.backends.protocol import Lease, Put, StartRun
from specr.backends.sqlite import SqliteBackend
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.testing.backend_site import make_object

NOBODY = 65534


def begin(path: Path) -> tuple[SqliteBackend, Lease]:
    """A new state at serial 2 with two objects, open and locked: its newest commits are in its log."""
    backend = SqliteBackend(path)
    lease = backend.lock(holder="ann", operation="apply", seconds=3600)
    backend.write(lease, 0, [StartRun("apply", "sha256:p", "ann"), Put(make_object("a", number=1))])
    backend.write(lease, 1, [Put(make_object("b", number=2))], durable=False)
    return backend, lease


def make_closed(path: Path) -> Path:
    """The same, closed: all of it is in the file."""
    begin(path)[0].close()
    return path


def make_crashed(path: Path, *, with_index: bool = True) -> Path:
    """The same as a killed process leaves it: with its log, and the log's index."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        live = Path(folder, "live.db")
        backend, _ = begin(live)
        for suffix in ("", "-wal", "-shm") if with_index else ("", "-wal"):
            shutil.copyfile(f"{live}{suffix}", f"{path}{suffix}")
        backend.close()
    return path


@contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder that other users may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="specr-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Without root's power to ignore permissions, where it is root that runs the tests."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def diagnosis(caught: pytest.ExceptionInfo[DiagnosticError], path: Path) -> Diagnostic:
    """The one diagnostic of an error, which names the file, says why and what to do."""
    (found,) = caught.value.diagnostics
    assert str(path) in found.detail
    assert found.remedy
    assert found.is_error
    return found

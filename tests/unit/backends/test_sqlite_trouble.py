"""What is said of state files that can't be used, and that they are left alone."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from specr.backends import sqlite_files
from specr.backends.protocol import Put
from specr.backends.sqlite import SqliteBackend
from specr.backends.sqlite_errors import diagnose
from specr.diagnostics import DiagnosticError
from specr.state.model import FORMAT_VERSION
from specr.testing.backend_site import files_in, make_object
from tests.unit.backends.files import begin, diagnosis, make_closed, open_folder, unprivileged

Use = Callable[[SqliteBackend], object]

USES: dict[str, Use] = {
    "read": lambda backend: backend.read(),
    "history": lambda backend: backend.history(),
    "at": lambda backend: backend.at(0),
    "lock_info": lambda backend: backend.lock_info(),
    "ensure": lambda backend: backend.ensure(),
    "lock": lambda backend: backend.lock(holder="ann", operation="apply", seconds=1),
    "break_lock": lambda backend: backend.break_lock("x"),
}


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE meta (format INTEGER)")


def marked_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 1")


FOREIGN: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("serial: 3\n" * 100),
    "short text": lambda path: path.write_text("xy"),
    "a state pulled as JSON": lambda path: path.write_text(json.dumps({"format": 1})),
    "a database": other_database,
    "a database marked by another program": marked_database,
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_no_state_is_refused_and_left_as_it_is(tmp_path: Path, what: str, use: str) -> None:
    path = tmp_path / "state.db"
    FOREIGN[what](path)
    before = files_in(tmp_path)
    backend = SqliteBackend(path)
    with pytest.raises(DiagnosticError) as caught:
        USES[use](backend)
    assert diagnosis(caught, path).summary == "Not a state file"
    backend.close()
    assert files_in(tmp_path) == before
    assert path.exists()


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize("use", USES)
def test_a_newer_format_is_refused_and_left_as_it_is(tmp_path: Path, use: str) -> None:
    path = make_closed(tmp_path / "state.db")
    change(path, f"UPDATE meta SET format = {FORMAT_VERSION + 1}")
    before = files_in(tmp_path)
    backend = SqliteBackend(path)
    with pytest.raises(DiagnosticError) as caught:
        USES[use](backend)
    found = diagnosis(caught, path)
    assert found.summary == "State of a newer format"
    assert found.remedy == "Upgrade specr."
    assert f"format {FORMAT_VERSION + 1}" in found.detail
    backend.close()
    assert files_in(tmp_path) == before


DAMAGE = {
    "an object's body is not JSON": "UPDATE objects SET body = x'7b' WHERE address = 'runtime/a'",
    "an object's body is text": "UPDATE objects SET body = CAST(body AS TEXT) WHERE address = 'runtime/a'",
    "an object lacks a field": "UPDATE objects SET body = x'7b7d'",
    "an object lies under another address": "UPDATE objects SET address = 'runtime/z' WHERE rowid = 1",
    "an address is no text": "UPDATE objects SET address = x'ff' WHERE address = 'runtime/a'",
    "a run is no run": "UPDATE runs SET body = x'5b5d'",
    "the head is gone": "DELETE FROM meta",
    "the lineage is empty": "UPDATE meta SET lineage = ''",
    "the serial is no number": "UPDATE meta SET serial = 'x'",
    "the serial is below zero": "UPDATE meta SET serial = -1",
    "the format is no number": "UPDATE meta SET format = 'x'",
    "the format is below one": "UPDATE meta SET format = 0",
    "the lock is none": "UPDATE lock SET fence = 'x'",
    "the lock ends after all time": "UPDATE lock SET expires = 1e20",
    "the lock never ends": "UPDATE lock SET expires = 9e999",
    "the lock was taken before all time": "UPDATE lock SET acquired = -1e20",
    "a table is gone": "DROP TABLE runs",
    "what is done is no address": "INSERT INTO done VALUES (1, 'nonsense')",
    "an address is not UTF-8": "INSERT INTO done VALUES (1, CAST(x'ff' AS TEXT))",
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_told_and_never_a_traceback(tmp_path: Path, damage: str) -> None:
    path = make_closed(tmp_path / "state.db")
    change(path, DAMAGE[damage])
    before = files_in(tmp_path)
    with pytest.raises(DiagnosticError) as caught:
        SqliteBackend(path).read()
    assert diagnosis(caught, path).summary == "Damaged state file"
    assert files_in(tmp_path) == before


@pytest.mark.parametrize("use", ["lock_info", "lock", "break_lock"])
def test_a_lock_of_a_time_that_no_clock_shows_is_damage(tmp_path: Path, use: str) -> None:
    path = make_closed(tmp_path / "state.db")
    change(path, "UPDATE lock SET expires = 1e20")
    backend = SqliteBackend(path)
    with pytest.raises(DiagnosticError) as caught:
        USES[use](backend)
    assert diagnosis(caught, path).summary == "Damaged state file"
    backend.close()


def test_a_file_that_was_cut_short_is_damaged(tmp_path: Path) -> None:
    path = make_closed(tmp_path / "state.db")
    whole = path.read_bytes()
    for pages in range(1, len(whole) // 4096):
        path.write_bytes(whole[: pages * 4096])
        with pytest.raises(DiagnosticError) as caught:
            SqliteBackend(path).read()
        assert diagnosis(caught, path).summary == "Damaged state file"


def test_a_full_disk_is_told_and_what_was_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    backend, lease = begin(path)
    assert backend._connection is not None
    (pages,) = backend._connection.execute("PRAGMA page_count").fetchone()
    backend._connection.execute(f"PRAGMA max_page_count = {pages}")
    big = make_object("big", text="x" * 100_000)
    with pytest.raises(DiagnosticError) as caught:
        backend.write(lease, 2, [Put(make_object("small")), Put(big)])
    assert diagnosis(caught, path).summary == "No space left for the state"
    assert len(backend.read().objects) == 2
    backend._connection.execute("PRAGMA max_page_count = 100000")
    assert backend.write(lease, 2, [Put(big)]) == 3
    backend.close()


def test_a_writer_that_does_not_end_is_told_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_files, "BUSY_SECONDS", 0.05)
    path = make_closed(tmp_path / "state.db")
    backend = SqliteBackend(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for use in (USES["ensure"], USES["lock"], USES["break_lock"]):
            with pytest.raises(DiagnosticError) as caught:
                use(backend)
            found = diagnosis(caught, path)
            assert found.summary == "State file in use"
        assert backend.read().serial == 2
        other.execute("ROLLBACK")
    assert backend.ensure().serial == 2
    backend.close()


@pytest.mark.parametrize("become", ["gone", "another"])
def test_a_file_that_is_removed_while_in_use_takes_no_more_writes(tmp_path: Path, become: str) -> None:
    path = tmp_path / "state.db"
    backend, lease = begin(path)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink()
    if become == "another":
        make_closed(path)
    before = files_in(tmp_path)
    with pytest.raises(DiagnosticError) as caught:
        backend.write(lease, 2, [Put(make_object("lost"))])
    assert diagnosis(caught, path).summary == "State file replaced"
    with pytest.raises(DiagnosticError):
        backend.renew(lease, seconds=60)
    assert files_in(tmp_path) == before
    backend.close()


def test_a_folder_where_nothing_may_be_made_is_told() -> None:
    with open_folder() as folder:
        (folder / "kept").mkdir()
        (folder / "kept").chmod(0o555)
        path = folder / "kept" / ".specr" / "state.db"
        backend = SqliteBackend(path)
        with unprivileged(), pytest.raises(DiagnosticError) as caught:
            backend.ensure()
        found = diagnosis(caught, path)
        assert found.summary == "No permission on the state file"
        assert f"{folder / 'kept'} is a folder that you may not write to." in found.detail
        assert "backend.path" in found.remedy
        (folder / "kept").chmod(0o755)


def test_a_file_in_the_way_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / ".specr").write_text("in the way")
    path = tmp_path / ".specr" / "state.db"
    for use in (USES["read"], USES["ensure"]):
        with pytest.raises(DiagnosticError) as caught:
            use(SqliteBackend(path))
        assert diagnosis(caught, path).remedy


def test_a_state_that_may_only_be_read_is_not_written() -> None:
    with open_folder() as folder:
        path = make_closed(folder / "state.db")
        path.chmod(0o444)
        path.parent.chmod(0o555)
        before = files_in(folder)
        backend = SqliteBackend(path)
        with unprivileged(), pytest.raises(DiagnosticError) as caught:
            backend.ensure()
        found = diagnosis(caught, path)
        assert found.summary == "No permission on the state file"
        assert "written" in found.detail
        path.parent.chmod(0o755)
        backend.close()
        assert files_in(folder) == before


def test_errors_of_the_system_have_their_own_words() -> None:
    path = Path("/kept/state.db")
    full = diagnose(OSError(28, "No space left on device"), path, writing=True)
    assert full.summary == "No space left for the state"
    assert full.detail == "The state in /kept/state.db can't be written: No space left on device."
    assert (
        diagnose(OSError(5, "Input/output error"), path, writing=False).summary
        == "Disk error at the state file"
    )


def test_a_closed_backend_is_not_used_again(tmp_path: Path) -> None:
    backend = SqliteBackend(make_closed(tmp_path / "state.db"))
    backend.close()
    backend.close()
    for use in USES.values():
        with pytest.raises(ValueError, match="closed"):
            use(backend)


def fill_disk(monkeypatch: pytest.MonkeyPatch, *, free_bytes: int = 8192, free_names: int = 100) -> None:
    """Have the disk tell that it is full."""
    told = os.statvfs("/")

    class Full:
        f_frsize, f_bavail, f_bfree = 4096, free_bytes // 4096, free_bytes // 4096
        f_files, f_ffree = told.f_files or 1000, free_names

    monkeypatch.setattr(os, "statvfs", lambda _: Full)


def failing(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize("full", [{"free_bytes": 8192}, {"free_bytes": 1 << 30, "free_names": 0}])
@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_CANTOPEN]
)
def test_a_full_disk_is_told_as_such_whatever_sqlite_calls_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, full: dict[str, int]
) -> None:
    path = tmp_path / "state.db"
    assert diagnose(failing(code), path, writing=True).summary != "No space left for the state"
    fill_disk(monkeypatch, **full)
    found = diagnose(failing(code), path, writing=True)
    assert found.summary == "No space left for the state"
    assert "no space is left on its disk" in found.detail
    assert "Free space" in found.remedy
    assert diagnose(failing(sqlite3.SQLITE_CORRUPT), path, writing=True).summary == "Damaged state file"


def test_a_state_on_a_full_disk_is_read_from_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend, _ = begin(tmp_path / "state.db")
    whole = backend.read()
    connect = sqlite_files._connect

    def refuse(path: Path, options: str) -> sqlite3.Connection:
        if options == "mode=ro":
            raise failing(sqlite3.SQLITE_IOERR_SHMSIZE)
        return connect(path, options)

    monkeypatch.setattr(sqlite_files, "_connect", refuse)
    assert SqliteBackend(tmp_path / "state.db").read() == whole
    backend.close()

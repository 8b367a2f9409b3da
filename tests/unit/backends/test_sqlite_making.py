"""Making a state file, cut short at every point; durability; upgrades of older formats."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from specr.backends import sqlite_errors, sqlite_files, sqlite_format
from specr.backends.protocol import LeaseLostError, Put, StartRun
from specr.backends.sqlite import SqliteBackend
from specr.canonical import decode_json, digest_of, encode_pretty
from specr.diagnostics import DiagnosticError
from specr.state import codec
from specr.state.model import State
from specr.testing.backend_site import SettableClock, files_in, make_object
from tests.unit.backends.files import begin, diagnosis, make_closed, make_crashed


class Killing(sqlite3.Connection):
    """Kills its process before the statement that it was told of."""

    left = 0

    def execute(self, *args: Any) -> sqlite3.Cursor:
        if Killing.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        Killing.left -= 1
        return super().execute(*args)


def ensure_and_die(path: Path, statements: int) -> bool:
    """Make a state in a child process that dies after so many statements; whether it died."""
    child = os.fork()
    if child == 0:
        Killing.left = statements
        connect = sqlite3.connect
        sqlite3.connect = lambda *args, **named: connect(*args, factory=Killing, **named)  # type: ignore[assignment]
        SqliteBackend(path).ensure()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_a_state_whose_making_was_cut_short_reads_as_empty_or_whole_and_is_completed(tmp_path: Path) -> None:
    statements = 0
    found, drafts = set(), 0
    while True:
        path = tmp_path / str(statements) / ".specr" / "state.db"
        died = ensure_and_die(path, statements)
        before = {name: data for name, data in files_in(path.parent).items() if name != "state.db-shm"}
        state = SqliteBackend(path).read()
        after = {name: data for name, data in files_in(path.parent).items() if name != "state.db-shm"}
        assert after == before
        assert state == State(state.lineage, 0, {})
        found.add(bool(state.lineage))
        drafts += "state.db.new" in after
        assert after.get("state.db") != b""
        backend = SqliteBackend(path)
        made = backend.ensure()
        assert made.lineage == (state.lineage or made.lineage) != ""
        assert path.stat().st_mode & 0o777 == 0o600
        backend.close()
        assert sorted(file.name for file in path.parent.iterdir()) == [".gitignore", "state.db"]
        if not died:
            break
        statements += 1
    assert statements > 10
    assert found == {True, False}
    assert drafts


def hot_journal(path: Path) -> None:
    """What a power cut leaves at the end of a transaction of the time before the write-ahead log."""
    live = path.with_name("live.db")
    with closing(sqlite3.connect(live, isolation_level=None)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA cache_size = 1")  # so that the journal is synced before the end
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("CREATE TABLE half (made)")
        connection.executemany("INSERT INTO half VALUES (?)", [("x" * 3000,)] * 50)
        shutil.copyfile(f"{live}-journal", f"{path}-journal")
        connection.execute("COMMIT")
        shutil.copyfile(live, path)
    live.unlink()


HALF_MADE: dict[str, Callable[[Path], object]] = {
    "a header": lambda path: sqlite3.connect(path).execute("PRAGMA journal_mode = WAL").connection.close(),
    "a journal to roll back": hot_journal,
}


@pytest.mark.parametrize("what", HALF_MADE)
def test_a_half_made_file_reads_as_empty_and_is_completed(tmp_path: Path, what: str) -> None:
    path = tmp_path / "state.db"
    HALF_MADE[what](path)
    before = files_in(tmp_path)
    backend = SqliteBackend(path)
    assert backend.read() == State("", 0, {})
    assert backend.at(0) == State("", 0, {})
    assert list(backend.history()) == []
    assert backend.lock_info() is None
    assert not backend.break_lock("x")
    assert files_in(tmp_path) == before
    assert backend.ensure().lineage
    backend.close()


def test_a_durable_write_syncs_and_another_does_not(tmp_path: Path) -> None:
    backend, lease = begin(tmp_path / "state.db")
    connection = backend._connection
    assert connection is not None
    told: list[str] = []
    connection.set_trace_callback(told.append)
    levels = []
    for serial, durable in enumerate([False, True, True, False], start=2):
        told.clear()
        backend.write(lease, serial, [Put(make_object("a"))], durable=durable)
        settings = [n for n, statement in enumerate(told) if "synchronous" in statement]
        assert all(n < told.index("BEGIN IMMEDIATE") for n in settings)
        assert told[-1] == "COMMIT"
        # SQLite: 1 is NORMAL, which syncs the log at checkpoints only, 2 is FULL, at each commit too.
        levels.append(connection.execute("PRAGMA synchronous").fetchone()[0])
    assert levels == [1, 2, 2, 1]
    connection.set_trace_callback(None)
    backend.close()


def test_the_file_has_a_log_and_says_whose_it_is(tmp_path: Path) -> None:
    path = make_closed(tmp_path / "state.db")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA application_id").fetchone() == (int.from_bytes(b"spec"),)


# --- upgrades: today's format plays the older one ---


def rename_argument(connection: sqlite3.Connection) -> None:
    """An upgrade such as a later format may need."""
    for address, body in connection.execute("SELECT address, body FROM objects").fetchall():
        decoded = decode_json(body)
        decoded["arguments"] = {"count": decoded["arguments"].pop("number")}
        decoded["fingerprint"] = digest_of(decoded["arguments"])
        connection.execute(
            "UPDATE objects SET body = ? WHERE address = ?", (encode_pretty(decoded).encode(), address)
        )


def add_table(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE later (thing)")


def fail_halfway(connection: sqlite3.Connection) -> None:
    rename_argument(connection)
    connection.execute("INSERT INTO no_such_table VALUES (1)")


def move_on(monkeypatch: pytest.MonkeyPatch, **upgrades: Callable[[sqlite3.Connection], None]) -> None:
    """Make specr one or two formats newer."""
    monkeypatch.setattr(sqlite_format, "UPGRADES", dict(enumerate(upgrades.values(), start=1)))
    for module in (sqlite_format, sqlite_files, codec):
        monkeypatch.setattr(module, "FORMAT_VERSION", 1 + len(upgrades))


def open_older(path: Path) -> tuple[SqliteBackend, SettableClock]:
    make_closed(path)
    clock = SettableClock()
    clock.now = 4_000_000_000.0  # the lock that was left has run out
    return SqliteBackend(path, clock), clock


def test_an_older_state_is_read_without_touching_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend, _ = open_older(tmp_path / "state.db")
    older = backend.read()
    before = files_in(tmp_path)
    move_on(monkeypatch, first=rename_argument, second=add_table)
    state = backend.read()
    assert {entry.arguments["count"] for entry in state.objects.values()} == {1, 2}
    assert (state.lineage, state.serial, state.run) == (older.lineage, older.serial, older.run)
    assert backend.history()[0] == older.run
    assert backend.lock_info() is not None
    assert files_in(tmp_path) == before


def test_an_older_state_is_upgraded_by_whoever_writes_after_a_copy_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.db"
    backend, _ = open_older(path)
    older = backend.read()
    (tmp_path / "state.db.format-1.unfinished").write_text("left by a crash")
    with monkeypatch.context() as later:
        move_on(later, first=rename_argument, second=add_table)
        upgraded = backend.ensure()
        assert {entry.arguments["count"] for entry in upgraded.objects.values()} == {1, 2}
        lease = backend.lock(holder="ann", operation="apply", seconds=60)
        assert backend.write(lease, upgraded.serial, []) == older.serial + 1
        backend.close()
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT format FROM meta").fetchone() == (3,)
            assert connection.execute("SELECT * FROM later").fetchall() == []
    copy = tmp_path / "state.db.format-1"
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name, copy.name]
    assert SqliteBackend(copy).read() == older
    assert copy.stat().st_mode & 0o777 == 0o600


def test_an_upgrade_that_fails_leaves_the_older_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.db"
    backend, _ = open_older(path)
    older = backend.read()
    with monkeypatch.context() as later:
        move_on(later, first=fail_halfway)
        with pytest.raises(DiagnosticError) as caught:
            backend.ensure()
        diagnosis(caught, path)
    assert backend.read() == older
    assert backend.ensure() == older
    backend.close()


def test_nobody_s_state_is_upgraded_under_their_hands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.db"
    clock = SettableClock()
    working, upgrading = SqliteBackend(path, clock), SqliteBackend(path, clock)
    lease = working.lock(holder="ann", operation="apply", seconds=60)
    with monkeypatch.context() as later:
        move_on(later, first=add_table)
        with pytest.raises(DiagnosticError) as caught:
            upgrading.ensure()
        found = diagnosis(caught, path)
        assert found.summary == "State locked during upgrade"
        assert "ann" in found.detail
        assert lease.info.id in found.remedy
    working.write(lease, 0, [StartRun("apply", "sha256:p", "ann")])
    clock.now += 60
    with monkeypatch.context() as later:
        move_on(later, first=add_table)
        assert upgrading.ensure().serial == 1
    with pytest.raises(DiagnosticError) as caught:
        working.renew(lease, seconds=60)
    assert diagnosis(caught, path).summary == "State of a newer format"
    working.close()
    upgrading.close()


def test_a_file_system_without_shared_memory_is_told() -> None:
    error = sqlite_errors.no_shared_log(Path("/net/state.db"), "delete")
    (found,) = error.diagnostics
    assert "/net/state.db" in found.detail
    assert "backend.path" in found.remedy


def test_whoever_makes_the_same_file_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("VACUUM")  # makes a header
        other.execute("BEGIN EXCLUSIVE")
        ending = Timer(0.05, other.execute, ["ROLLBACK"])
        ending.start()
        backend = SqliteBackend(path)
        assert backend.ensure().lineage
        ending.join()
        backend.close()


def test_a_lease_is_worth_nothing_where_there_is_no_state(tmp_path: Path) -> None:
    elsewhere, lease = begin(tmp_path / "elsewhere.db")
    backend = SqliteBackend(tmp_path / "state.db")
    backend.release(lease)
    with pytest.raises(LeaseLostError):
        backend.renew(lease, seconds=1)
    with pytest.raises(LeaseLostError):
        backend.write(lease, 0, [])
    assert not (tmp_path / "state.db").exists()
    elsewhere.close()


@pytest.mark.parametrize("act", ["read", "ensure", "history", "lock_info", "lock"])
@pytest.mark.parametrize("log", ["", "-wal", "-journal"])
@pytest.mark.parametrize("rest", [b"", b"S"])
def test_a_file_without_bytes_is_no_new_state(tmp_path: Path, act: str, log: str, rest: bytes) -> None:
    path = make_crashed(tmp_path / "state.db") if log == "-wal" else tmp_path / "state.db"
    path.write_bytes(rest)
    Path(f"{path}{log}").touch()
    before = files_in(tmp_path)
    backend = SqliteBackend(path)
    given: dict[str, Any] = {"holder": "ann", "operation": "apply", "seconds": 1} if act == "lock" else {}
    with pytest.raises(DiagnosticError) as caught:
        getattr(backend, act)(**given)
    found = diagnosis(caught, path)
    assert found.summary == "State file is empty"
    assert "remove the file" in found.remedy
    assert files_in(tmp_path) == before


def test_the_log_of_a_state_that_was_removed_does_not_get_into_a_new_one(tmp_path: Path) -> None:
    path = make_crashed(tmp_path / "state.db")
    former = SqliteBackend(path).read()
    assert former.objects
    path.unlink()
    backend = SqliteBackend(path)
    made = backend.ensure()
    assert made == State(made.lineage, 0, {})
    assert made.lineage != former.lineage
    backend.close()


def test_many_that_make_the_same_state_get_one(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    backends = [SqliteBackend(path) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        lineages = {state.lineage for state in pool.map(SqliteBackend.ensure, backends)}
    assert len(lineages) == 1
    for backend in backends:
        backend.close()


def test_a_state_is_made_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "state.db"
    path.symlink_to("elsewhere/real.db")
    backend = SqliteBackend(path)
    lineage = backend.ensure().lineage
    backend.close()
    assert path.is_symlink()
    assert SqliteBackend(tmp_path / "elsewhere" / "real.db").read().lineage == lineage

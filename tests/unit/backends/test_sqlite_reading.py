"""Reading state files in any condition, without leaving a trace."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from specr.backends import sqlite_files
from specr.backends.protocol import Put
from specr.backends.sqlite import SqliteBackend
from specr.backends.sqlite_errors import diagnose
from specr.backends.sqlite_files import read_snapshot
from specr.backends.sqlite_format import read_head
from specr.backends.sqlite_rows import decode_snapshot, fetch_state
from specr.diagnostics import DiagnosticError
from specr.state.checks import check_state
from specr.state.model import State
from specr.testing.backend_site import files_in, make_object
from tests.unit.backends.files import (
    begin,
    diagnosis,
    make_closed,
    make_crashed,
    open_folder,
    unprivileged,
)


def read_all(path: Path) -> State:
    """Read in every way that there is, and give the state."""
    backend = SqliteBackend(path)
    state = backend.read()
    assert backend.at(state.serial).objects == state.objects
    assert len(backend.history()) == (1 if state.serial else 0)
    backend.lock_info()
    backend.close()
    assert not check_state(state)
    return state


def without_index(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if not name.endswith("-shm")}


def test_reading_a_closed_state_changes_no_byte_and_makes_no_file(tmp_path: Path) -> None:
    path = make_closed(tmp_path / "state.db")
    before = files_in(tmp_path)
    assert list(before) == ["state.db"]
    assert read_all(path).serial == 2
    assert files_in(tmp_path) == before


@pytest.mark.parametrize("with_index", [True, False])
def test_reading_what_a_crash_left_finds_the_newest_commit_and_keeps_the_log(
    tmp_path: Path, *, with_index: bool
) -> None:
    path = make_crashed(tmp_path / "state.db", with_index=with_index)
    before = files_in(tmp_path)
    for _ in range(2):
        assert read_all(path).serial == 2
        # The index of the log is a cache, which SQLite makes again; it is no part of the state.
        assert without_index(files_in(tmp_path)) == without_index(before)


def test_reading_beside_a_writer_changes_neither_file_nor_log(tmp_path: Path) -> None:
    backend, lease = begin(tmp_path / "state.db")
    before = without_index(files_in(tmp_path))
    assert read_all(tmp_path / "state.db").serial == 2
    assert without_index(files_in(tmp_path)) == before
    assert backend.write(lease, 2, []) == 3
    backend.close()


def test_a_writer_that_closes_while_someone_reads_leaves_a_readable_state(tmp_path: Path) -> None:
    backend, _ = begin(tmp_path / "state.db")
    with closing(sqlite3.connect(f"{(tmp_path / 'state.db').as_uri()}?mode=ro", uri=True)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM meta").fetchall()
        backend.close()
    assert read_all(tmp_path / "state.db").serial == 2


PREPARED: dict[str, Callable[[Path], Path]] = {
    "closed": make_closed,
    "crashed": make_crashed,
    "crashed, without the log's index": lambda path: make_crashed(path, with_index=False),
}


@pytest.mark.parametrize("condition", PREPARED)
def test_a_state_in_a_folder_that_is_not_ours_can_be_read(condition: str) -> None:
    with open_folder() as folder:
        path = PREPARED[condition](folder / "kept" / "state.db")
        for file in path.parent.iterdir():
            file.chmod(0o444)
        path.parent.chmod(0o555)
        before = files_in(folder)
        with unprivileged():
            assert read_all(path).serial == 2
        assert files_in(folder) == before
        path.parent.chmod(0o755)


def test_a_missing_state_in_a_folder_that_is_not_ours_reads_as_empty() -> None:
    with open_folder() as folder, unprivileged():
        assert read_all(folder / ".specr" / "state.db") == State("", 0, {})


def test_a_state_that_may_not_be_read_says_so() -> None:
    with open_folder() as folder:
        path = make_closed(folder / "state.db")
        path.chmod(0)
        with unprivileged(), pytest.raises(DiagnosticError) as caught:
            SqliteBackend(path).read()
        assert diagnosis(caught, path).summary == "No permission on the state file"
        path.parent.chmod(0)
        with unprivileged(), pytest.raises(DiagnosticError) as caught:
            SqliteBackend(path).read()
        assert diagnosis(caught, path).summary == "No permission on the state file"
        path.parent.chmod(0o755)


def test_a_copy_without_its_log_reads_as_the_last_checkpoint(tmp_path: Path) -> None:
    path, copy = tmp_path / "state.db", tmp_path / "copy.db"
    make_closed(path)
    backend = SqliteBackend(path)
    serial = backend.read().serial
    info = backend.lock_info()
    assert info is not None
    backend.break_lock(info.id)
    lease = backend.lock(holder="ann", operation="apply", seconds=60)
    backend.write(lease, serial, [Put(make_object("c"))])
    shutil.copyfile(path, copy)
    lineage = backend.read().lineage
    backend.close()
    state = read_all(copy)
    assert (state.lineage, state.serial, len(state.objects)) == (lineage, 2, 2)


def test_a_copy_of_a_new_state_without_its_log_has_its_lineage(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path / "state.db")
    lineage = backend.ensure().lineage
    shutil.copyfile(tmp_path / "state.db", tmp_path / "copy.db")
    backend.close()
    assert SqliteBackend(tmp_path / "copy.db").read().lineage == lineage


def test_a_log_cut_anywhere_gives_whole_transactions(tmp_path: Path) -> None:
    path = make_crashed(tmp_path / "state.db", with_index=False)
    log = Path(f"{path}-wal")
    whole = log.read_bytes()
    serials = []
    for size in range(0, len(whole), 997):
        log.write_bytes(whole[:size])
        Path(f"{path}-shm").unlink(missing_ok=True)
        state = SqliteBackend(path).read()
        assert len(state.objects) == state.serial
        assert not check_state(state)
        serials.append(state.serial)
    assert serials == sorted(serials)
    assert set(serials) >= {0, 1}


@pytest.mark.parametrize("disk", ["fine", "coarse"])
def test_a_file_that_changes_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: str
) -> None:
    path = make_closed(tmp_path / "state.db")
    if disk == "coarse":  # its times don't tell, and the sizes may happen to be the same
        monkeypatch.setattr(sqlite_files, "_signature", lambda _: (0,))
    seen = []

    def fetch(connection: sqlite3.Connection) -> tuple[int, State]:
        serial = read_head(connection).serial
        seen.append(serial)
        if len(seen) == 1:  # a writer comes, writes, moves its log into the file, and goes
            write_one(path)
        return serial, decode_snapshot(fetch_state(connection))

    found = read_snapshot(path, fetch)
    assert found is not None
    serial, state = found
    assert seen == [2, 3]
    assert serial == state.serial == len(state.objects) == 3


def test_a_writer_that_comes_while_a_file_is_read_is_noticed(tmp_path: Path) -> None:
    path = make_closed(tmp_path / "state.db")
    writers: list[SqliteBackend] = []
    calls: list[None] = []

    def fetch(connection: sqlite3.Connection) -> int:
        calls.append(None)
        if not writers:
            writers.append(SqliteBackend(path))
            writers[0].ensure()
        return read_head(connection).serial

    assert read_snapshot(path, fetch) == 2
    assert len(calls) == 2
    writers[0].close()


def write_one(path: Path) -> None:
    backend = SqliteBackend(path)
    info = backend.lock_info()
    if info is not None:
        backend.break_lock(info.id)
    lease = backend.lock(holder="bob", operation="apply", seconds=3600)
    serial = backend.read().serial
    backend.write(lease, serial, [Put(make_object(f"n{serial}"))], durable=False)
    backend.close()


def test_readers_see_whole_states_while_writers_come_and_go(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    SqliteBackend(path).ensure()
    errors: list[BaseException] = []

    def come_and_go() -> None:
        try:
            for _ in range(40):
                write_one(path)
        except BaseException as error:  # noqa: BLE001 # handed to the thread that judges
            errors.append(error)

    writer = Thread(target=come_and_go)
    writer.start()
    reader, serials = SqliteBackend(path), []
    while writer.is_alive():
        state = reader.read()
        assert len(state.objects) == state.serial
        serials.append(state.serial)
    writer.join()
    assert errors == []
    assert serials == sorted(serials)
    assert reader.read().serial == 40


@pytest.mark.parametrize("name", ["a state?mode=rw#x.db", "100%.db", "état ü.db", "state&immutable=1.db"])
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    path = make_closed(tmp_path / name)
    assert read_all(path).serial == 2
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_relative_path_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    backend = SqliteBackend(Path("state.db"))
    backend.ensure()
    monkeypatch.chdir("/")
    assert backend.read().lineage
    backend.close()


def test_an_error_from_a_file_that_changed_meanwhile_is_no_error(tmp_path: Path) -> None:
    path = make_closed(tmp_path / "state.db")
    serials = []

    def fetch(connection: sqlite3.Connection) -> int:
        serials.append(read_head(connection).serial)
        if len(serials) == 1:
            write_one(path)
            raise sqlite3.DatabaseError("half of one page, half of another")
        return serials[-1]

    assert read_snapshot(path, fetch) == 3
    assert serials == [2, 3]


def test_a_file_that_never_lies_still_is_told_at_last(tmp_path: Path) -> None:
    path = make_closed(tmp_path / "state.db")
    serials = []

    def fetch(connection: sqlite3.Connection) -> int:
        write_one(path)
        serials.append(read_head(connection).serial)
        return serials[-1]

    with pytest.raises(OSError, match="kept changing") as caught:
        read_snapshot(path, fetch)
    assert diagnose(caught.value, path, writing=False).summary == "State file in use"
    assert 3 < len(serials) < 100

"""What backends promise of reading: runs, earlier serials, and snapshots while others write."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

from specr.address import Address
from specr.backends.protocol import Begin, Done, FinishRun, Put, Remove, Settle, StartRun, Write
from specr.state.checks import check_state
from specr.state.model import Run
from specr.testing.backend_site import (
    START,
    BackendTests,
    files_in,
    make_object,
    make_pending,
    refused,
    text_of,
)


class HistoryPromises(BackendTests):
    """Runs and revisions, and that reading shows whole transactions and leaves no trace."""

    def test_a_run_is_told_from_its_start_to_its_end(self, tmp_path: Path) -> None:
        """Its serials, its times and what it has done."""
        done = {Address("runtime", "a"), Address("model", "b")}
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            backend.write(lease, 0, [])
            site.clock.now += 0.9
            backend.write(lease, 1, [START])
            run = Run(1, "apply", "sha256:p", "ann", "2023-11-14T22:13:20Z", first=1, last=2)
            assert backend.read().run == run
            backend.write(lease, 2, [Done(address) for address in done], durable=False)
            backend.write(lease, 3, [Put(make_object("a")), Done(min(done))])
            now = site.backend().read().run
            assert now == Run(
                1, "apply", "sha256:p", "ann", "2023-11-14T22:13:20Z", first=1, last=4, done=frozenset(done)
            )
            site.clock.now += 1
            backend.write(lease, 4, [FinishRun("failed", {"create": 1, "update": 0})])
            ended = Run(
                number=1,
                operation="apply",
                plan="sha256:p",
                actor="ann",
                started="2023-11-14T22:13:20Z",
                first=1,
                last=5,
                finished="2023-11-14T22:13:21Z",
                status="failed",
                summary={"create": 1, "update": 0},
                done=frozenset(done),
            )
            assert backend.read().run == ended
            backend.write(lease, 5, [])
            assert backend.read().run == ended
            assert list(site.backend().history()) == [ended]

    def test_runs_are_numbered_and_a_dead_one_reads_as_interrupted(self, tmp_path: Path) -> None:
        """It does so as soon as a later one has started, and not before."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            backend.write(lease, 0, [START, Done(Address("runtime", "a"))])
            backend.write(lease, 1, [])
            assert [run.status for run in site.backend().history()] == ["running"]
            backend.write(lease, 2, [StartRun("destroy", "sha256:q", "bob")])
            backend.write(lease, 3, [Done(Address("runtime", "b")), FinishRun("succeeded", {})])
            backend.write(lease, 4, [START, FinishRun("interrupted", {}), START])
            runs = list(backend.history())
            assert [(run.number, run.status, run.first, run.last) for run in runs] == [
                (1, "interrupted", 0, 2),
                (2, "succeeded", 2, 4),
                (3, "interrupted", 4, 5),
                (4, "running", 4, 5),
            ]
            assert [run.done for run in runs] == [
                frozenset({Address("runtime", "a")}),
                frozenset({Address("runtime", "b")}),
                frozenset(),
                frozenset(),
            ]
            assert [bool(run.finished) for run in runs] == [False, True, True, False]
            assert (runs[1].operation, runs[1].plan, runs[1].actor) == ("destroy", "sha256:q", "bob")
            assert backend.read().run == runs[-1]
            assert not check_state(backend.read())

    def test_a_finished_run_takes_nothing_more(self, tmp_path: Path) -> None:
        """Neither addresses nor another end."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            backend.write(lease, 0, [START, FinishRun("succeeded", {})])
            for late in (Done(Address("runtime", "a")), FinishRun("failed", {})):
                with refused(ValueError):
                    backend.write(lease, 1, [late])
            assert backend.read().serial == 1

    def test_every_earlier_serial_can_be_read(self, tmp_path: Path) -> None:
        """With the objects of then, and neither pending records nor runs."""
        a, b, newer = make_object("a", size=1), make_object("b"), make_object("a", size=2)
        batches: list[list[Write]] = [
            [START, Put(a), Begin(make_pending("p"))],
            [Put(b)],
            [],
            [Put(newer), Remove(b.address), Remove(Address("model", "never"))],
            [Put(b), Settle(make_pending("p").address), FinishRun("succeeded", {})],
        ]
        expected = [(), (a,), (a, b), (a, b), (newer,), (newer, b)]
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            for serial, batch in enumerate(batches):
                backend.write(lease, serial, batch)
            for reader in (backend, site.backend()):
                for serial, objects in enumerate(expected):
                    then = reader.at(serial)
                    assert (then.lineage, then.serial) == (reader.read().lineage, serial)
                    assert then.objects == {entry.address: entry for entry in objects}
                    assert then.pending == {}
                    assert then.run is None
                for never in (-1, len(expected)):
                    with refused(LookupError):
                        reader.at(never)

    def test_reading_shows_whole_transactions_only(self, tmp_path: Path) -> None:
        """Each write here gives two objects one number; a reader never sees two numbers."""
        torn: list[str] = []
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            reader = site.backend()
            ended = False

            def read() -> None:
                serial = 0
                while not ended:
                    state = reader.read()
                    numbers = {entry.arguments["number"] for entry in state.objects.values()}
                    if numbers - {state.serial} or state.serial < serial:
                        torn.append(f"serial {serial} -> {state.serial}, numbers {numbers}")
                    serial = state.serial

            reading = Thread(target=read)
            reading.start()
            for serial in range(150):
                pair = [Put(make_object(name, number=serial + 1)) for name in ("a", "b")]
                backend.write(lease, serial, pair, durable=serial % 50 == 0)
            ended = True
            reading.join()
            assert torn == []
            assert len(backend.read().objects) == 2

    def test_a_snapshot_stays_what_it_was(self, tmp_path: Path) -> None:
        """Whatever is written after it was taken."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            pending = make_pending("p")
            backend.write(lease, 0, [START, Put(make_object("a")), Begin(pending)])
            taken = [backend.read(), backend.at(1)]
            history = backend.history()
            before = [text_of(state) for state in taken], list(history)
            away: list[Write] = [Remove(Address("runtime", "a")), Settle(pending.address)]
            backend.write(lease, 1, [*away, Done(Address("runtime", "a")), FinishRun("failed", {})])
            assert ([text_of(state) for state in taken], list(history)) == before

    def test_reading_leaves_no_trace(self, tmp_path: Path) -> None:
        """Not a byte of any file changes, and none comes or goes."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            backend.write(lease, 0, [START, Put(make_object("a")), Begin(make_pending("p"))])
            backend.close()
            before = files_in(tmp_path)
            for _ in range(2):
                reader = site.backend()
                assert len(reader.read().objects) == 1
                assert len(reader.at(1).objects) == 1
                assert len(reader.history()) == 1
                assert reader.lock_info() == lease.info
                reader.close()
            assert files_in(tmp_path) == before

    def test_a_state_survives_being_closed_and_opened(self, tmp_path: Path) -> None:
        """With its lock, its fence and its history."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            backend.write(lease, 0, [START, Put(make_object("a"))], durable=False)
            text = text_of(backend.read())
            backend.close()
            again = site.backend()
            assert text_of(again.read()) == text
            assert again.write(lease, 1, [Done(Address("runtime", "a"))]) == 2
            assert [run.last for run in again.history()] == [2]

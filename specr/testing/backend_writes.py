"""What backends promise of states that begin and of what is written to them."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from specr.address import Address
from specr.backends.protocol import (
    Begin,
    Done,
    FinishRun,
    Put,
    Remove,
    SerialConflictError,
    Settle,
    Write,
)
from specr.canonical import encode_json
from specr.state.model import RecordedObject, State
from specr.testing.backend_site import (
    START,
    BackendTests,
    files_in,
    make_object,
    make_pending,
    refused,
    text_of,
)


class WritePromises(BackendTests):
    """Beginning, writing, and what a failed write leaves."""

    def test_a_missing_state_reads_as_empty_and_stays_missing(self, tmp_path: Path) -> None:
        """Reading neither fails nor creates."""
        with self.site(tmp_path) as site:
            backend = site.backend()
            assert backend.read() == State("", 0, {})
            assert backend.at(0) == State("", 0, {})
            assert list(backend.history()) == []
            assert backend.lock_info() is None
            assert not backend.break_lock("nobody")
            assert files_in(tmp_path) == {}
            assert backend.read().lineage == ""

    def test_ensure_gives_a_lineage_once(self, tmp_path: Path) -> None:
        """Later calls, also of others, find the state that is there."""
        with self.site(tmp_path / "one") as site, self.site(tmp_path / "other") as other:
            made = site.backend().ensure()
            assert made == State(made.lineage, 0, {})
            assert made.lineage
            assert site.backend().ensure() == made
            assert site.backend().read() == made
            assert other.backend().ensure().lineage not in ("", made.lineage)

    def test_the_lock_creates_the_state(self, tmp_path: Path) -> None:
        """So that who holds it can write."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            assert backend.read().lineage
            assert backend.write(lease, 0, [Put(make_object("a"))]) == 1

    def test_what_is_written_is_read_by_all_and_after_reopening(self, tmp_path: Path) -> None:
        """Every field comes back as it was."""
        full = RecordedObject(
            Address("deployment", "fraud", "risk.emea", "EU_1"),
            {"1": [1, 1.0, True, None, -0.5, 2**63, "ä\u202e\x00"], "nested": {"b": {}, "a": []}},
            {"endpoint": "http://127.0.0.1:8080"},
            "sha256:f",
            (Address("model", "fraud"), Address("build", "fraud.1")),
            "local",
            "token-1",
            tainted=True,
        )
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            other = site.backend()
            backend.write(lease, 0, [START], durable=False)
            backend.write(
                lease,
                1,
                [Put(full), Begin(make_pending("fraud")), Done(full.address)],
                durable=False,
            )
            state = backend.read()
            assert state.objects == {full.address: full}
            assert state.pending == {Address("deployment", "fraud"): make_pending("fraud")}
            assert encode_json(dict(state.objects[full.address].arguments)) == encode_json(full.arguments)
            assert text_of(other.read()) == text_of(state)
            backend.close()
            other.close()
            assert text_of(site.backend().read()) == text_of(state)

    def test_each_write_adds_one_to_the_serial(self, tmp_path: Path) -> None:
        """Whatever it holds, durable or not."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            batches: list[list[Write]] = [
                [],
                [Put(make_object("a")), Put(make_object("b"))],
                [Settle(Address("model", "a"))],
            ]
            for serial, batch in enumerate(batches):
                assert backend.write(lease, serial, batch, durable=serial == 1) == serial + 1
                assert site.backend().read().serial == serial + 1

    def test_removing_and_settling_take_away_and_need_nothing_there(self, tmp_path: Path) -> None:
        """Both may come twice."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            kept, gone, pending = make_object("kept"), make_object("gone"), make_pending("p")
            backend.write(lease, 0, [Put(kept), Put(gone), Begin(pending)])
            away: list[Write] = [Remove(gone.address), Settle(pending.address)]
            for serial in (1, 2):
                backend.write(lease, serial, away)
                assert text_of(backend.read()) == text_of(
                    State(backend.read().lineage, serial + 1, {kept.address: kept})
                )

    def test_later_writes_of_a_transaction_win(self, tmp_path: Path) -> None:
        """A transaction carries its writes out in their order."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            a, b = make_object("a", size=1), make_object("b")
            newer, pending = make_object("a", size=2), make_pending("p")
            later = replace(pending, action="delete", leftovers=())
            backend.write(lease, 0, [Put(a), Put(b), Begin(pending)])
            backend.write(
                lease,
                1,
                [
                    Remove(a.address),
                    Put(newer),
                    Put(b),
                    Remove(b.address),
                    Settle(pending.address),
                    Begin(later),
                ],
            )
            state = backend.read()
            assert state.objects == {newer.address: newer}
            assert state.pending == {later.address: later}

    def test_a_write_on_another_serial_changes_nothing(self, tmp_path: Path) -> None:
        """No update is lost: the writer names the serial it saw."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            backend.write(lease, 0, [Put(make_object("a"))])
            before = text_of(backend.read())
            for wrong in (0, 2):
                with refused(SerialConflictError):
                    backend.write(lease, wrong, [Put(make_object("b"))])
            assert text_of(backend.read()) == before
            assert backend.write(lease, 1, []) == 2

    def test_a_write_that_fails_leaves_no_part_of_itself(self, tmp_path: Path) -> None:
        """All or nothing, wherever in the transaction the fault lies."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            backend.write(lease, 0, [Put(make_object("a", size=1)), Begin(make_pending("p"))])
            before = text_of(backend.read())
            sound: list[Write] = [
                Put(make_object("a", size=2)),
                Put(make_object("b")),
                Settle(make_pending("p").address),
            ]
            good, unnamed = make_object("c"), Address("runtime", "no name")
            faults: list[tuple[type[Exception], list[Write]]] = [
                (ValueError, [Done(Address("runtime", "a"))]),
                (ValueError, [FinishRun("succeeded", {})]),
                (ValueError, [START, FinishRun("running", {})]),
                (ValueError, [START, FinishRun("failed", {"create": -1})]),
                (ValueError, [Put(replace(good, address=unnamed))]),
                (TypeError, [Put(replace(good, attributes={"thing": {1, 2}}))]),
                (TypeError, [Put(good), Put(replace(good, arguments={"n": 2**64}))]),
            ]
            for error, fault in faults:
                with refused(error):
                    backend.write(lease, 1, [*sound, *fault])
                assert text_of(backend.read()) == before
                assert list(backend.history()) == []
            assert backend.write(lease, 1, sound) == 2

"""What backends promise of their lock: one writer at a time, whatever becomes of holders and clocks."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

from msgspec.structs import replace

from specr.backends.protocol import LeaseLostError, LockHeldError, Put
from specr.testing.backend_site import BackendTests, make_object, refused


class LockPromises(BackendTests):
    """Holding, losing, renewing and breaking the lock."""

    def test_only_one_holds_the_lock(self, tmp_path: Path) -> None:
        """Others are told who does; nobody gets it twice."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            for contender in (backend, site.backend()):
                with refused(LockHeldError) as refusal:
                    contender.lock(holder="bob", operation="destroy", seconds=60)
                assert [error.info for error in refusal] == [lease.info]
            assert lease.info.holder == "ann"
            assert lease.info.operation == "apply"
            assert lease.info.acquired == "2023-11-14T22:13:20.000Z"
            assert lease.info.expires == "2023-11-14T22:14:20.000Z"
            assert site.backend().lock_info() == lease.info

    def test_reading_needs_no_lock(self, tmp_path: Path) -> None:
        """Nor does it matter who holds it."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            backend.write(lease, 0, [Put(make_object("a"))])
            other = site.backend()
            assert other.read().serial == 1
            assert len(other.at(1).objects) == 1
            assert backend.lock_info() == lease.info

    def test_a_released_lock_is_free_and_its_lease_worth_nothing(self, tmp_path: Path) -> None:
        """The next holder's fence is higher."""
        with self.site(tmp_path) as site:
            backend, first = site.locked()
            backend.release(first)
            assert backend.lock_info() is None
            with refused(LeaseLostError):
                backend.write(first, 0, [])
            with refused(LeaseLostError):
                backend.renew(first, seconds=60)
            _, second = site.locked()
            assert second.fence > first.fence
            assert second.info.id != first.info.id
            backend.release(first)
            assert site.backend().lock_info() == second.info

    def test_a_lease_runs_out_at_its_time_for_writer_and_contender_alike(self, tmp_path: Path) -> None:
        """There is no moment at which both may write, and none at which neither may take it."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked(seconds=60)
            other = site.backend()
            site.clock.now += 59.75
            backend.write(lease, 0, [])
            with refused(LockHeldError):
                other.lock(holder="bob", operation="apply", seconds=60)
            site.clock.now += 0.25
            with refused(LeaseLostError):
                backend.write(lease, 1, [])
            assert other.lock_info() == lease.info
            taken = other.lock(holder="bob", operation="apply", seconds=60)
            assert taken.fence > lease.fence
            assert other.write(taken, 1, []) == 2

    def test_a_lease_that_was_taken_over_is_lost_for_good(self, tmp_path: Path) -> None:
        """Even after whoever took it has given it back, and whatever the clock says."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked(seconds=60)
            other = site.backend()
            site.clock.now += 61
            taken = other.lock(holder="bob", operation="apply", seconds=60)
            for _ in range(2):
                with refused(LeaseLostError):
                    backend.write(lease, 0, [])
                with refused(LeaseLostError):
                    backend.renew(lease, seconds=60)
                backend.release(lease)
                site.clock.now -= 61
            assert other.lock_info() == taken.info
            other.release(taken)
            with refused(LeaseLostError):
                backend.write(lease, 0, [])
            with refused(LeaseLostError):
                backend.renew(lease, seconds=60)

    def test_a_lease_that_ran_out_untaken_comes_back_by_renewing(self, tmp_path: Path) -> None:
        """A clock that jumps forward does not end a run for good."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked(seconds=60)
            site.clock.now += 3600
            with refused(LeaseLostError):
                backend.write(lease, 0, [])
            renewed = backend.renew(lease, seconds=60)
            assert renewed.fence == lease.fence
            assert renewed.info.id == lease.info.id
            assert backend.write(renewed, 0, []) == 1
            assert backend.write(lease, 1, []) == 2

    def test_renewing_counts_from_now(self, tmp_path: Path) -> None:
        """Also where the clock was set back."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked(seconds=60)
            site.clock.now += 30
            backend.renew(lease, seconds=60)
            site.clock.now += 59
            backend.write(lease, 0, [])
            site.clock.now -= 3600
            backend.renew(lease, seconds=60)
            site.clock.now += 60
            with refused(LeaseLostError):
                backend.write(lease, 1, [])
            assert site.backend().lock(holder="bob", operation="apply", seconds=1).fence > lease.fence

    def test_breaking_the_lock_needs_its_id(self, tmp_path: Path) -> None:
        """So that nobody breaks a lock other than the one they saw."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            other = site.backend()
            assert not other.break_lock("another")
            backend.write(lease, 0, [])
            assert other.break_lock(lease.info.id)
            assert not other.break_lock(lease.info.id)
            assert other.lock_info() is None
            with refused(LeaseLostError):
                backend.write(lease, 1, [])
            assert site.locked()[1].fence > lease.fence

    def test_a_lease_is_its_id_and_its_fence(self, tmp_path: Path) -> None:
        """Neither alone opens anything."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            forged = (
                replace(lease, fence=lease.fence - 1),
                replace(lease, fence=lease.fence + 1),
                replace(lease, info=replace(lease.info, id="another")),
            )
            for wrong in forged:
                with refused(LeaseLostError):
                    backend.write(wrong, 0, [])
                with refused(LeaseLostError):
                    backend.renew(wrong, seconds=60)
                backend.release(wrong)
            assert backend.lock_info() == lease.info

    def test_a_lost_lease_is_told_before_a_conflict(self, tmp_path: Path) -> None:
        """Who lost the lock is not to plan again and go on."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            backend.break_lock(lease.info.id)
            with refused(LeaseLostError):
                backend.write(lease, 7, [])

    def test_a_heartbeat_renews_from_its_own_thread(self, tmp_path: Path) -> None:
        """While the same backend writes."""
        with self.site(tmp_path) as site:
            backend, lease = site.locked()
            errors: list[BaseException] = []

            def beat() -> None:
                try:
                    for _ in range(50):
                        backend.renew(lease, seconds=60)
                except BaseException as error:  # noqa: BLE001 # handed to the thread that judges
                    errors.append(error)

            heart = Thread(target=beat)
            heart.start()
            for serial in range(100):
                backend.write(lease, serial, [Put(make_object(f"r{serial}"))], durable=False)
            heart.join()
            assert errors == []
            assert len(backend.read().objects) == 100

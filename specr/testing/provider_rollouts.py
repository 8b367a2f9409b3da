"""What every provider promises of roll-outs: the new comes beside the old, and faults heal."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from specr.providers.protocol import ProviderError, TransientError
from specr.testing.faults import Fault, FaultyProvider, scripted
from specr.testing.provider_site import LINEAGE, Behaviour, Suite, drift, model_id, ref_to


class RolloutPromises(Suite):
    """No roll-out loses the old deployment before the new one has proved itself."""

    def test_the_new_takes_over_from_the_old(self, tmp_path: Path) -> None:
        """Both answer until the old one is deleted."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            old = site.roll_out(provider, site.platform.deployment("a", "t1"))
            order = replace(site.platform.deployment("a", "t2"), model_id="new-v2")
            new = site.make(provider, order)
            assert model_id(provider, new) == "new-v2"
            assert model_id(provider, old) != "new-v2"
            promoted = provider.promote(new, order, [old])
            new = replace(new, attributes={**new.attributes, **promoted})
            provider.delete(old)
            assert model_id(provider, new) == "new-v2"
            assert drift(provider, new) == {}
            assert site.platform.existing(LINEAGE) == {"t2"}

    def test_a_candidate_that_dies_leaves_the_old_serving(self, tmp_path: Path) -> None:
        """Its end is told, and its deletion touches nothing else."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            old_order = site.platform.deployment("a", "t1")
            old = site.roll_out(provider, old_order)
            bad = site.platform.deployment("a", "t2", Behaviour.FAILS)
            provider.create(bad)
            readiness = site.finish(provider, bad)
            assert not readiness.succeeded
            assert readiness.message
            provider.delete(ref_to(bad))
            assert drift(provider, old) == {}
            assert model_id(provider, old) == old_order.model_id
            assert site.platform.existing(LINEAGE) == {"t1"}

    def test_a_candidate_that_is_never_ready_leaves_the_old_serving(self, tmp_path: Path) -> None:
        """It may run for ever, until it is deleted."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            old_order = site.platform.deployment("a", "t1")
            old = site.roll_out(provider, old_order)
            bad = site.platform.deployment("a", "t2", Behaviour.HANGS)
            provider.create(bad)
            readiness = provider.readiness(ref_to(bad), bad)
            assert not readiness.done
            assert readiness.message
            site.provider().delete(ref_to(bad))
            assert drift(provider, old) == {}
            assert model_id(provider, old) == old_order.model_id
            assert site.platform.existing(LINEAGE) == {"t1"}

    def test_a_roll_out_cut_short_anywhere_is_taken_up(self, tmp_path: Path) -> None:
        """Whatever call is the last that a dying process makes, the next one ends well."""
        for fault in (Fault.UNSENT, Fault.UNANSWERED):
            for method in ("create", "readiness", "promote"):
                with self.site(tmp_path / f"{fault.value}-{method}") as site:
                    old = site.roll_out(site.provider(), site.platform.deployment("a", "t1"))
                    order = replace(site.platform.deployment("a", "t2"), model_id="new-v2")
                    dying = FaultyProvider(site.provider(), scripted((method, "*", fault)))
                    try:
                        site.roll_out(dying, order, [old])
                    except TransientError:
                        pass
                    else:
                        raise AssertionError("the fault was not met")
                    new = site.roll_out(site.provider(), order, [old])
                    site.provider().delete(old)
                    assert drift(site.provider(), new) == {}
                    assert model_id(site.provider(), new) == "new-v2"
                    assert site.platform.existing(LINEAGE) == {"t2"}

    def test_a_roll_out_cut_short_anywhere_is_undone(self, tmp_path: Path) -> None:
        """Once it is no longer wanted, its token is enough, however far it came."""
        for fault in (Fault.UNSENT, Fault.UNANSWERED, Fault.HALFWAY):
            for method in ("create", "readiness", "promote"):
                with self.site(tmp_path / f"{fault.value}-{method}") as site:
                    order = site.platform.deployment("a", "t1")
                    dying = FaultyProvider(site.provider(), scripted((method, "*", fault)))
                    try:
                        site.roll_out(dying, order)
                    except (TransientError, ProviderError):
                        pass
                    else:
                        raise AssertionError("the fault was not met")
                    site.provider().delete(ref_to(order))
                    assert site.platform.existing(LINEAGE) == frozenset()

    def test_a_lost_answer_to_a_deletion_is_asked_for_again(self, tmp_path: Path) -> None:
        """The second time finds nothing."""
        with self.site(tmp_path) as site:
            ref = site.roll_out(site.provider(), site.platform.deployment("a", "t1"))
            dying = FaultyProvider(site.provider(), scripted(("delete", "*", Fault.UNANSWERED)))
            try:
                dying.delete(ref)
            except TransientError:
                pass
            else:
                raise AssertionError("the fault was not met")
            dying.delete(ref)
            assert site.platform.existing(LINEAGE) == frozenset()

"""What every provider promises of builds."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from specr.testing.provider_site import LINEAGE, Behaviour, Suite, drift, ref_to


class BuildPromises(Suite):
    """Builds run to their end, once, and leave their output."""

    def test_a_build_leaves_digest_and_size_of_its_output(self, tmp_path: Path) -> None:
        """And reading finds it as recorded."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            ref = site.make(provider, site.platform.build("a", "t1"))
            assert ref.attributes["digest"].startswith("sha256:")
            assert ref.attributes["size"] > 0
            assert drift(provider, ref) == {}

    def test_the_same_inputs_give_the_same_output(self, tmp_path: Path) -> None:
        """Whatever the token."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            first = site.make(provider, site.platform.build("a", "t1"))
            second = site.make(provider, site.platform.build("a", "t2"))
            assert first.attributes["digest"] == second.attributes["digest"]

    def test_a_finished_build_stays_finished(self, tmp_path: Path) -> None:
        """A later process asks again, and is told the same."""
        with self.site(tmp_path) as site:
            order = site.platform.build("a", "t1")
            ref = site.make(site.provider(), order)
            again = site.provider().readiness(ref_to(order), order)
            assert again.done
            assert again.succeeded
            assert again.attributes == ref.attributes

    def test_a_repeated_create_adopts_the_build(self, tmp_path: Path) -> None:
        """While it runs, and when it has ended."""
        with self.site(tmp_path) as site:
            order = site.platform.build("a", "t1")
            site.provider().create(order)
            ref = site.make(site.provider(), order)
            site.provider().create(order)
            assert site.make(site.provider(), order).attributes == ref.attributes
            assert site.platform.existing(LINEAGE) == {"t1"}

    def test_a_failed_processor_is_told(self, tmp_path: Path) -> None:
        """It is done, did not succeed, and says why."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            order = site.platform.build("a", "t1", Behaviour.FAILS)
            provider.create(order)
            readiness = site.finish(provider, order)
            assert not readiness.succeeded
            assert readiness.message
            provider.delete(ref_to(order))
            assert site.platform.existing(LINEAGE) == frozenset()

    def test_a_deleted_build_can_be_made_again(self, tmp_path: Path) -> None:
        """Nothing of the failed one gets in the way."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            order = site.platform.build("a", "t1", Behaviour.FAILS)
            provider.create(order)
            site.finish(provider, order)
            provider.delete(ref_to(order))
            good = site.platform.build("a", "t1")
            assert site.make(provider, good).attributes["digest"]

    def test_a_running_build_can_be_deleted(self, tmp_path: Path) -> None:
        """It is stopped first."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            order = site.platform.build("a", "t1", Behaviour.HANGS)
            provider.create(order)
            assert site.platform.existing(LINEAGE) == {"t1"}
            provider.delete(ref_to(order))
            assert site.platform.existing(LINEAGE) == frozenset()

    def test_the_output_outlives_the_build(self, tmp_path: Path) -> None:
        """For as long as a deployment of it is there."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            ref = site.make(provider, site.platform.build("a", "t1"))
            order = replace(site.platform.deployment("d", "t2"), model=ref.attributes["digest"])
            provider.create(order)
            provider.delete(ref)
            deployed = site.roll_out(provider, order)
            if "replicas" in provider.schema.in_place:
                for count in (0, 1):
                    provider.update(deployed, replace(order, replicas=count))
                    readiness = site.finish(provider, replace(order, replicas=count))
                    assert readiness.succeeded, readiness.message

"""What every provider promises of one deployment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec.structs import replace

from specr.providers.protocol import TransientError
from specr.state.model import ObjectRef
from specr.testing.provider_site import LINEAGE, PROVIDER, Suite, drift, model_id, ref_to


class DeploymentPromises(Suite):
    """Deployments run, answer, are observed, changed in place, and go without a trace."""

    def test_a_deployment_becomes_ready_and_answers(self, tmp_path: Path) -> None:
        """Before it is promoted, and found by its token alone."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            order = site.platform.deployment("a", "t1")
            ref = site.make(provider, order)
            assert model_id(provider, ref) == order.model_id
            assert model_id(provider, ref_to(order)) == order.model_id

    def test_promotion_gives_an_endpoint_and_leaves_no_drift(self, tmp_path: Path) -> None:
        """For this process and the next."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            ref = site.roll_out(provider, site.platform.deployment("a", "t1"))
            assert ref.attributes["endpoint"]
            assert drift(provider, ref) == {}
            assert drift(site.provider(), ref) == {}

    def test_promotion_can_be_repeated(self, tmp_path: Path) -> None:
        """The answer may have been lost."""
        with self.site(tmp_path) as site:
            order = site.platform.deployment("a", "t1")
            ref = site.roll_out(site.provider(), order)
            assert site.provider().promote(ref_to(order), order, []) == ref.attributes

    def test_a_repeated_create_adopts_the_deployment(self, tmp_path: Path) -> None:
        """Before and after its promotion."""
        with self.site(tmp_path) as site:
            order = site.platform.deployment("a", "t1")
            site.provider().create(order)
            site.provider().create(order)
            ref = site.roll_out(site.provider(), order)
            site.provider().create(order)
            assert site.platform.existing(LINEAGE) == {"t1"}
            assert drift(site.provider(), ref) == {}

    def test_reading_is_one_answer_for_each_address(self, tmp_path: Path) -> None:
        """Also for what is not there; builds among deployments."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            orders = [site.platform.deployment(f"a{n}", f"t{n}") for n in range(3)]
            refs = [site.roll_out(provider, order) for order in orders]
            build = site.make(provider, site.platform.build("b", "t9"))
            missing = ref_to(site.platform.deployment("nowhere", "t8"))
            seen = provider.read([*refs, build, missing])
            assert set(seen) == {*(ref.address for ref in refs), build.address, missing.address}
            assert {address for address, one in seen.items() if not one.exists} == {missing.address}
            assert seen[missing.address].message
            assert provider.read([]) == {}

    def test_destruction_from_outside_is_seen(self, tmp_path: Path) -> None:
        """With a word on what happened."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            ref = site.roll_out(provider, site.platform.deployment("a", "t1"))
            site.platform.destroy(LINEAGE, "t1")
            seen = provider.read([ref])[ref.address]
            assert not seen.exists
            assert seen.message

    def test_what_was_destroyed_can_be_made_again(self, tmp_path: Path) -> None:
        """Under the same token."""
        with self.site(tmp_path) as site:
            order = site.platform.deployment("a", "t1")
            site.roll_out(site.provider(), order)
            site.platform.destroy(LINEAGE, "t1")
            ref = site.roll_out(site.provider(), order)
            assert drift(site.provider(), ref) == {}
            assert model_id(site.provider(), ref) == order.model_id

    def test_replicas_change_in_place(self, tmp_path: Path) -> None:
        """Up, down to none, and up again, where the provider says that it can."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            order = site.platform.deployment("a", "t1")
            ref = site.roll_out(provider, order)
            if "replicas" not in provider.schema.in_place:
                return
            for count in (2, 0, 1):
                changed = replace(order, replicas=count)
                attributes = provider.update(ref, changed)
                readiness = site.finish(provider, changed)
                assert readiness.succeeded, readiness.message
                ref = replace(ref, attributes={**ref.attributes, **attributes, **readiness.attributes})
                assert drift(provider, ref) == {}
                assert bool(ref.attributes["endpoint"]) == bool(count)
                assert provider.update(ref, changed)["endpoint"] == ref.attributes["endpoint"]
            assert site.platform.existing(LINEAGE) == {"t1"}

    def test_without_replicas_nothing_answers(self, tmp_path: Path) -> None:
        """It is ready at once all the same."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            order = replace(site.platform.deployment("a", "t1"), replicas=0)
            ref = site.roll_out(provider, order)
            assert not ref.attributes["endpoint"]
            assert drift(provider, ref) == {}
            try:
                model_id(provider, ref)
            except TransientError:
                return
            raise AssertionError("something answered")

    def test_deleting_can_be_repeated_and_needs_the_token_only(self, tmp_path: Path) -> None:
        """And reading says that it is gone."""
        with self.site(tmp_path) as site:
            order = site.platform.deployment("a", "t1")
            ref = site.roll_out(site.provider(), order)
            site.provider().delete(ref_to(order))
            assert site.platform.existing(LINEAGE) == frozenset()
            site.provider().delete(ref_to(order))
            site.provider().delete(ref)
            assert drift(site.provider(), ref) == {"exists": False}

    def test_deleting_what_never_was_is_no_error(self, tmp_path: Path) -> None:
        """An intent may be all that there was."""
        with self.site(tmp_path) as site:
            provider = site.provider()
            for order in (site.platform.deployment("a", "t1"), site.platform.build("a", "t2")):
                provider.delete(ObjectRef(order.address, PROVIDER, order.token))

    def test_lineages_do_not_see_each_other(self, tmp_path: Path) -> None:
        """Even with the same addresses and tokens."""
        with self.site(tmp_path) as site:
            one, two = site.provider("one"), site.provider("two")
            order = site.platform.deployment("a", "t1")
            first = site.roll_out(one, order)
            assert drift(two, first) == {"exists": False}
            second = site.roll_out(two, replace(order, model_id="other-v1"))
            assert model_id(one, first) == order.model_id
            two.delete(second)
            assert drift(one, first) == {}
            assert model_id(one, first) == order.model_id
            assert site.platform.existing("one") == {"t1"}
            assert site.platform.existing("two") == frozenset()

    def test_several_threads_work_at_once(self, tmp_path: Path) -> None:
        """On different addresses."""
        with self.site(tmp_path) as site, ThreadPoolExecutor(4) as pool:
            provider = site.provider()
            orders = [site.platform.deployment(f"a{n}", f"t{n}") for n in range(6)]
            orders = [replace(order, model_id=f"m-v{n}") for n, order in enumerate(orders)]
            refs = list(pool.map(lambda order: site.roll_out(provider, order), orders))
            assert [model_id(provider, ref) for ref in refs] == [order.model_id for order in orders]
            list(pool.map(provider.delete, refs))
            assert site.platform.existing(LINEAGE) == frozenset()

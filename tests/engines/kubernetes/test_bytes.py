"""Bytes on the volume: they arrive whole, are there for whom they should be, and go with the last."""

from __future__ import annotations

import json
import os

import pytest
from msgspec.structs import replace

from specr.providers.kubernetes import names
from specr.providers.kubernetes.index import Entry
from specr.providers.protocol import ScorerRequest
from specr.state.model import ObjectRef
from specr.store.content import measure
from specr.testing.provider_site import Site, ref_to
from tests.engines.kubernetes.platform import Namespace
from tests.engines.kubernetes.space import wait_until

pytestmark = pytest.mark.engines


def digests(site: Namespace) -> dict[str, set[str]]:
    """What the index says: who needs which content."""
    found = site.space.get("configmaps", "-l", f"specr.dev/lineage={site.lineage()}")
    return {
        digest: set(json.loads(entry)["for"]) for index in found for digest, entry in index["data"].items()
    }


class TestBytes:
    def test_folders_arrive_as_they_are(self, site: Namespace) -> None:
        """To a runtime, and back into the digest of a processor's output."""
        folder = site.root / "folder"
        (folder / "deep" / "empty").mkdir(parents=True)
        (folder / "deep" / "file with spaces").write_text("text")
        (folder / "deep" / "ünïcode").write_bytes(os.urandom(3 << 20))
        (folder / "run").write_text("#!/bin/sh\n")
        (folder / "run").chmod(0o755)
        (folder / "link").symlink_to("deep/ünïcode")
        order = replace(site.deployment("a", "t1"), model=site.store.add(folder).digest)
        ref = Site(site).make(site.provider(), order)
        answer = site.provider().request(ref, ScorerRequest("GET", "/model"))
        assert json.loads(answer.body) == [
            "deep",
            "deep/empty",
            "deep/file with spaces",
            "deep/ünïcode",
            "link",
            "run",
        ]
        site.provider().delete(ref)

    def test_a_folder_that_a_processor_wrote_has_the_stores_digest(self, site: Namespace) -> None:
        ref = Site(site).make(site.provider(), site.build("a", "t1", "folder"))
        same = site.root / "same"
        (same / "deep" / "er").mkdir(parents=True)
        (same / "deep" / "model").write_text("an artifact")
        (same / "deep" / "run").write_text("#!/bin/sh\n")
        (same / "deep" / "run").chmod(0o755)
        (same / "link\nwith a line's end").symlink_to("deep/model")
        assert (ref.attributes["digest"], ref.attributes["size"]) == measure(same)
        site.provider().delete(ref)

    def test_content_stays_until_the_last_who_needs_it_is_gone(self, site: Namespace) -> None:
        provider, at = site.provider(), Site(site)
        build = at.make(provider, site.build("a", "t1"))
        source, output = (names.folder_name(d) for d in (site.source, build.attributes["digest"]))
        order = replace(site.deployment("a", "t2"), model=build.attributes["digest"], replicas=0)
        provider.create(order)
        assert digests(site) == {source: {"t1"}, output: {"t1", "t2"}}
        provider.delete(build)
        assert digests(site) == {output: {"t2"}}
        provider.delete(ref_to(order))
        assert digests(site) == {}

    def test_a_claim_of_a_size_is_made_and_removed(self, site: Namespace) -> None:
        store = {"type": "volume", "claim": "own", "size": "1Gi"}
        one, two = site.provider("one", store=store), site.provider("two", store=store)
        order = replace(site.deployment("a", "t1"), replicas=0)
        one.create(order)
        two.create(order)
        (claim,) = site.space.get("persistentvolumeclaims", "--field-selector=metadata.name=own")
        assert claim["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "specr"
        one.delete(ref_to(order))
        assert site.space.get("persistentvolumeclaims", "--field-selector=metadata.name=own")
        two.delete(ref_to(order))
        wait_until(lambda: not site.space.get("persistentvolumeclaims", "--field-selector=metadata.name=own"))
        assert not site.space.bytes_left(site.lineage("one"))

    def test_a_build_that_is_cut_short_leaves_nothing(self, site: Namespace) -> None:
        order = site.build("a", "t1", "hangs")
        provider = site.provider()
        provider.create(order)
        provider.delete(ref_to(order))
        assert not site.left()

    def test_an_output_that_nobody_noted_goes_with_its_build(self, site: Namespace) -> None:
        """The process may die between the Job's end and the look at it."""
        order = site.build("a", "t1")
        site.provider().create(order)
        wait_until(lambda: bool(_succeeded(site)))
        site.provider().delete(ref_to(order))
        assert not site.left()

    def test_a_helper_that_was_left_is_removed(self, site: Namespace) -> None:
        order = replace(site.deployment("a", "t1"), replicas=0)
        provider = site.provider()
        opened = provider._volume.helper.opened()
        provider.create(order)
        opened.__enter__()  # what a killed process leaves
        name = names.bytes_name(site.lineage(), "tested")
        assert site.space.get("pods", f"--field-selector=metadata.name={name}")
        fresh = site.provider()
        fresh.create(order)
        assert not site.space.get("pods", f"--field-selector=metadata.name={name}")
        fresh.delete(ref_to(order))

    def test_what_a_dead_upload_has_left_is_removed(self, site: Namespace) -> None:
        """The index knows that it was begun."""
        order = replace(site.deployment("a", "t1"), model=site.add("half of it"))
        volume = site.provider()._volume
        claim = volume._claim()
        volume._index.change(claim, lambda entries: entries.update({order.model: _half("t1")}))
        with volume.helper.opened() as helper, pytest.raises(Exception, match="bytes"):
            helper.run("try", "receive", "x", "0", "0" * 64, pieces=[])
        site.provider().delete(ObjectRef(order.address, "tested", "t1"))
        assert not site.left()


def _half(token: str) -> Entry:
    return Entry(0, whole=False, tokens=frozenset({token}))


def _succeeded(site: Namespace) -> int:
    (job,) = site.space.get("jobs", "-l", f"specr.dev/lineage={site.lineage()}")
    return int(job["status"].get("succeeded", 0))

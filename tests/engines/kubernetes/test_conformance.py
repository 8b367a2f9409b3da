"""The Kubernetes provider, held to what every provider promises, with exactly the documented role."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from specr.testing.provider_site import LINEAGE
from specr.testing.providers import Platform, ProcessProviderConformance
from tests.engines.kubernetes.platform import Namespace
from tests.engines.kubernetes.space import Space

pytestmark = pytest.mark.engines

OWN = "conformance"


@pytest.fixture(scope="class")
def pinned(space: Space, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """A namespace whose volume has the artifact already; in the end nothing of anything is there."""
    site = Namespace(space, tmp_path_factory.mktemp("pin") / "site", OWN)
    try:
        with site.pinned(LINEAGE):
            yield space
        left = space.left()
    finally:
        site.clear()
    assert not left, f"left in the cluster: {left}"


class TestKubernetes(ProcessProviderConformance):
    @pytest.fixture(autouse=True)
    def _namespace(self, pinned: Space) -> Iterator[None]:
        self.space = pinned
        self.sites: list[Namespace] = []
        yield
        for site in self.sites:
            site.close()

    def platform(self, place: Path) -> Platform:
        self.sites.append(Namespace(self.space, place, OWN))
        return self.sites[-1]

"""The Kubernetes provider, held to what every provider promises, with exactly the documented role.

Each kind of promise has a class, and so a namespace, of its own: they may be tried at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from specr.testing.provider_builds import BuildPromises
from specr.testing.provider_deployments import DeploymentPromises
from specr.testing.provider_processes import ProcessPromises
from specr.testing.provider_rollouts import RolloutPromises
from specr.testing.provider_site import LINEAGE
from specr.testing.providers import Platform, ProcessProviderConformance
from tests.engines.kubernetes.platform import Namespace
from tests.engines.kubernetes.space import Space

pytestmark = [pytest.mark.engines, pytest.mark.slow]

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


class OnKubernetes:
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


class TestRollouts(OnKubernetes, RolloutPromises):
    pass


class TestDeployments(OnKubernetes, DeploymentPromises):
    pass


class TestBuilds(OnKubernetes, BuildPromises):
    pass


class TestProcesses(OnKubernetes, ProcessPromises):
    pass


def test_no_promise_is_left_out() -> None:
    tried = (TestRollouts, TestDeployments, TestBuilds, TestProcesses)
    promised = {name for name in dir(ProcessProviderConformance) if name.startswith("test_")}
    assert {name for kind in tried for name in dir(kind) if name.startswith("test_")} == promised

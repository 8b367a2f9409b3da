"""The Kubernetes provider, held to what every provider promises, with exactly the documented role."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from specr.testing.providers import Platform, ProcessProviderConformance
from tests.engines.kubernetes.platform import Namespace
from tests.engines.kubernetes.space import Space

pytestmark = pytest.mark.engines


class TestKubernetes(ProcessProviderConformance):
    @pytest.fixture(autouse=True)
    def _namespace(self, space: Space) -> Iterator[None]:
        self.space = space
        self.sites: list[Namespace] = []
        yield
        left = [name for site in self.sites for name in site.left()]
        for site in self.sites:
            site.clear()
        assert not left, f"left in the cluster: {left}"

    def platform(self, place: Path) -> Platform:
        self.sites.append(Namespace(self.space, place))
        return self.sites[-1]

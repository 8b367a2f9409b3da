"""The Docker provider, held to what every provider promises, with mounts and with copies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from specr.testing.providers import FixedPortPromises, Platform, ProberPromises, ProcessProviderConformance
from tests.engines.docker.engine import Engine

pytestmark = [pytest.mark.engines, pytest.mark.slow]


class OnDocker:
    """Makes platforms, and looks at the end of each test that nothing of it is left."""

    settings: dict[str, str]

    @pytest.fixture(autouse=True)
    def _daemon(self, client: docker.APIClient) -> Iterator[None]:
        self.client = client
        self.engines: list[Engine] = []
        yield
        left = [name for engine in self.engines for name in engine.left()]
        for engine in self.engines:
            engine.clear()
        assert not left, f"left at the daemon: {left}"

    def platform(self, place: Path) -> Platform:
        self.engines.append(Engine(self.client, place, **self.settings))
        return self.engines[-1]


class TestMounting(OnDocker, ProcessProviderConformance, FixedPortPromises, ProberPromises):
    settings = {}  # noqa: RUF012 - never changed


class TestCopying(OnDocker, ProcessProviderConformance, FixedPortPromises, ProberPromises):
    settings = {"bytes": "copy"}  # noqa: RUF012 - never changed

"""The cluster that the tests use. Each class of tests has a namespace of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.conftest import need
from tests.engines.kubernetes.platform import Namespace
from tests.engines.kubernetes.space import Space


@pytest.fixture(scope="session")
def cluster() -> None:
    """There is a cluster, and kubectl to look at it."""
    try:
        asked = subprocess.run(
            ["kubectl", "get", "--raw", "/readyz", "--request-timeout=10s"],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        need(reachable=False, engine="Kubernetes", how="kubectl is not installed")
        return
    need(reachable=asked.returncode == 0, engine="Kubernetes", how=asked.stderr.strip())


@pytest.fixture(scope="class")
def space(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """A namespace for a class of tests."""
    space = Space(tmp_path_factory.mktemp("space"))
    try:
        space.make()
        yield space
    finally:
        space.remove()


@pytest.fixture
def site(space: Space, tmp_path: Path) -> Iterator[Namespace]:
    """A test's place in the namespace; nothing of it may be left there."""
    site = Namespace(space, tmp_path / "site")
    try:
        yield site
        left = site.left()
    finally:
        site.clear()
    assert not left, f"left in the cluster: {left}"

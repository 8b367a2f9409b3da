"""The daemon that the tests use, and the look at it that no test may end without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.engines.conftest import need
from tests.engines.docker.engine import Engine
from tests.engines.docker.project import Project


@pytest.fixture(scope="session")
def client() -> docker.APIClient:
    try:
        client = docker.APIClient(**docker.utils.kwargs_from_env(), version="auto")
        client.ping()
    except docker.errors.DockerException as error:
        need(reachable=False, engine="Docker", how=str(error))
    return client


@pytest.fixture
def engine(client: docker.APIClient, tmp_path: Path) -> Iterator[Engine]:
    """A project's place on this machine and at the daemon; nothing of it may be left there."""
    engine = Engine(client, tmp_path)
    yield engine
    for token in engine.existing("mine"):
        engine.provider().delete(engine.ref(token))
    left = engine.left()
    engine.clear()
    assert not left, f"left at the daemon: {left}"


@pytest.fixture
def project(client: docker.APIClient, tmp_path: Path) -> Iterator[Project]:
    """A project that is destroyed in the end, by its own means."""
    project = Project(client, tmp_path / "project")
    try:
        yield project
        if (project.folder / ".specr" / "state.db").exists():
            project.destroy()
    finally:
        project.clear()

"""A real `specr apply` dies by SIGKILL at any moment; the next one brings everything in order."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specr.address import Address
from specr.providers.local.ports import find_free_port
from specr.state.checks import check_state
from tests.engines.docker.project import Project
from tests.engines.models import score
from tests.engines.progress import Begun, kill_at_work

pytestmark = [pytest.mark.engines, pytest.mark.slow]

ATTEMPTS = 20
COUNT = 2


class Killed:
    """One project that lives through all attempts, and how long an apply of it takes."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.port = find_free_port(frozenset())
        self.edition = 0
        self.next_edition("auto")
        project.apply()
        # Not the first one, which has more to do than the others.
        self.next_edition("auto")
        started = time.perf_counter()
        project.apply()
        self.duration = time.perf_counter() - started

    def next_edition(self, how: str) -> None:
        """Other artifacts: everything is built and rolled out again, one deployment at its fixed port."""
        self.edition += 1
        self.project.settings["bytes"] = how
        self.project.declare(COUNT, edition=self.edition, port=self.port)


@pytest.fixture(scope="module")
def killed(client: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    project = Project(client, tmp_path_factory.mktemp("killed") / "project")
    try:
        yield Killed(project)
        project.destroy()
    finally:
        project.clear()


@pytest.mark.parametrize("attempt", range(ATTEMPTS))
def test_a_killed_apply_loses_nothing_and_the_next_one_heals(
    attempt: int, killed: Killed, tmp_path: Path
) -> None:
    project = killed.project

    def begin(_over: int) -> Begun:
        killed.next_edition("copy" if attempt % 2 else "auto")
        return project.begin(tmp_path / "log")

    kill_at_work(begin, killed.duration * random.Random(attempt).uniform(0.1, 1.0))
    assert not check_state(project.state())
    project.apply()
    project.nothing_to_do()
    project.check_nothing_else()
    for n in range(COUNT):
        endpoint = project.state().objects[Address("deployment", f"d{n}")].attributes["endpoint"]
        assert score(endpoint, {"fields": ["x"], "rows": [["1.5"]]}) == [["3.0"]]
    assert f":{killed.port}" in project.ok("output")

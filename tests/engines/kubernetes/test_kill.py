"""A real `specr apply` dies by SIGKILL at any point; the next one leaves nothing twice and nothing behind."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from tests.engines.kubernetes.project import Project
from tests.engines.kubernetes.space import Space, wait_until
from tests.engines.progress import Begun, kill_at_work

pytestmark = [pytest.mark.engines, pytest.mark.slow]

ATTEMPTS = 10
"""Of each kind."""
COUNT = 2


@pytest.fixture(scope="class")
def project(space: Space, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(space, tmp_path_factory.mktemp("kill"), COUNT)
    yield project
    project.specr("destroy", "--auto-approve")
    wait_until(lambda: not space.left())


@pytest.fixture(scope="class")
def seconds(request: pytest.FixtureRequest, project: Project) -> float:
    """How long an apply like those of the attempts takes here, now."""
    project.apply()
    request.cls.edit(project, "none")
    began = time.monotonic()
    project.apply()
    return time.monotonic() - began


class KilledApplies:
    """One project that lives through all attempts."""

    first: ClassVar[int]
    """The number of the first attempt; numbers say when an attempt ends."""

    @classmethod
    def edit(cls, project: Project, attempt: str) -> None:
        """Give an attempt something to do."""
        project.deployment["env"] = {"ATTEMPT": attempt}
        project.write()

    @pytest.mark.parametrize("number", range(ATTEMPTS))
    def test_the_next_apply_converges(
        self, project: Project, seconds: float, number: int, tmp_path: Path
    ) -> None:
        attempt = self.first + number

        def begin(over: int) -> Begun:
            self.edit(project, f"{attempt}.{over}")
            return project.start("apply", "--auto-approve", log=tmp_path / "log")

        kill_at_work(begin, seconds * random.Random(attempt).uniform(0.05, 0.95))
        project.apply()
        assert project.is_settled()
        check(project)


class TestKilledRollOuts(KilledApplies):
    """The models stay, what runs them changes."""

    first = 0


class TestKilledBuilds(KilledApplies):
    """One model is another one, too: it is brought to the volume and processed."""

    first = ATTEMPTS

    @classmethod
    def edit(cls, project: Project, attempt: str) -> None:
        (project.folder / "model0.bin").write_text(f"model 0, attempt {attempt}")
        super().edit(project, attempt)


def check(project: Project) -> None:
    """In the cluster there is what is recorded, once, and nothing else."""
    state = project.state()
    deployments = {o["token"] for o in state.values() if o["address"].startswith("deployment/")}
    builds = {o["token"] for o in state.values() if o["address"].startswith("build/")}
    assert len(deployments) == COUNT
    live = project.objects("deployments")
    assert {one["metadata"]["labels"]["specr.dev/token"] for one in live} == deployments
    assert len(live) == COUNT
    services = project.objects("services")
    assert {one["spec"]["selector"]["specr.dev/token"] for one in services} == deployments
    assert len(services) == COUNT
    jobs = project.objects("jobs")
    assert {one["metadata"]["labels"]["specr.dev/token"] for one in jobs} <= builds
    (index,) = project.objects("configmaps")
    entries = [json.loads(text) for text in index["data"].values()]
    assert all(entry["whole"] for entry in entries)
    assert {token for entry in entries for token in entry["for"]} <= deployments | builds
    assert not [pod for pod in project.objects("pods") if "specr.dev/token" not in pod["metadata"]["labels"]]
    _check_volume(project, set(index["data"]))


def _check_volume(project: Project, digests: set[str]) -> None:
    """On the volume is what the index says, where the volume is a folder of this machine."""
    for volume in project.space.bound_volumes():
        folder = Path(volume["spec"]["hostPath"]["path"], "specr", project.lineage(), "cluster")
        if folder.exists():
            assert {path.name for path in (folder / "objects").iterdir()} == digests
            staging = folder / "staging"
            assert not staging.exists() or not list(staging.iterdir())

"""The API server stops in the middle of an apply and is started again: nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.kubernetes.project import Project
from tests.engines.kubernetes.server import OwnServer
from tests.engines.kubernetes.space import Space, wait_until
from tests.engines.progress import wait_for_words

pytestmark = [pytest.mark.engines, pytest.mark.slow]


@pytest.fixture(scope="class")
def server(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServer]:
    server = OwnServer(tmp_path_factory.mktemp("server"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="class")
def project(server: OwnServer, space: Space, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("stops")
    kubeconfig = server.kubeconfig(space, folder / "kubeconfig")
    project = Project(space, folder / "project", 2, kubeconfig=str(kubeconfig))
    project.apply()
    yield project
    project.specr("destroy", "--auto-approve")
    wait_until(lambda: not space.left())


class TestApiServerStops:
    @pytest.mark.parametrize(
        ("stage", "words"),
        [
            ("building", "build/a0.copy: starting the processor"),
            ("starting", "deployment/d0: starting the runtime"),
            ("promoting", "deployment/d0: taking over"),
            ("removing", "deployment/d0: removing what it replaces"),
        ],
    )
    def test_in_the_middle_of_an_apply(
        self, project: Project, server: OwnServer, stage: str, words: str, tmp_path: Path
    ) -> None:
        project.deployment["env"] = {"ATTEMPT": stage}
        (project.folder / "model0.bin").write_text(f"model 0, {stage}")
        project.write()
        log = tmp_path / "log"
        process = project.start("apply", "--auto-approve", log=log)
        wait_for_words(process, log, words)
        with server.stopped():
            status = process.wait(timeout=300)
        told = " ".join(log.read_text().split())
        assert "Traceback" not in told
        if status:
            assert "Provider does not answer" in told
            assert "`specr apply` again" in told
        project.apply()
        assert project.is_settled()
        assert len(project.objects("deployments")) == 2
        assert len(project.objects("services")) == 2
        assert not [p for p in project.objects("pods") if "specr.dev/token" not in p["metadata"]["labels"]]

    def test_a_plan_says_that_it_can_not_see(self, project: Project, server: OwnServer) -> None:
        project.apply()
        with server.stopped():
            done = project.run("plan")
        assert done.returncode == 1
        assert "Provider does not answer" in done.stderr
        assert project.is_settled()

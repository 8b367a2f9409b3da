"""Updates under load: no request fails, and no bad version ever gets one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.kubernetes.load import Load
from tests.engines.kubernetes.platform import command
from tests.engines.kubernetes.project import Project
from tests.engines.kubernetes.space import Space, wait_until

pytestmark = [pytest.mark.engines, pytest.mark.slow]


@pytest.fixture(scope="class")
def project(space: Space, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project(space, tmp_path_factory.mktemp("updates"), drainSeconds=5)
    project.share = "300m"  # callers are waiting
    _edit(project, "1")
    project.apply()
    yield project
    project.specr("destroy", "--auto-approve")
    assert not space.left()


def _edit(project: Project, edition: str, behaviour: str = "good") -> None:
    project.runtime["command"] = list(command("runtime.py", behaviour))
    project.deployment["env"] = {"EDITION": edition, "LOG_REQUESTS": "1"}
    project.write()


def _url(project: Project) -> str:
    (service,) = project.objects("services")
    return f"http://{service['spec']['clusterIP']}:{service['spec']['ports'][0]['port']}/env"


class TestUpdates:
    def test_the_service_leads_to_the_runtime_once_apply_is_done(self, project: Project) -> None:
        (endpoints,) = project.space.get("endpoints", "-l", f"specr.dev/lineage={project.lineage()}")
        assert endpoints["subsets"], endpoints
        assert endpoints["subsets"][0]["addresses"], endpoints

    def test_no_request_fails_while_a_new_revision_takes_over(self, project: Project) -> None:
        with Load(_url(project)) as load:
            for edition in ("2", "3"):
                wait_until(lambda: sum(load.answers.values()) > 0)
                _edit(project, edition)
                project.apply()
                wait_until(lambda edition=edition: load.answers[edition] > 0)  # type: ignore[misc]
        assert not load.failures
        assert list(load.answers) == ["1", "2", "3"], load.answers

    def test_no_request_fails_while_replicas_come_and_go(self, project: Project) -> None:
        with Load(_url(project)) as load:
            for replicas in (3, 1):
                project.deployment["replicas"] = replicas
                project.write()
                project.apply()
                budgets = project.objects("poddisruptionbudgets")
                assert len(budgets) == (1 if replicas > 1 else 0)
        assert not load.failures
        assert load.answers

    @pytest.mark.parametrize(
        ("behaviour", "words"),
        [
            ("fails", "it has exited with status 3"),
            ("wrong-schema", "schema"),
            ("wrong-score", "golden"),
        ],
    )
    def test_a_bad_version_never_gets_a_request(self, project: Project, behaviour: str, words: str) -> None:
        before = project.state()["deployment/d0"]
        edition = before["arguments"]["env"]["EDITION"]
        with Load(_url(project)) as load:
            _edit(project, f"bad {behaviour}", behaviour)
            done = project.run("apply", "--auto-approve")
            assert done.returncode == 1
            assert words in " ".join((done.stdout + done.stderr).lower().split())
            # The bad one's last words are told; requests through the Service would be among them.
            assert "asked for /env" not in done.stdout + done.stderr
            seen = sum(load.answers.values())
            wait_until(lambda: sum(load.answers.values()) > seen)
        assert not load.failures
        assert set(load.answers) == {edition}
        if behaviour == "fails":
            assert project.specr("logs", "deployment/d0", "--failed") == "this runtime does not work\n"
        (live,) = project.objects("deployments")
        assert live["metadata"]["labels"]["specr.dev/token"] == before["token"]
        _edit(project, edition)
        project.apply()
        assert project.is_settled()

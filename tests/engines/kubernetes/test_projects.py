"""Whole projects with real models in the cluster, from the command line; nothing is left of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines.kubernetes.project import Project, run_specr
from tests.engines.kubernetes.space import CLAIM, Space, wait_until
from tests.engines.models import MODELS, score, score_request, write_quickstart, write_three
from tests.engines.packs import REQUESTS, write_packs

pytestmark = [pytest.mark.engines, pytest.mark.slow]


def settings(space: Space) -> dict[str, Any]:
    return {
        "type": "kubernetes",
        "kubeconfig": str(space.kubeconfig),
        "store": {"type": "volume", "claim": CLAIM},
        "drainSeconds": 0,
    }


def address(space: Space, folder: Path, deployment: str) -> str:
    """Where a deployment is reached from a node: at its Service's own address."""
    state = json.loads(run_specr(folder, "show", "--json"))
    (endpoint,) = (
        entry["attributes"]["endpoint"]
        for entry in state["objects"]
        if entry["address"] == f"deployment/{deployment}"
    )
    name = endpoint.removeprefix("http://").split(".")[0]
    (service,) = space.get("services", f"--field-selector=metadata.name={name}")
    return f"http://{service['spec']['clusterIP']}"


def check_settled(folder: Path) -> None:
    run_specr(folder, "plan", "--detailed-exitcode")


class TestProjects:
    @pytest.fixture(autouse=True)
    def _nothing_left(self, space: Space) -> Iterator[None]:
        yield
        wait_until(lambda: not space.left())

    def test_the_quickstart_runs_unchanged(self, space: Space, tmp_path: Path) -> None:
        folder = tmp_path / "quickstart"
        write_quickstart(folder, "cluster", settings(space))
        run_specr(folder, "apply", "--auto-approve")
        check_settled(folder)
        body = {
            "fields": ["alcohol", "malic_acid", "color_intensity", "proline"],
            "rows": [["14.23", "1.71", "5.64", "1065"], ["12.37", "0.94", "1.95", "520"]],
        }
        scores = score(address(space, folder, "wine"), body)
        assert [row[0] for row in scores] == ["class_0", "class_1"]
        assert "ready after" in run_specr(folder, "logs", "deployment/wine")
        run_specr(folder, "destroy", "--auto-approve")

    def test_three_models_answer_as_they_predict(self, space: Space, tmp_path: Path) -> None:
        folder = tmp_path / "three"
        predicted = write_three(folder, "cluster", settings(space))
        run_specr(folder, "apply", "--auto-approve")
        check_settled(folder)
        for name in MODELS:
            scores = score(address(space, folder, name), score_request())
            assert [float(row[0]) for row in scores] == predicted[name]
        run_specr(folder, "destroy", "--auto-approve")

    def test_the_images_of_other_packs_answer_as_their_models_predict(
        self, space: Space, tmp_path: Path
    ) -> None:
        """Java, too, in a pod that may write to /tmp alone."""
        folder = tmp_path / "packs"
        predicted = write_packs(folder, "cluster", settings(space))
        run_specr(folder, "apply", "--auto-approve")
        check_settled(folder)
        for name, request in REQUESTS.items():
            scores = score(address(space, folder, name), request)
            assert [float(row[0]) for row in scores] == predicted[name]
        run_specr(folder, "destroy", "--auto-approve")

    def test_a_deployment_moves_between_this_machine_and_the_cluster(
        self, space: Space, tmp_path: Path
    ) -> None:
        """Each time the new one takes over before the old one goes, and nothing stays behind."""
        project = Project(space, tmp_path / "moves")
        project.deployment["provider"] = "local"
        project.write()
        project.apply()
        assert not space.left()
        for provider in ("cluster", "local"):
            project.deployment["provider"] = provider
            project.write()
            plan = project.plan()
            assert "1 to replace" in plan
            told = project.run("apply", "--auto-approve").stderr
            assert told.index("taking over") < told.index("removing what it replaces")
            assert project.is_settled()
            assert bool(space.left()) == (provider == "cluster")
        project.specr("destroy", "--auto-approve")

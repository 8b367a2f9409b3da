"""The projects that Docker and Kubernetes are tried with, as processes of this machine."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from specr.providers.local.marks import FOLDER_MARK
from tests.engines.kubernetes.project import run_specr
from tests.engines.models import MODELS, score, score_request, write_quickstart, write_three
from tests.unit.providers.machine import wait_until

pytestmark = [pytest.mark.engines, pytest.mark.slow]


def processes(folder: Path) -> list[psutil.Process]:
    """All that runs for a project, supervisors included."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(FOLDER_MARK, "").startswith(f"{folder.resolve()}/"):
                found.append(process)
    return found


def recorded(folder: Path) -> dict[str, Any]:
    listed = json.loads(run_specr(folder, "show", "--json"))
    return {entry["address"]: entry for entry in listed["objects"]}


def check_settled(folder: Path) -> None:
    run_specr(folder, "plan", "--detailed-exitcode")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A project's folder; nothing of the project may run in the end."""
    folder = tmp_path / "project"
    try:
        yield folder
        run_specr(folder, "destroy", "--auto-approve")
        left = processes(folder)
    finally:
        for process in processes(folder):
            process.kill()
    assert not left
    assert recorded(folder) == {}


def test_the_quickstart_runs_unchanged(folder: Path) -> None:
    write_quickstart(folder, "here", {"type": "local"})
    run_specr(folder, "apply", "--auto-approve")
    check_settled(folder)
    body = {
        "fields": ["alcohol", "malic_acid", "color_intensity", "proline"],
        "rows": [["14.23", "1.71", "5.64", "1065"], ["12.37", "0.94", "1.95", "520"]],
    }
    scores = score(recorded(folder)["deployment/wine"]["attributes"]["endpoint"], body)
    assert [row[0] for row in scores] == ["class_0", "class_1"]
    assert "ready after" in run_specr(folder, "logs", "deployment/wine")


def test_three_models_answer_as_they_predict(folder: Path) -> None:
    """One of them is killed then: the plan says so, and apply brings it back."""
    predicted = write_three(folder, "here", {"type": "local"})
    run_specr(folder, "apply", "--auto-approve")
    check_settled(folder)
    answers_as(folder, predicted)
    token = recorded(folder)["deployment/forest"]["token"]
    doomed = [process for process in processes(folder) if process.environ().get("SPECR_TOKEN") == token]
    assert doomed
    for process in doomed:
        process.kill()
    wait_until(lambda: not any(process.is_running() for process in doomed))
    plan = " ".join(run_specr(folder, "plan").split())
    assert "deployment/forest" in plan
    assert "killed" in plan or "SIGKILL" in plan or "gone" in plan
    assert "deployment/tree" not in plan
    run_specr(folder, "apply", "--auto-approve")
    check_settled(folder)
    answers_as(folder, predicted)


def answers_as(folder: Path, predicted: dict[str, list[float]]) -> None:
    objects = recorded(folder)
    for name in MODELS:
        scores = score(objects[f"deployment/{name}"]["attributes"]["endpoint"], score_request())
        assert [float(row[0]) for row in scores] == predicted[name]

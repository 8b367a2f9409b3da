"""A family's project in a folder of its own, and specr's command line run on it."""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

import psutil
from ruamel.yaml import YAML

from tests.families.commands import CommandError, Deadline, run
from tests.families.models import Case

SPECR: Final = Path(sys.executable).parent / "specr"
_GOLDEN_ROWS: Final = 2
_PLAN_SECONDS: Final = 60
_APPLY_SECONDS: Final = 300
_DESTROY_SECONDS: Final = 90
_CHANGES: Final = 2
"""`specr plan --detailed-exitcode` ends with this status where there are changes."""


class ProjectError(Exception):
    """A project that did not behave."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment as its plan shows it. `case` is the build's folder that holds its model."""

    name: str
    case: str
    artifact_type: str
    processor: str
    runtime: str


class Project:
    """A temporary project on the local provider."""

    def __init__(self, folder: Path, launcher: Path, deadline: Deadline) -> None:
        self._folder = folder
        self._deadline = deadline
        self._env = {**os.environ, "SPECR_VAR_python": str(launcher), "NO_COLOR": "1"}

    def write(self, spec: Path, built: Path, cases: Mapping[str, Case]) -> None:
        """Put the spec and the built models into the folder, and golden rows into the deployments."""
        shutil.copytree(built, self._folder, dirs_exist_ok=True)
        yaml = YAML()
        documents: list[Any] = list(yaml.load_all(spec.read_text(encoding="utf-8")))
        for document in documents:
            if document["kind"] == "Deployment":
                case = cases.get(_case_of(document))
                if case is None:
                    name = document["metadata"]["name"]
                    raise ProjectError(f"deployment/{name}: its label `case` is none of {list(cases)}")
                document["spec"].setdefault("verify", list(_golden_rows(case)))
        text = StringIO()
        yaml.dump_all(documents, text)
        (self._folder / "specr.yaml").write_text(text.getvalue(), encoding="utf-8")

    def plan(self) -> list[Deployed]:
        """Plan, which must find something to do, and say what will be deployed."""
        plan = json.loads(self._specr("plan", "--json", seconds=_PLAN_SECONDS))
        planned = {change["address"]: change["planned"] for change in plan["changes"]}
        yaml = YAML(typ="safe")
        cases = {
            f"deployment/{document['metadata']['name']}": _case_of(document)
            for document in yaml.load_all((self._folder / "specr.yaml").read_text(encoding="utf-8"))
            if document["kind"] == "Deployment"
        }
        for address in cases:
            command = planned[address]["runtime"]["command"]
            if self._env["SPECR_VAR_python"] not in command:
                raise ProjectError(f"the runtime of {address} does not run ${{var.python}} but {command}")
        return [_deployed(address, planned, cases[address]) for address in sorted(cases)]

    def apply(self) -> None:
        """Apply, and see that a plan afterwards finds nothing to do."""
        self._specr("apply", "--auto-approve", seconds=_APPLY_SECONDS)
        try:
            self._specr("plan", "--detailed-exitcode", seconds=_PLAN_SECONDS)
        except CommandError as error:
            raise ProjectError(f"the plan after the apply is not empty: {error}") from error

    def urls(self) -> Mapping[str, str]:
        """Where deployments answer, by name."""
        told = json.loads(self._specr("output", "--json", seconds=_PLAN_SECONDS))
        return {name: about["url"] for name, about in told.items()}

    def logs(self, name: str) -> str:
        """What a deployment printed."""
        return self._specr("logs", f"deployment/{name}", seconds=_PLAN_SECONDS)

    def destroy(self) -> None:
        """Destroy everything, and see that nothing is left: no record, no process.

        Also when the run's time is up: what was started must not stay.
        """
        last = Deadline(_DESTROY_SECONDS + _PLAN_SECONDS)
        self._specr("destroy", "--auto-approve", seconds=_DESTROY_SECONDS, deadline=last)
        left = json.loads(self._specr("state", "pull", seconds=_PLAN_SECONDS, deadline=last))["objects"]
        if left:
            raise ProjectError(f"after the destroy there is still on record: {left}")
        running = list(_processes_of(self._folder))
        if running:
            raise ProjectError(f"after the destroy there still run: {'; '.join(running)}")

    def _specr(self, *words: str, seconds: float, deadline: Deadline | None = None) -> str:
        command: list[str | Path] = [SPECR, "-C", self._folder, *words]
        return run(command, deadline=deadline or self._deadline, limit=seconds, env=self._env)


def _case_of(document: Any) -> str:
    return str((document["metadata"].get("labels") or {}).get("case", ""))


def _golden_rows(case: Case) -> Iterator[dict[str, Any]]:
    """The first rows, as a spec states them: what is missing is left out of what is expected."""
    for row in range(_GOLDEN_ROWS):
        scores = dict(zip(case.expected.fields, case.expected.rows[row], strict=True))
        yield {
            "row": dict(zip(case.asked.fields, case.self_contained(row), strict=True)),
            "expect": {name: cell for name, cell in scores.items() if cell is not None},
        }


def _deployed(address: str, planned: Mapping[str, Any], case: str) -> Deployed:
    deployment = planned[address]
    build = planned[deployment["build"]]
    return Deployed(
        name=address.partition("/")[2],
        case=case,
        artifact_type=build["artifactType"],
        processor=deployment["build"].rpartition(".")[2],
        runtime=deployment["runtime"]["name"],
    )


def _processes_of(folder: Path) -> Iterator[str]:
    """Processes that run in a folder or have it in their command line."""
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            words = process.cmdline()
            if process.cwd().startswith(str(folder)) or any(str(folder) in word for word in words):
                yield f"{process.pid} {' '.join(words)[:200]}"

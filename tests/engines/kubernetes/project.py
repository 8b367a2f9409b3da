"""A real project on the cluster, worked on by the real command `specr`, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.engines.kubernetes.platform import IMAGE, command
from tests.engines.kubernetes.space import CLAIM, Space

SPECR = str(Path(sys.executable).parent / "specr")
SCHEMA = {"input": [{"name": "x", "type": "Float64"}], "output": [{"name": "y", "type": "Float64"}]}


class Project:
    """Models of one kind, each an artifact of its own, and a deployment of each."""

    def __init__(self, space: Space, folder: Path, count: int = 1, **settings: Any) -> None:
        folder.mkdir(exist_ok=True)
        self.space = space
        self.folder = folder
        self.count = count
        self.settings = {
            "type": "kubernetes",
            "kubeconfig": str(space.kubeconfig),
            "store": {"type": "volume", "claim": CLAIM},
            "drainSeconds": 0,
            "graceSeconds": 10,
            **settings,
        }
        self.share = "20m"
        """Of a processor, for the runtimes; without it they get nothing where there is more to do."""
        self.runtime: dict[str, Any] = {"image": IMAGE, "command": list(command("runtime.py", "good"))}
        self.processor: dict[str, Any] = {"image": IMAGE, "command": list(command("processor.py", "good"))}
        self.deployment: dict[str, Any] = {"verify": [{"row": {"x": 2}, "expect": {"y": 4}}]}
        self.write()

    def write(self) -> None:
        """Write the specs as they are now; JSON is YAML too."""
        documents = [*self._shared(), *(d for n in range(self.count) for d in self._model(n))]
        text = "\n---\n".join(json.dumps(document, indent=1) for document in documents)
        (self.folder / "specr.yaml").write_text(text)
        for n in range(self.count):
            artifact = self.folder / f"model{n}.bin"
            if not artifact.exists():
                artifact.write_text(f"model {n}")

    def specr(self, *arguments: str) -> str:
        """What a command of specr prints; it must succeed."""
        return run_specr(self.folder, *arguments)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of specr, however it ends."""
        return _run(self.folder, *arguments)

    def start(self, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """A command of specr that runs beside the test."""
        with log.open("wb") as output:
            return subprocess.Popen([SPECR, *arguments], cwd=self.folder, stdout=output, stderr=output)

    def apply(self) -> str:
        return self.specr("apply", "--auto-approve")

    def plan(self) -> str:
        """What a plan says, on one line."""
        return " ".join(self.specr("plan").split())

    def is_settled(self) -> bool:
        """Whether a plan finds nothing to do."""
        return self.run("plan", "--detailed-exitcode").returncode == 0

    def state(self) -> dict[str, Any]:
        """Recorded objects by address."""
        listed = json.loads(self.specr("show", "--json"))
        return {entry["address"]: entry for entry in listed["objects"]}

    def lineage(self) -> str:
        """The state's; it stays the same from the first apply on."""
        return self._lineage

    @cached_property
    def _lineage(self) -> str:
        lineage = str(json.loads(self.specr("show", "--json"))["lineage"])
        assert lineage
        return lineage

    def objects(self, what: str) -> Sequence[dict[str, Any]]:
        """Objects of this project in the cluster."""
        return self.space.get(what, "-l", f"specr.dev/lineage={self.lineage()}")

    def name(self, what: str) -> str:
        """The name of the only object of a kind."""
        (one,) = self.objects(what)
        return str(one["metadata"]["name"])

    def _shared(self) -> list[dict[str, Any]]:
        return [
            _document(
                "Project", "p", {"providers": {"cluster": self.settings}, "defaultProvider": "cluster"}
            ),
            _document("ArtifactType", "plain", {"artifactType": "plain/bytes"}),
            _document("ModelType", "plain", {}),
            _document("Processor", "copy", {"artifactType": "plain", "modelType": "plain", **self.processor}),
            _document("Runtime", "tiny", {"modelType": "plain", **self.runtime}),
        ]

    def _model(self, n: int) -> list[dict[str, Any]]:
        share = {"resources": {"requests": {"cpu": self.share}}}
        source = {"experiment": f"e{n}", "type": "plain/bytes", "source": f"model{n}.bin"}
        return [
            _document("Experiment", f"e{n}", {"schema": SCHEMA}),
            _document("Artifact", f"a{n}", source),
            _document("Model", f"m{n}", {"versions": {"1": f"e{n}"}}),
            _document("Deployment", f"d{n}", {"model": f"m{n}", "version": 1, **share, **self.deployment}),
        ]


def run_specr(folder: Path, *arguments: str) -> str:
    """What a command of specr prints in a project's folder; it must succeed."""
    done = _run(folder, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SPECR, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def _document(kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "specr/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}

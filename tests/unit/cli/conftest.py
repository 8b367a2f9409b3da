from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from specr.cli.program import run

SPECS = """
apiVersion: specr/v1
kind: Project
metadata: {name: demo}
spec:
  defaultProvider: memory
  variables: {replicas: 1}
---
apiVersion: specr/v1
kind: Experiment
metadata: {name: fraud-1}
spec:
  schema:
    input: [{name: amount, type: Float64}]
    output: [{name: prediction, type: Float64}]
---
apiVersion: specr/v1
kind: Artifact
metadata: {name: fraud-1}
spec: {experiment: fraud-1, type: blob, source: model.bin}
---
apiVersion: specr/v1
kind: ArtifactType
metadata: {name: blob}
spec: {artifactType: blob}
---
apiVersion: specr/v1
kind: ModelType
metadata: {name: blob}
spec: {}
---
apiVersion: specr/v1
kind: Processor
metadata: {name: blob}
spec: {artifactType: blob, modelType: blob, command: [process]}
---
apiVersion: specr/v1
kind: Runtime
metadata: {name: blob}
spec: {modelType: blob, command: [serve]}
---
apiVersion: specr/v1
kind: Model
metadata: {name: fraud}
spec: {versions: {1: fraud-1}, aliases: {champion: 1}}
---
apiVersion: specr/v1
kind: Deployment
metadata: {name: fraud}
spec: {model: fraud, alias: champion, replicas: "${var.replicas}"}
"""


@dataclass(frozen=True)
class Answer:
    """What one command line gave."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Project:
    """A project that runs in memory, and the program to work on it."""

    root: Path
    capture: pytest.CaptureFixture[str]

    def specr(self, *arguments: str) -> Answer:
        self.capture.readouterr()
        code = run(["-C", str(self.root), *arguments])
        captured = self.capture.readouterr()
        return Answer(code, captured.out, captured.err)

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def edit(self, old: str, new: str) -> None:
        text = (self.root / "specr.yaml").read_text()
        assert old in text
        self.write("specr.yaml", text.replace(old, new))

    def applied(self) -> Project:
        answer = self.specr("apply", "--auto-approve")
        assert answer.code == 0, answer.err
        return self


@pytest.fixture
def project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    for name in ("SPECR_LOG", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    made = Project(tmp_path, capsys)
    made.write("specr.yaml", SPECS)
    made.write("model.bin", "bytes")
    log = logging.getLogger("specr")
    handlers, propagate, level = log.handlers, log.propagate, log.level
    yield made
    log.handlers, log.propagate = handlers, propagate  # a log that a command has started ends with its test
    log.setLevel(level)


@pytest.fixture
def nowhere(project: Project) -> Project:
    """A folder that is no project yet."""
    (project.root / "specr.yaml").unlink()
    return project

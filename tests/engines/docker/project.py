"""A project of tiny runtimes on Docker, and `specr` as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker

from specr.backends.sqlite import SqliteBackend
from specr.state.model import State
from tests.engines.docker.engine import IMAGE, command

SPECR = [str(Path(sys.executable).parent / "specr")]

SHARED = """
apiVersion: specr/v1
kind: Project
metadata: {{name: tiny}}
spec: {{providers: {{docker: {settings}}}, defaultProvider: docker}}
---
apiVersion: specr/v1
kind: ArtifactType
metadata: {{name: blob}}
spec: {{artifactType: blob}}
---
apiVersion: specr/v1
kind: ModelType
metadata: {{name: blob}}
spec: {{}}
---
apiVersion: specr/v1
kind: Processor
metadata: {{name: blob}}
spec: {{artifactType: blob, modelType: blob, image: {image!r}, command: {processor}}}
---
apiVersion: specr/v1
kind: Runtime
metadata: {{name: blob}}
spec: {{modelType: blob, image: {image!r}, command: {runtime}, env: {env}}}
"""
EACH = """---
apiVersion: specr/v1
kind: Experiment
metadata: {{name: e{n}}}
spec: {{schema: {{input: [{{name: x, type: Float64}}], output: [{{name: y, type: Float64}}]}}}}
---
apiVersion: specr/v1
kind: Artifact
metadata: {{name: a{n}}}
spec: {{experiment: e{n}, type: blob, source: a{n}.bin}}
---
apiVersion: specr/v1
kind: Model
metadata: {{name: m{n}}}
spec: {{versions: {{1: e{n}}}}}
---
apiVersion: specr/v1
kind: Deployment
metadata: {{name: d{n}}}
spec: {{model: m{n}, version: 1, replicas: {replicas}{port}}}
"""


class Project:
    """A folder of specs. What it has at the daemon is found by its state's lineage."""

    def __init__(self, client: docker.APIClient, folder: Path, **settings: Any) -> None:
        folder.mkdir(exist_ok=True)
        self.client = client
        self.folder = folder
        self.settings = {"type": "docker", "stopSeconds": 2, **settings}

    def declare(
        self,
        count: int = 1,
        *,
        env: Mapping[str, Any] | None = None,
        replicas: int = 1,
        port: int | None = None,
        image: str = IMAGE,
        behaviour: str = "good",
        edition: int = 0,
    ) -> None:
        """Write specs for so many deployments, each of an artifact of its own.

        The first of them has the fixed port, if one is given.
        """
        shared = SHARED.format(
            settings=json.dumps(self.settings),
            image=image,
            processor=json.dumps(command("processor.py", "good")),
            runtime=json.dumps(command("runtime.py", behaviour)),
            env=json.dumps(dict(env or {})),
        )
        text = shared
        for n in range(count):
            fixed = f", endpoint: {{port: {port}}}" if port and n == 0 else ""
            text += EACH.format(n=n, replicas=replicas, port=fixed)
            (self.folder / f"a{n}.bin").write_text(f"artifact {n} {edition}")
        (self.folder / "specr.yaml").write_text(text)

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project."""
        return subprocess.run(
            [*SPECR, *arguments],
            cwd=self.folder,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def ok(self, *arguments: str, **env: str) -> str:
        """Run a command that must succeed; what it said, answer and progress."""
        done = self.run(*arguments, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def begin(self, log: Path) -> subprocess.Popen[bytes]:
        """Begin to apply, beside the test."""
        with log.open("wb") as output:
            return subprocess.Popen(
                [*SPECR, "apply", "--auto-approve"], cwd=self.folder, stdout=output, stderr=output
            )

    def apply(self, **env: str) -> str:
        return self.ok("apply", "--auto-approve", **env)

    def nothing_to_do(self) -> None:
        """See that a plan is empty."""
        done = self.run("plan", "--detailed-exitcode")
        assert done.returncode == 0, done.stdout + done.stderr

    def state(self) -> State:
        backend = SqliteBackend(self.folder / ".specr" / "state.db")
        try:
            return backend.read()
        finally:
            backend.close()

    def containers(self, address: str | None = None) -> list[Any]:
        """What the daemon has of this project, or of one of its addresses."""
        labels = [f"dev.specr.lineage={self.state().lineage}"]
        if address is not None:
            labels.append(f"dev.specr.address={address}")
        found: list[Any] = self.client.containers(all=True, filters={"label": labels})
        return found

    def volumes(self) -> list[Any]:
        labels = [f"dev.specr.lineage={self.state().lineage}"]
        return list(self.client.volumes(filters={"label": labels})["Volumes"] or [])

    def check_nothing_else(self) -> None:
        """See that the daemon has just what the state says: nothing twice, nothing orphaned."""
        recorded = {str(address): found for address, found in self.state().objects.items() if found.provider}
        seen = sorted(
            (c["Labels"]["dev.specr.address"], c["Labels"]["dev.specr.token"]) for c in self.containers()
        )
        assert seen == sorted((address, found.token) for address, found in recorded.items())
        for container in self.containers():
            running = container["Labels"]["dev.specr.kind"] == "deployment"
            assert (container["State"] == "running") == running, container
        mounted = {m["Name"] for c in self.containers() for m in c["Mounts"] if m["Type"] == "volume"}
        assert {volume["Name"] for volume in self.volumes()} == mounted

    def destroy(self) -> None:
        """Destroy everything, and see that the daemon has nothing left."""
        self.ok("destroy", "--auto-approve")
        assert self.containers() == []
        assert self.volumes() == []

    def clear(self) -> None:
        """Leave nothing behind, whatever a test has broken."""
        if not (self.folder / ".specr" / "state.db").exists():
            return
        for container in self.containers():
            self.client.remove_container(container["Id"], force=True, v=True)
        for volume in self.volumes():
            self.client.remove_volume(volume["Name"], force=True)

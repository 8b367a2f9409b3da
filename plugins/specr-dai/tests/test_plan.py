"""What whoever deploys a pipeline is told by `specr plan`, from the pack to a runtime of the vendor's."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MakeDownload = Callable[..., Path]

PROJECT = """
apiVersion: specr/v1
kind: Project
metadata: {name: credit}
spec:
  packs: [dai]
  defaultProvider: trial
  providers: {trial: {type: memory}}
---
apiVersion: specr/v1
kind: Experiment
metadata: {name: credit}
spec: {SCHEMA}
---
apiVersion: specr/v1
kind: Artifact
metadata: {name: credit}
spec: {experiment: credit, type: dai/mojo_pipeline, source: mojo.zip}
---
apiVersion: specr/v1
kind: Model
metadata: {name: credit}
spec: {versions: {1: credit}}
---
apiVersion: specr/v1
kind: Deployment
metadata: {name: credit}
spec: {model: credit, version: 1}
"""
SCHEMA = "schema: {input: [{name: width, type: Float64}], output: [{name: grade.A, type: Float64}]}"
RUNTIME = """
---
apiVersion: specr/v1
kind: Runtime
metadata: {name: vendor}
spec: {modelType: dai-mojo, image: vendor/scorer:1}
"""


@pytest.fixture
def plan(make_download: MakeDownload, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    make_download()

    def run(schema: str, runtime: str = "") -> tuple[int, str]:
        (tmp_path / "specr.yaml").write_text(PROJECT.replace("SCHEMA", schema) + runtime)
        command = [sys.executable, "-m", "specr", "-C", str(tmp_path), "plan"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    return run


def test_without_a_runtime_it_leads_to_the_vendors_image(plan: Callable[..., tuple[int, str]]) -> None:
    status, said = plan(SCHEMA)
    assert status == 1
    assert "becomes modeltype/dai-mojo, by processor/dai-mojo. No Runtime digests that." in said
    assert "Runtime with `modelType: dai-mojo`. Name the image that your vendor's licence gives you" in said
    assert "README of specr-dai" in said


def test_without_a_schema_it_says_why_and_shows_what_the_example_has(
    plan: Callable[..., tuple[int, str]],
) -> None:
    status, said = plan("", RUNTIME)
    assert status == 1
    assert "Unknown model schema" in said
    assert "The example beside it has sepal, length, width." in said


def test_with_both_it_is_planned(plan: Callable[..., tuple[int, str]]) -> None:
    status, said = plan(SCHEMA, RUNTIME)
    assert status == 0, said
    assert "vendor/scorer:1" in said

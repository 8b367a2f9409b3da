"""A project's policy on its way from the specs to a real processor, and the processor's warning back."""

import json
from pathlib import Path

import pytest

from specr.cli.program import run

SPECS = """\
apiVersion: specr/v1
kind: Project
metadata: {{name: p}}
spec: {project}
---
apiVersion: specr/v1
kind: ArtifactType
metadata: {{name: plain}}
spec: {{artifactType: plain}}
---
apiVersion: specr/v1
kind: ModelType
metadata: {{name: plain}}
spec: {{}}
---
apiVersion: specr/v1
kind: Processor
metadata: {{name: plain}}
spec:
  artifactType: plain
  modelType: plain
  command: [sh, -c, 'echo "acme: warning: policy $SPECR_POLICY" >&2; echo "$SPECR_POLICY" > "$TARGET_PATH"']
---
apiVersion: specr/v1
kind: Runtime
metadata: {{name: plain}}
spec: {{modelType: plain, command: [serve]}}
---
apiVersion: specr/v1
kind: Experiment
metadata: {{name: fraud}}
spec:
  schema:
    input: [{{name: amount, type: Float64}}]
    output: [{{name: prediction, type: Float64}}]
---
apiVersion: specr/v1
kind: Artifact
metadata: {{name: fraud}}
spec: {{experiment: fraud, type: plain, source: model.bin}}
---
apiVersion: specr/v1
kind: Model
metadata: {{name: fraud}}
spec: {{versions: {{1: fraud}}}}
---
apiVersion: specr/v1
kind: Deployment
metadata: {{name: api}}
spec: {{model: fraud, version: 1}}
"""


def build(folder: Path, project: str, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, str]:
    (folder / "model.bin").write_text("the model\n")
    (folder / "specr.yaml").write_text(SPECS.format(project=project))
    arguments = ["-C", str(folder), "apply", "--auto-approve", "--target", "build/fraud.plain", *options]
    code = run(arguments)
    told = capsys.readouterr()
    assert code == 0, told
    return told.out, told.err


def test_the_processor_gets_the_policy_and_its_warning_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPECR_POLICY", '{"pickles": "allow"}')
    monkeypatch.setenv("COLUMNS", "200")
    _, first = build(tmp_path, "{}", capsys)
    assert "  The processor of build/fraud.plain has done its work, and warns: policy.\n" in first
    _, second = build(tmp_path, "{policy: {modules: [acme]}}", capsys)
    assert "Warning: Processor warned\n" in second
    assert 'and warns: policy {"modules":["acme"]}.' in second
    assert "allow" not in first + second


def test_the_same_policy_builds_nothing_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build(tmp_path, "{policy: {modules: [a, b]}}", capsys)
    _, again = build(tmp_path, "{policy: {pickles: deny, modules: [b, a, b]}}", capsys)
    assert again.startswith("No changes.")
    _, other = build(tmp_path, "{policy: {pickles: warn, modules: [a, b]}}", capsys)
    assert "build/fraud.plain: replaced" in other


def test_programs_get_the_warning_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = build(tmp_path, "{policy: {pickles: warn}}", capsys, "--json")
    events = [json.loads(line) for line in out.splitlines()]
    (ended,) = [e for e in events if e["event"] == "step-finished" and e["address"] == "build/fraud.plain"]
    (finding,) = ended["diagnostics"]
    assert (finding["severity"], finding["summary"]) == ("warning", "Processor warned")
    assert ended["attributes"]["warnings"] == ['policy {"pickles":"warn"}']

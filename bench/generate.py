"""Writes projects of any size: for specr, and of the same shape and edges for Terraform.

    python bench/generate.py records 10000 /tmp/project
    python bench/generate.py deployments 1000 /tmp/project

`records` are half experiments and half models; each model refers to one experiment.
`deployments` are chains of experiment, artifact, model and deployment on the memory
provider; specr derives a build for each, so a chain is five objects.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PER_FILE = 1000
"""Documents in one file."""

PROJECT = """\
apiVersion: specr/v1
kind: Project
metadata: {name: bench}
spec:
  defaultProvider: memory
"""

CATALOGUE = """\
apiVersion: specr/v1
kind: ArtifactType
metadata: {name: plain}
spec: {artifactType: plain}
---
apiVersion: specr/v1
kind: ModelType
metadata: {name: plain}
spec: {}
---
apiVersion: specr/v1
kind: Processor
metadata: {name: plain}
spec: {artifactType: plain, modelType: plain, command: [process]}
---
apiVersion: specr/v1
kind: Runtime
metadata: {name: plain}
spec: {modelType: plain, command: [serve]}
"""

EXPERIMENT = """\
apiVersion: specr/v1
kind: Experiment
metadata:
  name: experiment-{n:06}
spec:
  parameters:
    depth: {depth}
    rate: 0.{rate}
  statistics:
    auc: 0.{auc}
"""

RECORD_MODEL = """\
apiVersion: specr/v1
kind: Model
metadata:
  name: model-{n:06}
spec:
  versions:
    1: experiment-{n:06}
"""

CHAIN = """\
apiVersion: specr/v1
kind: Experiment
metadata:
  name: chain-{n:06}
spec:
  schema:
    input: [{{name: x, type: Float64}}]
    output: [{{name: prediction, type: Float64}}]
---
apiVersion: specr/v1
kind: Artifact
metadata:
  name: chain-{n:06}
spec:
  experiment: chain-{n:06}
  type: plain
  source: model.bin
---
apiVersion: specr/v1
kind: Model
metadata:
  name: chain-{n:06}
spec:
  versions: {{1: chain-{n:06}}}
---
apiVersion: specr/v1
kind: Deployment
metadata:
  name: chain-{n:06}
spec:
  model: chain-{n:06}
  version: 1
"""

TERRAFORM_EXPERIMENT = """\
resource "terraform_data" "experiment_{n:06}" {{
  input = {{
    depth = {depth}
    rate  = 0.{rate}
    auc   = 0.{auc}
  }}
}}
"""

TERRAFORM_MODEL = """\
resource "terraform_data" "model_{n:06}" {{
  input = {{
    version_1 = terraform_data.experiment_{n:06}.id
  }}
}}
"""


def facts(n: int) -> dict[str, int]:
    """Numbers that differ from one experiment to the next."""
    return {"n": n, "depth": n % 12 + 1, "rate": n % 89 + 10, "auc": n * 7919 % 9000 + 1000}


def record_documents(count: int) -> Iterator[str]:
    """`count` documents, half experiments, half models."""
    for n in range(count // 2):
        yield EXPERIMENT.format(**facts(n))
        yield RECORD_MODEL.format(n=n)


def chain_documents(count: int) -> Iterator[str]:
    """`count` chains of four documents."""
    return (CHAIN.format(n=n) for n in range(count))


def write_specr(kind: str, count: int, folder: Path) -> None:
    """A specr project of `count` records or chains."""
    folder.mkdir(parents=True)
    (folder / "specr.yaml").write_text(PROJECT)
    if kind == "deployments":
        (folder / "catalogue.yaml").write_text(CATALOGUE)
        (folder / "model.bin").write_text("the same small model for all\n")
    documents = list(record_documents(count) if kind == "records" else chain_documents(count))
    for start in range(0, len(documents), PER_FILE):
        part = documents[start : start + PER_FILE]
        (folder / f"part-{start // PER_FILE:04}.yaml").write_text("---\n".join(part))


def write_terraform(count: int, folder: Path) -> None:
    """A Terraform project of the same records and edges."""
    folder.mkdir(parents=True)
    blocks = [
        block
        for n in range(count // 2)
        for block in (TERRAFORM_EXPERIMENT.format(**facts(n)), TERRAFORM_MODEL.format(n=n))
    ]
    for start in range(0, len(blocks), PER_FILE):
        (folder / f"part-{start // PER_FILE:04}.tf").write_text("\n".join(blocks[start : start + PER_FILE]))


def write_terraform_state(count: int, folder: Path) -> None:
    """The state that applying `write_terraform`'s project gives, which takes Terraform long at large sizes.

    `terraform plan -detailed-exitcode` finds nothing to do with it, as after its own apply.
    """
    resources = []
    for n in range(count // 2):
        known = facts(n)
        told = {
            "depth": known["depth"],
            "rate": float(f"0.{known['rate']}"),
            "auc": float(f"0.{known['auc']}"),
        }
        identity = f"00000000-0000-0000-0000-{n:012}"
        resources.append(_recorded(f"experiment_{n:06}", identity, told, "number"))
        model = _recorded(
            f"model_{n:06}", f"10000000-0000-0000-0000-{n:012}", {"version_1": identity}, "string"
        )
        model["instances"][0]["dependencies"] = [f"terraform_data.experiment_{n:06}"]
        resources.append(model)
    state = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "00000000-0000-0000-0000-000000000000",
        "outputs": {},
        "resources": resources,
        "check_results": None,
    }
    (folder / "terraform.tfstate").write_text(json.dumps(state))


def _recorded(name: str, identity: str, values: dict[str, Any], kind: str) -> dict[str, Any]:
    """One resource of type `terraform_data` as Terraform records it."""
    typed = {"value": values, "type": ["object", dict.fromkeys(values, kind)]}
    attributes = {"id": identity, "input": typed, "output": typed, "triggers_replace": None}
    return {
        "mode": "managed",
        "type": "terraform_data",
        "name": name,
        "provider": 'provider["terraform.io/builtin/terraform"]',
        "instances": [{"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}],
    }


def main() -> None:
    """Write one project."""
    parser = argparse.ArgumentParser(description="Write a project of any size.")
    parser.add_argument("kind", choices=["records", "deployments", "terraform"])
    parser.add_argument("count", type=int)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    if options.kind == "terraform":
        write_terraform(options.count, options.folder)
    else:
        write_specr(options.kind, options.count, options.folder)


if __name__ == "__main__":
    main()

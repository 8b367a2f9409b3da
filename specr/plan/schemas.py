"""Whether what a deployment is to serve is known, and fits the rows that it is verified with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specr.diagnostics import Diagnostic, Severity, did_you_mean
from specr.resources.artifact import Artifact
from specr.resources.deployment import Deployment
from specr.resources.experiment import Experiment


def check_golden_rows(deployment: Deployment, schema: Any) -> list[Diagnostic]:
    """Golden rows that lack an input column, where the columns are known already."""
    if not isinstance(schema, Mapping) or "input" not in schema:
        return []
    columns = [column["name"] for column in schema["input"]]
    return [
        Diagnostic(
            "Golden row lacks an input column",
            f"Row {number + 1} of `verify` has no {missing[0]!r}, which {deployment.address} needs.",
            _instead(missing[0], golden.row) or f"Give the row all of: {', '.join(columns)}.",
            address=deployment.address,
            path=("spec", "verify", number, "row"),
        )
        for number, golden in enumerate(deployment.verify)
        if (missing := [name for name in columns if name not in golden.row])
    ]


def _instead(column: str, row: Mapping[str, Any]) -> str:
    """What the row may have meant by another name."""
    meant = did_you_mean(column.lower(), [name.lower() for name in row])
    found = next((name for name in row if f" {name.lower()}?" in meant), "")
    return f"The row has {found!r}: is {column!r} meant?" if found else ""


def schema_disagrees(experiment: Experiment, artifact: Artifact) -> Diagnostic:
    """A warning: what is declared is served, and may not be what the model takes."""
    return Diagnostic(
        "Declared schema differs from the artifact's own",
        f"{experiment.address} declares other input columns than {artifact.address} carries.",
        "Leave the schema out of the experiment to take the artifact's, or correct it.",
        severity=Severity.WARNING,
        address=experiment.address,
        path=("spec", "schema"),
    )


def schema_unknown(
    deployment: Deployment, experiment: Experiment, artifact: Artifact, notes: tuple[str, ...]
) -> Diagnostic:
    """An error: nobody could tell whether the runtime serves what it should. `notes` say why."""
    return Diagnostic(
        "Unknown model schema",
        f"{deployment.address} deploys {experiment.address}, which declares no schema, and "
        f"{artifact.address} ({artifact.type}) carries none that can be read.",
        "Declare spec.schema in the experiment: input and output columns with name and type.",
        address=experiment.address,
        path=("spec",),
        notes=notes,
    )

"""Whether what a deployment is to serve is known, and fits the rows that it is verified with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from specr.address import Address
from specr.diagnostics import Diagnostic, Path, Severity, did_you_mean
from specr.resources.artifact import Artifact
from specr.resources.deployment import Deployment, GoldenRow
from specr.resources.experiment import Experiment

_NUMBERS: Final = frozenset({"Float32", "Float64", "Int32", "Int64"})


def check_golden_rows(deployment: Deployment, schema: Any) -> list[Diagnostic]:
    """What is wrong with golden rows as far as the columns are known already."""
    if not isinstance(schema, Mapping) or "input" not in schema:
        return []
    inputs = {column["name"]: column["type"] for column in schema["input"]}
    outputs = [column["name"] for column in schema["output"]]
    found: list[Diagnostic] = []
    for number, golden in enumerate(deployment.verify):
        row = _Row(deployment.address, number, golden)
        found += [*row.lacking(inputs), *row.misfitting(inputs), *row.misspelt(outputs)]
    return found


class _Row(Struct, frozen=True):
    """A golden row of a deployment, and its position in `verify`."""

    address: Address
    number: int
    golden: GoldenRow

    def lacking(self, inputs: Mapping[str, str]) -> Iterator[Diagnostic]:
        """The first input column that the row has no cell for."""
        missing = next((name for name in inputs if name not in self.golden.row), None)
        if missing is not None:
            yield self._finding(
                "Golden row lacks an input column",
                f"has no {missing!r}, which {self.address} needs.",
                _instead(missing, self.golden.row) or f"Give the row all of: {', '.join(inputs)}.",
                ("row",),
            )

    def misfitting(self, inputs: Mapping[str, str]) -> Iterator[Diagnostic]:
        """Cells of columns of numbers that are no numbers."""
        for name, value in self.golden.row.items():
            if inputs.get(name) in _NUMBERS and not _is_number(value):
                yield self._finding(
                    "Golden row has a cell of another type",
                    f"has {str(value)[:40]!r} for {name!r}, which is a column of type {inputs[name]}.",
                    "Give it a number, or null for a missing one.",
                    ("row", name),
                )

    def misspelt(self, outputs: Sequence[str]) -> Iterator[Diagnostic]:
        """Expected columns that the schema has under another spelling; models may serve more than it says."""
        for name in self.golden.expect:
            meant = "" if name in outputs else did_you_mean(name, outputs)
            if meant:
                yield self._finding(
                    "Golden row expects a column that the schema does not have",
                    f"expects {name!r}.",
                    meant,
                    ("expect", name),
                    severity=Severity.WARNING,
                    at_key=True,
                )

    def _finding(
        self,
        summary: str,
        fault: str,
        remedy: str,
        below: Path,
        *,
        severity: Severity = Severity.ERROR,
        at_key: bool = False,
    ) -> Diagnostic:
        detail = f"Row {self.number + 1} of `verify` {fault}"
        path = ("spec", "verify", self.number, *below)
        return Diagnostic(summary, detail, remedy, severity, self.address, path, at_key=at_key)


def _is_number(value: Any) -> bool:
    """Whether a cell may be a number, or a missing one, to a scorer."""
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return True
    if not isinstance(value, str):
        return False
    try:
        float(value or "nan")
    except ValueError:
        return value.strip().lower() == "nat"
    return True


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

"""Whether what a deployment is to serve is known, and fits the rows that it is verified with."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from specr.address import Address
from specr.diagnostics import Diagnostic, Path, Severity, did_you_mean
from specr.resources.artifact import Artifact
from specr.resources.cells import NUMBERS, cell_fault, cell_text, never_equals
from specr.resources.deployment import Deployment, GoldenRow
from specr.resources.experiment import Experiment

_INSTEAD: Final = {
    **dict.fromkeys(("Float32", "Float64"), "Give it a number, or null for a missing one."),
    **dict.fromkeys(("Int32", "Int64"), "Give it a whole number, or null for a missing one."),
    "Boolean": "Give it true or false, or null for a missing one.",
    "Time64": "Write it as 2021-01-31, 2021-01-31 23:59:59 or 2021-01-31T23:59:59Z, or give it null.",
}
"""What to do about a cell that is none of its column's type."""
_SHOWN: Final = 40


def check_golden_rows(deployment: Deployment, schema: Any) -> list[Diagnostic]:
    """What is wrong with golden rows as far as the columns are known already."""
    if not isinstance(schema, Mapping) or "input" not in schema:
        return []
    inputs = {column["name"]: column["type"] for column in schema["input"]}
    outputs = {column["name"]: column["type"] for column in schema["output"]}
    found: list[Diagnostic] = []
    for number, golden in enumerate(deployment.verify):
        row = _Row(deployment.address, number, golden)
        found += [*row.lacking(inputs), *row.unread(inputs), *row.misfitting(inputs)]
        found += [*row.misspelt(outputs), *row.unmet(outputs)]
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

    def unread(self, inputs: Mapping[str, str]) -> Iterator[Diagnostic]:
        """Cells for columns that the model does not have, but for one that `lacking` tells."""
        missing = [name for name in inputs if name not in self.golden.row]
        told = _meant(missing[0], self.golden.row) if missing else ""
        for name in self.golden.row:
            if name not in inputs and name != told:
                yield self._finding(
                    "Golden row has a cell for no input column",
                    f"has {name!r}, which {self.address} does not take: it changes no score.",
                    did_you_mean(name, missing) or "Correct the column's name, or remove it.",
                    ("row", name),
                    severity=Severity.WARNING,
                    at_key=True,
                )

    def misfitting(self, inputs: Mapping[str, str]) -> Iterator[Diagnostic]:
        """Cells that are no values of their column's type.

        Only numbers are refused: runtimes of others may read more spellings of booleans and times.
        """
        for name, value in self.golden.row.items():
            kind = inputs.get(name, "")
            fault = cell_fault(value, kind)
            if fault:
                yield self._finding(
                    "Golden row has a cell of another type",
                    f"has {_shown(value)} for {name!r}, which is a column of type {kind}: the cell {fault}.",
                    _INSTEAD[kind],
                    ("row", name),
                    severity=Severity.ERROR if kind in NUMBERS else Severity.WARNING,
                )

    def misspelt(self, outputs: Collection[str]) -> Iterator[Diagnostic]:
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

    def unmet(self, outputs: Mapping[str, str]) -> Iterator[Diagnostic]:
        """Expectations that no value of their column's type can be."""
        for name, value in self.golden.expect.items():
            kind = outputs.get(name, "")
            if never_equals(value, kind):
                yield self._finding(
                    "Golden row expects a value of another type",
                    f"expects {_shown(value)} of {name!r}, which is a column of type {kind}.",
                    _INSTEAD[kind],
                    ("expect", name),
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


def _shown(value: Any) -> str:
    """A cell as findings quote it, as YAML has it where that is short."""
    text = repr(value) if isinstance(value, str) else cell_text(value) or "null"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _meant(column: str, row: Mapping[str, Any]) -> str:
    """The name of the row's that may stand for a column that it lacks, or an empty string."""
    meant = did_you_mean(column.lower(), [name.lower() for name in row])
    return next((name for name in row if f" {name.lower()}?" in meant), "")


def _instead(column: str, row: Mapping[str, Any]) -> str:
    """What the row may have meant by another name."""
    found = _meant(column, row)
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

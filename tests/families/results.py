"""What trials found, as values and as JSON: a file of the newest trial of each family and edition."""

import json
import os
from collections.abc import Container
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from tests.families.family import FAMILIES, EditionName

FORMAT: Final = 1
KEPT: Final = FAMILIES / "results.json"
"""The results that docs/families.md is written from; they are kept with the families."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Seconds(_Value):
    """How long the parts of a trial took; next to nothing where a cache had it."""

    environment: float
    build: float
    deployment: float


class DeploymentResult(_Value):
    """One deployment that answered as the library does.

    `largest_difference` is relative to the larger of 1 and the number; `types` are those of the inputs.
    """

    name: str
    artifact_type: str
    processor: str
    runtime: str
    rows: int
    missing: int
    types: tuple[str, ...]
    outputs: int
    largest_difference: float
    requests_per_second: int


class TrialResult(_Value):
    """One family in one edition."""

    family: str
    edition: EditionName
    version: str
    day: str
    deployments: tuple[DeploymentResult, ...]
    seconds: Seconds


class Results(_Value):
    """The results file."""

    format: int = FORMAT
    trials: tuple[TrialResult, ...] = ()

    def with_trial(self, trial: TrialResult) -> "Results":
        """These, with a newer trial in place of the older one."""
        key = (trial.family, trial.edition)
        others = [old for old in self.trials if (old.family, old.edition) != key]
        return Results(trials=tuple(sorted([*others, trial], key=lambda one: (one.family, one.edition))))

    def only_of(self, families: Container[str]) -> "Results":
        """These, without trials of families that are no more."""
        return Results(trials=tuple(trial for trial in self.trials if trial.family in families))


def load_results(path: Path) -> Results:
    """Read a results file; no file is no results."""
    if not path.exists():
        return Results()
    return Results.model_validate_json(path.read_bytes())


def write_results(path: Path, results: Results) -> None:
    """Write a results file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(results.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8")
    unfinished.replace(path)

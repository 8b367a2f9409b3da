"""Models small enough to check by hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from specr_scorer import Cell, DataType, Field, Frame, Schema
from specr_scorer.settings import Settings
from specr_scorer.testing import Client


@dataclass(frozen=True)
class Echo:
    """Gives back each input column under the name `echo_<input>`, so answers show what was parsed."""

    schema: Schema

    def score(self, frame: Frame) -> Mapping[str, list[Cell]]:
        return {f"echo_{name}": cells for name, cells in frame.columns.items()}


@pytest.fixture(scope="session")
def echo() -> Callable[..., Client]:
    """Makes a client of an Echo of the given fields, all seven types if none, and settings."""

    def make(*fields: Field, **settings: Any) -> Client:
        fields = fields or tuple(Field(kind.value.lower(), kind) for kind in DataType)
        outputs = tuple(replace(field, name=f"echo_{field.name}") for field in fields)
        return Client(Echo(Schema(fields, outputs)), Settings(Path("model"), "m1", **settings))

    return make

"""The scorer that specr's runtimes serve. A runtime is `run(load)`, where `load` returns a `Model`."""

from specr_scorer.declared import SCHEMA_VARIABLE, DeclaredSchema, declared_schema
from specr_scorer.model import (
    AnyThread,
    Cell,
    ContributesOriginal,
    ContributionGroup,
    Contributions,
    Frame,
    InputError,
    LoadError,
    Media,
    Model,
    RowIndependent,
    Sampled,
    ScoresMedia,
    ScoresSeveral,
)
from specr_scorer.schema import DataType, Field, Schema
from specr_scorer.server import run, serve

__version__ = "0.1.0"

__all__ = [
    "run",
    "serve",
    "Model",
    "Sampled",
    "ScoresMedia",
    "ScoresSeveral",
    "RowIndependent",
    "AnyThread",
    "Media",
    "ContributesOriginal",
    "Contributions",
    "ContributionGroup",
    "Frame",
    "Cell",
    "Schema",
    "Field",
    "DataType",
    "DeclaredSchema",
    "declared_schema",
    "SCHEMA_VARIABLE",
    "LoadError",
    "InputError",
]

"""A MOJO behind the scorer's protocol: rows in by column, genmodel's answers out by column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from specr_scorer import (
    Cell,
    ContributionGroup,
    Contributions,
    DataType,
    Field,
    Frame,
    LoadError,
    Model,
    Schema,
)

from specr_h2o3.columns import Column, Kind
from specr_h2o3.encoding import Code, LevelCode, NumberCode, encode_columns, level_code
from specr_h2o3.genmodel import GenModel
from specr_h2o3.mojo import Mojo

_TYPES: Final = {
    Kind.NUMBER: DataType.FLOAT64,
    Kind.WHOLE: DataType.INT32,
    Kind.TIME: DataType.TIME64,
    Kind.CATEGORY: DataType.STR,
    Kind.WORD: DataType.STR,
}


def serve_mojo(mojo: Mojo, genmodel: GenModel) -> Model:
    """The model that the scorer serves.

    Raises:
        LoadError: genmodel sees other columns than the zip tells.
    """
    schema = Schema(_fields(mojo.inputs), _fields(mojo.outputs))
    if mojo.category == "WordEmbedding":
        return WordModel(schema, genmodel)
    plan = Plan(mojo, schema, genmodel, _codes(mojo, genmodel))
    names = genmodel.contribution_names()
    return RowModel(plan) if names is None else ExplainedModel(plan, names)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that scoring needs, worked out once."""

    mojo: Mojo
    schema: Schema
    genmodel: GenModel
    codes: tuple[tuple[str, Code], ...]

    def encode(self, frame: Frame, *, offset: bool) -> list[list[float]]:
        """A frame's numbers by place, the offset behind them."""
        has_offset = offset and bool(self.mojo.offset)
        codes = self.codes if has_offset else [one for one in self.codes if one[0] != self.mojo.offset]
        return encode_columns(codes, frame.columns, self.genmodel.width + has_offset, frame.rows)


class Served:
    """What all models of genmodel promise: it scores row by row, on whatever thread it is called."""

    def row_independent(self) -> bool:
        """See `RowIndependent`."""
        return True

    def any_thread(self) -> bool:
        """See `AnyThread`: threads of Python's become threads of Java's by themselves."""
        return True


class RowModel(Served):
    """A model that takes rows of numbers and levels. Fulfils `Model` and `Sampled`."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.schema = plan.schema

    def score(self, frame: Frame) -> Mapping[str, Sequence[Cell]]:
        """See `Model`."""
        mojo = self._plan.mojo
        answers = self._plan.genmodel.score(
            self._plan.encode(frame, offset=True),
            frame.rows,
            offset=bool(mojo.offset),
            calibrated=len(mojo.outputs) > 1 + len(mojo.labels) > 1,
        )
        places = list(zip(*answers, strict=True))
        return {
            column.name: _cells(column, place, mojo.labels)
            for column, place in zip(mojo.outputs, places, strict=False)
        }

    def sample(self) -> Mapping[str, object]:
        """A level that the model knows for each categorical column; see `Sampled`."""
        return {
            name: next(iter(code.table))
            for name, code in self._plan.codes
            if isinstance(code, LevelCode) and code.table
        }


class ExplainedModel(RowModel):
    """The same with Shapley values, by genmodel's names for them: the last is the bias."""

    def __init__(self, plan: Plan, features: tuple[str, ...]) -> None:
        super().__init__(plan)
        self._features = features

    def contributions(self, frame: Frame) -> Contributions:
        """See `ContributesOriginal`."""
        if not frame.rows:
            return Contributions(self._features, (ContributionGroup(()),))
        rows = self._plan.genmodel.contributions(self._plan.encode(frame, offset=False), frame.rows)
        return Contributions(self._features, (ContributionGroup(tuple(zip(*rows, strict=True))),))


class WordModel(Served):
    """A model that turns words into vectors. Fulfils `Model`."""

    def __init__(self, schema: Schema, genmodel: GenModel) -> None:
        self.schema = schema
        self._genmodel = genmodel

    def score(self, frame: Frame) -> Mapping[str, Sequence[Cell]]:
        """See `Model`; a missing word has no vector, as an unknown one."""
        names = [field.name for field in self.schema.outputs]
        (words,) = frame.columns.values()
        known = [cast("str", word) for word in words if word is not None]
        found = iter(self._genmodel.embeddings(known, len(names)))
        blank: list[float] | list[None] = [None] * len(names)
        vectors = [blank if word is None else next(found) or blank for word in words]
        return dict(zip(names, zip(*vectors, strict=True), strict=True))


def _cells(column: Column, numbers: Sequence[float], labels: Sequence[str]) -> Sequence[Cell]:
    """Genmodel's numbers as cells: a class by its index, whole numbers without their fraction."""
    if column.kind is Kind.CATEGORY:
        return [None if number != number else labels[int(number)] for number in numbers]  # noqa: PLR0124 - NaN
    if column.kind is Kind.WHOLE:
        return [None if number != number else int(number) for number in numbers]  # noqa: PLR0124 - NaN
    return numbers


def _fields(columns: Sequence[Column]) -> tuple[Field, ...]:
    return tuple(Field(column.name, _TYPES[column.kind], not column.required) for column in columns)


def _codes(mojo: Mojo, genmodel: GenModel) -> tuple[tuple[str, Code], ...]:
    """How each input becomes numbers; the offset goes behind the others."""
    slots = genmodel.feature_slots()
    found: list[tuple[str, Code]] = []
    for column in mojo.inputs:
        if column.name == mojo.offset:
            found.append((column.name, NumberCode(genmodel.width)))
        elif column.name not in slots:
            raise LoadError(f"genmodel does not know the column {column.name!r}, which the MOJO names")
        elif column.kind is Kind.CATEGORY:
            slot, levels = slots[column.name], genmodel.levels(column.name)
            found.append((column.name, level_code(slot, levels, genmodel.width, genmodel.encoder(slot))))
        else:
            found.append((column.name, NumberCode(slots[column.name], column.kind is Kind.TIME)))
    if mojo.labels and genmodel.response_levels() not in (None, mojo.labels):
        raise LoadError("genmodel has other classes than the MOJO lists")
    return tuple(found)

"""The loaded object behind the scorer's protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from specr_mlflow.frames import Part, gapless, join_parts, split_missing
from specr_mlflow.predictions import PredictionError, cells_of
from specr_scorer import Cell, Frame, Schema

from specr_pickle.inputs import Form, build_input
from specr_pickle.objects import Calls


class OutputError(Exception):
    """The object did not give the declared outputs; the message says what it gave."""


@dataclass(frozen=True, slots=True)
class PickleModel:
    """A serialized object that scores."""

    schema: Schema
    calls: Calls
    form: Form

    def score(self, frame: Frame) -> Mapping[str, Sequence[Cell]]:
        """Predict. Rows that lack whole numbers are predicted apart, as those have no room for NaN."""
        fields = self.schema.inputs
        if self.form in {"records", "columns"}:
            return self._predict(Part(frame, None, frozenset()))
        parts = split_missing(frame, gapless(fields))
        made = [self._predict(part) for part in parts]
        return made[0] if len(parts) == 1 else join_parts(parts, made)

    def _predict(self, part: Part) -> dict[str, list[Cell]]:
        outputs = self.schema.outputs
        try:
            columns = self.calls.score(build_input(self.form, part, self.schema.inputs), outputs)
        except PredictionError as problem:
            raise OutputError(
                str(problem).replace("the signature declares", "the experiment declares")
            ) from None
        return {field.name: cells_of(columns[field.name], field.type) for field in outputs}

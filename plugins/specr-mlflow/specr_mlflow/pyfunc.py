"""A model of any flavour, loaded by mlflow.pyfunc.

Uses only what mlflow has had since 1.29: `load_model`, `predict`, and the model implementation
behind it, which gives a classifier's probabilities.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import mlflow.pyfunc

from specr_mlflow.frames import Part, model_input
from specr_mlflow.schema import Side

_NATIVE_ATTRIBUTES: Final = ("sklearn_model", "xgb_model", "lgb_model", "cb_model")


@dataclass(frozen=True, slots=True)
class PyfuncPredictor:
    """A model behind MLflow's predict, which checks each request by the signature."""

    _model: Any
    _inputs: Side

    @classmethod
    def load(cls, folder: Path, inputs: Side) -> Self:
        """Load the model in a folder, that is, run its code."""
        return cls(mlflow.pyfunc.load_model(str(folder)), inputs)

    @property
    def native(self) -> Any:
        """The library's own model: what the flavour wraps; old mlflow's sklearn flavour wraps nothing."""
        implementation = self._model._model_impl  # noqa: SLF001 - "a stable developer API", says mlflow
        for attribute in _NATIVE_ATTRIBUTES:
            if hasattr(implementation, attribute):
                return getattr(implementation, attribute)
        return implementation

    def prepare(self, part: Part) -> Any:
        """A DataFrame, or for tensors an array or a dict of them."""
        return model_input(part, self._inputs)

    def predict(self, data: Any, part: Part) -> Any:
        """Predict through MLflow's check of the input, but for rows that lack an integer or a boolean.

        MLflow refuses those whatever the signature says of the column, since it holds them in types
        without room for NaN; the model itself sees the NaN that it saw in training.
        """
        if not part.gaps:
            return self._model.predict(data)
        unchecked = getattr(self._model, "_predict_fn", None) or self._model._model_impl.predict  # noqa: SLF001 - no public way
        return unchecked(data)

"""A model of any flavour, loaded by mlflow.pyfunc.

Uses only what mlflow has had since 1.29: `load_model`, `predict`, and the model implementation
behind it, which gives a classifier's probabilities.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import mlflow.pyfunc

from specr_mlflow.frames import DTYPES, Part, model_input
from specr_mlflow.schema import Side

_NATIVE_ATTRIBUTES: Final = ("sklearn_model", "xgb_model", "lgb_model", "cb_model")


@dataclass(frozen=True, slots=True)
class PyfuncPredictor:
    """A model behind MLflow's predict, which checks each request by the signature.

    `_exact` says that the check has nothing to find, to convert or to fill in: the flavour is one of
    those that hand a data frame on to their library, and each column of the frame has the very numpy type
    that the signature names, by the way it was made.
    """

    _model: Any
    _inputs: Side
    _exact: bool

    @classmethod
    def load(cls, folder: Path, inputs: Side) -> Self:
        """Load the model in a folder, that is, run its code."""
        model = mlflow.pyfunc.load_model(str(folder))
        numbers = not inputs.tensors and {field.type for field in inputs.fields} <= DTYPES.keys()
        return cls(model, inputs, numbers and _is_plain(model))

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

    def prepare_each(self, part: Part, counts: Sequence[int]) -> None:
        """One by one: the making of a data frame is little beside MLflow's own work."""

    def predict(self, data: Any, part: Part) -> Any:
        """Predict through MLflow's check of the input, where that can make a difference that is wanted.

        It can't where the input is exact, and takes as long as many a prediction. It is not wanted for
        rows that lack an integer or a boolean: MLflow refuses those whatever the signature says of the
        column, since it holds them in types without room for NaN; the model itself sees the NaN that it
        saw in training.
        """
        if not (part.gaps or self._exact):
            return self._model.predict(data)
        unchecked = getattr(self._model, "_predict_fn", None) or self._model._model_impl.predict  # noqa: SLF001 - no public way
        return unchecked(data)


def _is_plain(model: Any) -> bool:
    """Whether MLflow's predict is its check, then the library's own."""
    implementation = model._model_impl  # noqa: SLF001 - "a stable developer API", says mlflow
    told = getattr(model.metadata, "signature", None)
    wrapped = type(implementation).__module__.startswith("mlflow.") and any(
        hasattr(implementation, attribute) for attribute in _NATIVE_ATTRIBUTES
    )
    return wrapped and told is not None and told.inputs is not None and not getattr(told, "params", None)

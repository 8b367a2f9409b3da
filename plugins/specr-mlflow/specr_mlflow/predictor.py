"""What answers for a model's rows, however the model was loaded.

There are two ways to one model: through mlflow.pyfunc, which serves every flavour, and directly
through the library that made it, which serves some, faster. Both give the same answers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from specr_mlflow.frames import Part


class Predictor(Protocol):
    """A loaded model behind its two steps, so that rows are converted once for several questions."""

    @property
    def native(self) -> Any:
        """The library's own model, for what only it can tell."""

    def prepare(self, part: Part) -> Any:
        """The rows as the model takes them.

        Raises:
            InputError: a number does not fit the type that the model wants.
        """

    def predict(self, data: Any, part: Part) -> Any:
        """What the model's predict returns for prepared rows."""


@dataclass(frozen=True, slots=True)
class DirectPredictor:
    """A library's model, asked without MLflow between.

    `apart` says that it is known to answer a row the same whatever rows come with it, for models that
    don't tell by their kind.
    """

    native: Any
    convert: Callable[[Part], Any]
    ask: Callable[[Any], Any]
    apart: bool = False

    def prepare(self, part: Part) -> Any:
        """The rows as the library takes them."""
        return self.convert(part)

    def predict(self, data: Any, part: Part) -> Any:  # noqa: ARG002 - MLflow's check needs the part
        """What the library's predict returns."""
        return self.ask(data)

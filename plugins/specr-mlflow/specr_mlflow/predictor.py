"""What answers for a model's rows, however the model was loaded.

There are two ways to one model: through mlflow.pyfunc, which serves every flavour, and directly
through the library that made it, which serves some, faster. Both give the same answers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
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

    def prepare_each(self, part: Part, counts: Sequence[int]) -> list[Any] | None:
        """The rows of several requests, of so many each, as each alone would be prepared.

        None where they must be prepared one by one.
        """

    def predict(self, data: Any, part: Part) -> Any:
        """What the model's predict returns for prepared rows."""


@dataclass(frozen=True, slots=True)
class DirectPredictor:
    """A library's model, asked without MLflow between.

    `apart` says that it is known to answer a row the same whatever rows come with it, for models that
    don't tell by their kind. `array` is how `convert` makes an array of rows, or None of some that take
    another way.
    """

    native: Any
    convert: Callable[[Part], Any]
    ask: Callable[[Any], Any]
    apart: bool = False
    array: Callable[[Part], Any] | None = None

    def prepare(self, part: Part) -> Any:
        """The rows as the library takes them."""
        return self.convert(part)

    def prepare_each(self, part: Part, counts: Sequence[int]) -> list[Any] | None:
        """The rows of several requests as each alone would be prepared; None without an array."""
        array = None if self.array is None else self.array(part)
        if array is None:
            return None
        ends = accumulate(counts)
        # copied, so that the columns of each lie in memory as they do of rows that came alone
        return [array[end - count : end].copy("F") for count, end in zip(counts, ends, strict=True)]

    def predict(self, data: Any, part: Part) -> Any:  # noqa: ARG002 - MLflow's check needs the part
        """What the library's predict returns."""
        return self.ask(data)

"""From a serialized object to the calls that score: which of its methods, and what they give.

Nothing here knows a library: an object is what methods it has.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from specr_mlflow.predictions import columns_of, match
from specr_scorer import Field, LoadError

_PREFIX: Final = "probability_"
_METHODS: Final = ("predict", "transform")

_Call = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Calls:
    """What is called for a request: `predict` and, for probabilities, `predict_proba`.

    One of the two is None where no declared output needs it. `labels` are the outputs that the
    columns of `predict_proba` are, in their order.
    """

    predict: _Call | None
    predict_proba: _Call | None
    labels: tuple[str, ...] = ()

    def score(self, given: Any, outputs: Sequence[Field]) -> dict[str, Any]:
        """A column for each declared output.

        Raises:
            PredictionError: there are more or fewer columns than declared.
        """
        columns: dict[str, Any] = {}
        if self.predict is not None:
            plain = [field for field in outputs if field.name not in self.labels]
            columns |= match(columns_of(self.predict(given)), plain)
        if self.predict_proba is not None:
            probabilities = columns_of(self.predict_proba(given)).values()
            columns |= dict(zip(self.labels, probabilities, strict=True))
        return columns


def prepare(thing: Any, folder: Path) -> Any:
    """An object that can score: a class is made, and what has to load its files does so.

    Raises:
        LoadError: a class can't be made without arguments.
    """
    if isinstance(thing, type):
        try:
            thing = thing()
        except TypeError as error:
            raise LoadError(f"the class {thing.__name__} can't be made without arguments: {error}") from error
    if callable(getattr(thing, "load", None)):
        loaded = thing.load(str(folder))
        thing = thing if loaded is None else loaded
    return thing


def choose_calls(thing: Any, outputs: Sequence[Field], method: str | None) -> Calls:
    """Which calls give the declared outputs.

    Raises:
        LoadError: it has no such method, nothing to call, or no such probabilities.
    """
    wanted = {field.name for field in outputs}
    labels = tuple(f"{_PREFIX}{label}" for label in _classes(thing))
    if not wanted & set(labels):
        return Calls(_method(thing, method), None)
    return Calls(None if wanted <= set(labels) else _method(thing, method), thing.predict_proba, labels)


def _classes(thing: Any) -> tuple[str, ...]:
    if not callable(getattr(thing, "predict_proba", None)):
        return ()
    return tuple(str(label) for label in getattr(thing, "classes_", ()))


def _method(thing: Any, method: str | None) -> _Call:
    if method is not None:
        found = getattr(thing, method, None)
        if not callable(found):
            raise LoadError(f"the object of type {type(thing).__name__} has no method {method!r}")
        return cast("_Call", found)
    for name in _METHODS:
        found = getattr(thing, name, None)
        if callable(found):
            return cast("_Call", found)
    if callable(thing):
        return cast("_Call", thing)
    raise LoadError(
        f"the object of type {type(thing).__name__} has no predict or transform and can't be called; "
        "name its method in SPECR_PICKLE_METHOD"
    )

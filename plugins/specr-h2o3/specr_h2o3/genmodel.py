"""A MOJO loaded by H2O's genmodel. All calls into Java are here; none but doubles and words pass.

Rows cross over as one array, are scored in a Java stream, and come back as one array, however many
they are.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from specr_h2o3.handles import Functions, Rows


class GenModel:
    """A loaded MOJO. Each thread gets an instance of its own where the algorithm is not safe without."""

    def __init__(self, jpype: Any, path: Path, *, detailed: bool) -> None:
        """Load a zip; `detailed` reads what it tells of its training too, which some need to explain.

        Raises:
            jpype.JException: genmodel can't load it.
        """
        self._jpype = jpype
        self._java = Functions(jpype)
        self._model = jpype.JClass("hex.genmodel.MojoModel").load(str(path), detailed)
        self._threads = threading.local()

    @property
    def width(self) -> int:
        """Numbers in a row, without an offset."""
        return int(self._model.nfeatures())

    def feature_slots(self) -> Mapping[str, int]:
        """Where in a row each column begins, by the names that the model's author knows."""
        mapping = self._model.getCategoricalEncoding().createColumnMapping(self._model)
        return {str(entry.getKey()): int(entry.getValue()) for entry in mapping.entrySet()}

    def levels(self, name: str) -> tuple[str, ...]:
        """The levels of a categorical column, before it is encoded."""
        names, levels = self._model.getNames(), self._model.getDomainValues()
        if str(self._model.getCategoricalEncoding()) != "AUTO":
            names, levels = self._model.getOrigNames(), self._model.getOrigDomainValues()
        position = [str(found) for found in names].index(name)
        return tuple(map(str, levels[position]))

    def encoder(self, slot: int) -> Callable[[str | None], list[float]]:
        """What a level, or a missing one, makes of a row of NaN, for the column that begins there."""
        encoding = self._model.getCategoricalEncoding()
        columns = encoding.createColumnMapping(self._model)
        found = encoding.createCategoricalEncoders(self._model, columns).get(self._jpype.JInt(slot))
        blank = [float("nan")] * self.width

        def encode(level: str | None) -> list[float]:
            row = self._jpype.JArray(self._jpype.JDouble)(blank)
            if level is None:
                found.encodeNA(row)
            else:
                found.encodeCatValue(level, row)
            return list(row)

        return encode

    def response_levels(self) -> tuple[str, ...] | None:
        """A classifier's classes; None where its response is a number."""
        levels = self._model.getDomainValues()[self._model.getResponseIdx()]
        return None if levels is None else tuple(map(str, levels))

    def contribution_names(self) -> tuple[str, ...] | None:
        """What Shapley values are of, the bias last; None where the model has none."""
        if not isinstance(self._model, self._jpype.JClass("hex.genmodel.PredictContributionsFactory")):
            return None
        try:
            names = self._model.makeContributionsPredictor().getContributionNames()
        except self._jpype.JClass("java.lang.RuntimeException"):  # of several classes, or without details
            return None
        return tuple(map(str, names))

    def score(self, columns: Sequence[Sequence[float]], rows: int, *, offset: bool, calibrated: bool) -> Rows:
        """Genmodel's raw answers: a class's index or a number first, then what else there is.

        Args:
            columns: a sequence of `rows` numbers for each place in a row; with `offset`, it is the last.
            rows: how many, at least 1.
            offset: whether the model takes one.
            calibrated: whether the calibrated probabilities follow the others.
        """
        mine = self._of_thread()
        key = "offset" if offset else "plain"
        function = mine.get(key) or mine.setdefault(key, self._score_function(mine["model"], offset=offset))
        answers = self._java.apply(function, columns, rows)
        if not calibrated:
            return self._java.numbers(answers)
        calibrate = mine.get("calibrate") or mine.setdefault("calibrate", self._calibration(mine["model"]))
        changed = self._java.numbers(self._java.mapped(calibrate, answers))
        return [
            plain + better[1:] for plain, better in zip(self._java.numbers(answers), changed, strict=True)
        ]

    def contributions(self, columns: Sequence[Sequence[float]], rows: int) -> Rows:
        """Shapley values of each row, in the order of `contribution_names`; the answer is their sum."""
        mine = self._of_thread()
        function = mine.get("explain")
        if function is None:
            predictor = mine["model"].makeContributionsPredictor()
            function = mine["explain"] = self._java.explaining(predictor)
        return self._java.numbers(self._java.apply(function, columns, rows, of_floats=True))

    def embeddings(self, words: Sequence[str], size: int) -> list[list[float] | None]:
        """The vector of each word; None for words that the model doesn't know."""
        mine = self._of_thread()
        function = mine.get("embed") or mine.setdefault("embed", self._java.embedding(mine["model"], size))
        found = self._java.mapped_words(function, words)
        return [None if vector is None else list(memoryview(vector)) for vector in found]

    def _of_thread(self) -> dict[str, Any]:
        if not hasattr(self._threads, "own"):
            self._threads.own = {"model": self._model.internal_threadSafeInstance()}
        own: dict[str, Any] = self._threads.own
        return own

    def _score_function(self, model: Any, *, offset: bool) -> Any:
        size = int(model.getPredsSize(model.getModelCategory()))
        return self._java.scoring(model, self.width, size, offset=offset)

    def _calibration(self, model: Any) -> Any:
        size = int(model.getPredsSize(model.getModelCategory()))
        return self._java.calibrating(model, size)

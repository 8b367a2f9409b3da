"""Functions in Java, made without Java code: method handles, put together and applied by a stream.

genmodel scores one row a call, and a call from Python costs more than most rows. It has no call for many
rows, so one is put together: a function from a row to its answer, which a stream applies to all.
That needs no helper class, and so no compiler where a runtime is installed.
"""

import itertools
from array import array
from collections.abc import Sequence
from typing import Any, cast

Rows = list[list[float]]


class Functions:
    """Makes functions of genmodel's methods, and applies them to rows."""

    def __init__(self, jpype: Any) -> None:
        self._jpype = jpype
        self._handles = jpype.JClass("java.lang.invoke.MethodHandles")
        self._type = jpype.JClass("java.lang.invoke.MethodType").methodType
        self._object = jpype.JClass("java.lang.Object")
        self._arrays = jpype.JClass("java.util.Arrays")
        self._number, self._whole = jpype.JDouble, jpype.JInt
        self._row, self._floats = jpype.JArray(jpype.JDouble), jpype.JArray(jpype.JFloat)
        self._lookup = self._handles.publicLookup()
        self._copy = self._lookup.findStatic(
            self._arrays, "copyOf", self._type(self._row, self._row, self._whole)
        )
        self._double_rows = self._maker(jpype.JArray(jpype.JDouble, 2))
        self._float_rows = self._maker(jpype.JArray(jpype.JFloat, 2))

    def scoring(self, model: Any, width: int, size: int, *, offset: bool) -> Any:
        """From a row to an answer of `size` numbers; an offset stands behind the row's `width` others."""
        handles, row = self._handles, self._row
        base = self._jpype.JClass("hex.genmodel.GenModel")
        taken = (row, self._number, row) if offset else (row, row)
        score = self._lookup.findVirtual(base, "score0", self._type(row, *taken)).bindTo(model)
        answer = handles.insertArguments(handles.arrayConstructor(row.class_), 0, self._whole(size))
        if not offset:
            return self._function(handles.collectArguments(score, 1, answer))
        last = handles.insertArguments(handles.arrayElementGetter(row.class_), 1, self._whole(width))
        features = handles.insertArguments(self._copy, 1, self._whole(width))
        score = handles.collectArguments(score, 2, answer)
        score = handles.filterArguments(score, 0, features, last)
        twice = handles.permuteArguments(score, self._type(row, row), self._whole(0), self._whole(0))
        return self._function(twice)

    def calibrating(self, model: Any, size: int) -> Any:
        """From an answer to a copy of it with calibrated probabilities."""
        handles, row = self._handles, self._row
        base = self._jpype.JClass("hex.genmodel.GenModel")
        calibrate = self._lookup.findVirtual(
            base, "calibrateClassProbabilities", self._type(self._jpype.JBoolean, row)
        ).bindTo(model)
        kept = handles.dropArguments(handles.identity(row.class_), 0, self._jpype.JBoolean)
        copy = handles.insertArguments(self._copy, 1, self._whole(size))
        return self._function(handles.filterArguments(handles.foldArguments(kept, calibrate), 0, copy))

    def explaining(self, predictor: Any) -> Any:
        """From a row to its Shapley values."""
        kind = self._jpype.JClass("hex.genmodel.PredictContributions")
        handle = self._lookup.findVirtual(kind, "calculateContributions", self._type(self._floats, self._row))
        return self._function(handle.bindTo(predictor))

    def embedding(self, model: Any, size: int) -> Any:
        """From a word to its vector, or null."""
        kind = self._jpype.JClass("hex.genmodel.algos.word2vec.WordEmbeddingModel")
        text = self._jpype.JClass("java.lang.String")
        handle = self._lookup.findVirtual(kind, "transform0", self._type(self._floats, text, self._floats))
        handles = self._handles
        vector = handles.insertArguments(handles.arrayConstructor(self._floats.class_), 0, self._whole(size))
        return self._function(handles.collectArguments(handle.bindTo(model), 1, vector))

    def apply(
        self, function: Any, columns: Sequence[Sequence[float]], rows: int, *, of_floats: bool = False
    ) -> Any:
        """The answers to rows that are given as columns."""
        cells = array("d", itertools.chain.from_iterable(zip(*columns, strict=True)))
        table = memoryview(cells).cast("B").cast("d", [rows, len(columns)])
        return self.mapped(function, self._jpype.JArray.of(table, self._number), of_floats=of_floats)

    def mapped(self, function: Any, rows: Any, *, of_floats: bool = False) -> Any:
        """The answers to rows that are in Java already."""
        maker = self._float_rows if of_floats else self._double_rows
        return self._arrays.stream(rows).map(function).toArray(maker)

    def mapped_words(self, function: Any, words: Sequence[str]) -> Any:
        """The vectors of words."""
        return self._arrays.stream(self._jpype.JArray(self._jpype.JString)(words)).map(function).toArray()

    def numbers(self, rows: Any) -> Rows:
        """Rows of numbers, all of one length, as Python's."""
        return cast("Rows", memoryview(rows).tolist())

    def _function(self, handle: Any) -> Any:
        plain = handle.asType(self._type(self._object, self._object))
        return self._instance("java.util.function.Function", plain)

    def _maker(self, kind: Any) -> Any:
        make = self._handles.arrayConstructor(kind.class_)
        return self._instance(
            "java.util.function.IntFunction", make.asType(self._type(self._object, self._whole))
        )

    def _instance(self, kind: str, handle: Any) -> Any:
        proxies = self._jpype.JClass("java.lang.invoke.MethodHandleProxies")
        return proxies.asInterfaceInstance(self._jpype.JClass(kind), handle)

"""The protocol between the scorer and a model: typed columns in, typed columns out.

A model family implements `Model`; whatever else it can do, it says by implementing one of
the one-method protocols below it. No implementation lives here.

Cells are plain Python values, one list a column, because most requests hold a few rows:
building a list costs nanoseconds, an array microseconds, and each family turns lists into
the container its library wants anyway. What a cell is, by column type:

| type             | Python value                                                        |
| ---------------- | ------------------------------------------------------------------- |
| Bool             | `bool`                                                              |
| Int32, Int64     | `int` within the type's range                                       |
| Float32, Float64 | `float`, finite on the way in, in the type's range; not yet rounded |
| Str              | `str`, never empty on the way in                                    |
| Time64           | `int`, nanoseconds since 1970-01-01 00:00:00 UTC                    |
| any, missing     | `None` (a NaN that a model gives back is missing too)               |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from specr_scorer.schema import Schema

Cell: TypeAlias = bool | int | float | str | None
"""One value of one row; see the module's table."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The rows of one request: a list a model input, in schema order, each of length `rows`.

    `rows` is at least 1 wherever a docstring does not say otherwise.
    """

    columns: Mapping[str, list[Cell]]
    rows: int


@dataclass(frozen=True, slots=True)
class Media:
    """A file that a cell of a media column stands for.

    `name` is the cell itself, empty for a `data:` URL. `content_type` is what the client said,
    which may be wrong or empty; whoever decodes `content` finds out what it is.
    """

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ContributionGroup:
    """Shapley values toward one output: a column of floats a feature, and the output's name.

    `output` is None where the model has a single output.
    """

    columns: Sequence[Sequence[float]]
    output: str | None = None


@dataclass(frozen=True, slots=True)
class Contributions:
    """Shapley values of each row: feature names, and one group an output."""

    features: tuple[str, ...]
    groups: tuple[ContributionGroup, ...]


class Model(Protocol):
    """A loaded model. Calls come from one thread at a time unless SPECR_THREADS is above 1."""

    @property
    def schema(self) -> Schema:
        """The columns served; constant for the model's life."""

    def score(self, frame: Frame) -> Mapping[str, Sequence[Cell]]:
        """Predict: a sequence of `frame.rows` cells for each output column of the schema.

        The same rows give the same cells, whatever other rows share the request. An
        exception becomes a 500 that names its class and message.
        """


@runtime_checkable
class Sampled(Protocol):
    """The power to show a row that the model can score, such as one of its training rows."""

    def sample(self) -> Mapping[str, object]:
        """One cell an input column, as a request would hold it. Columns may be left out."""


@runtime_checkable
class ContributesOriginal(Protocol):
    """The power to tell how much each input column moved a prediction (Shapley values)."""

    def contributions(self, frame: Frame) -> Contributions:
        """Explain each row. With no rows, only the features and groups without cells count."""


@runtime_checkable
class ScoresMedia(Protocol):
    """The power to score rows with files, which a model with media columns needs.

    Such a model is called by `score_media` alone and needs no `score`.
    """

    @property
    def schema(self) -> Schema:
        """The columns served; `Schema.media` are those whose cells stand for files."""

    def score_media(
        self, frame: Frame, media: Mapping[str, Sequence[Media | None]]
    ) -> Mapping[str, Sequence[Cell]]:
        """Predict, as `Model.score` does.

        Args:
            frame: the rows, with the files' names in the media columns.
            media: for each media column, a file a row, None where the cell is missing. Rows that
                name the same file share it. A file that is not what the model takes is an
                `InputError` that names it.
        """


@runtime_checkable
class RowIndependent(Protocol):
    """The promise by which rows of several requests may be scored as one frame."""

    def row_independent(self) -> bool:
        """Whether a row's cells are the same, to the last bit, whatever other rows the frame holds.

        Trees keep it. What goes through matrix products does not: libraries of linear algebra add
        up one row in another order than many.
        """


@runtime_checkable
class ScoresSeveral(Protocol):
    """The power to score the rows of several requests by one call, for models that are not `RowIndependent`.

    Most of what a small request costs is not the prediction itself: checks, conversions, containers.
    """

    def score_several(self, frame: Frame, counts: Sequence[int]) -> Mapping[str, Sequence[Cell]]:
        """Predict, as `Model.score` does, each request's rows as if they were alone in the frame.

        Args:
            frame: the rows of all requests, in their order.
            counts: how many rows each request has, at least one.
        """


@runtime_checkable
class AnyThread(Protocol):
    """The promise by which small requests are scored where they arrive, without a change of threads."""

    def any_thread(self) -> bool:
        """Whether calls may come from other threads than the one that loaded the model, one at a time."""


class LoadError(Exception):
    """A model that can't be served, told in words that its author can act on."""


class InputError(Exception):
    """Rows that the model can't take although each cell fits its column; the message says why.

    `score` and `contributions` may raise it: it becomes a 400, where other exceptions are a 500.
    """

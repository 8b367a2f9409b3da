"""Models that take files: the bytes of a binary column, or the pictures of an image tensor.

Around a model of cells: what stands in a media column is put in place of the file's name, and the model is
asked as always.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from specr_scorer import Cell, Field, Frame, Media, Schema

from specr_mlflow.pictures import Picture
from specr_mlflow.schema import Side


class CellModel(Protocol):
    """What is asked in the end."""

    @property
    def schema(self) -> Schema:
        """Its columns."""

    def score(self, frame: Frame) -> Mapping[str, Sequence[Cell]]:
        """Predict."""

    def sample(self) -> Mapping[str, object]:
        """A row that the model was saved with."""


@dataclass(frozen=True, slots=True)
class MediaModel:
    """A model whose schema has media columns."""

    _model: CellModel
    _pictures: Mapping[str, Picture]

    @classmethod
    def of(cls, model: CellModel, inputs: Side) -> "MediaModel":
        """Around a model, by the inputs of its signature."""
        tensors = inputs.tensors
        return cls(model, {t.fields[0].name: t.picture for t in tensors if t.picture is not None})

    @property
    def schema(self) -> Schema:
        """The columns served."""
        return self._model.schema

    def score_media(
        self, frame: Frame, media: Mapping[str, Sequence[Media | None]]
    ) -> Mapping[str, Sequence[Cell]]:
        """Predict with the files' content in the place of their names."""
        contents: dict[str, Any] = {
            field.name: [self._content(field, file) for file in media[field.name]]
            for field in self.schema.media
        }
        return self._model.score(Frame({**frame.columns, **contents}, frame.rows))

    def sample(self) -> Mapping[str, object]:
        """The row that the model was saved with, but for its files."""
        files = {field.name for field in self.schema.media}
        return {name: cell for name, cell in self._model.sample().items() if name not in files}

    def _content(self, field: Field, file: Media | None) -> object:
        if file is None:
            return None
        picture = self._pictures.get(field.name)
        return file.content if picture is None else picture.decode(file)

"""Pictures in files as the arrays that a tensor of a signature describes.

A picture is brought to the tensor's colours, height and width. Floats are from 0 to 1, as torchvision and
others make them of bytes; integers are the bytes themselves. What else a model wants, such as other
means and deviations, it does itself: a signature has no place for it.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from specr_scorer import InputError, Media

_MODES: Final = {1: "L", 3: "RGB", 4: "RGBA"}
_FLOATS: Final = frozenset({"float16", "float32", "float64"})
_TYPES: Final = _FLOATS | {"uint8", "int16", "int32", "int64"}
_MOST_PIXELS: Final = 1 << 26
"""A file may hold a picture of that many, whatever its own size is."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What a tensor's shape tells of its pictures; `height` and `width` are above 0."""

    channels: int
    height: int
    width: int
    channels_first: bool
    dtype: str

    @classmethod
    def of(cls, shape: Sequence[Any], dtype: object) -> Self | None:
        """The pictures of a tensor (-1, C, H, W) or (-1, H, W, C) with C of 1, 3 or 4; None for others."""
        if len(shape) != 4 or shape[0] != -1 or not isinstance(dtype, str) or dtype not in _TYPES:
            return None
        if not all(type(size) is int and size > 0 for size in shape[1:]):
            return None
        if shape[1] in _MODES:
            return cls(shape[1], shape[2], shape[3], channels_first=True, dtype=dtype)
        if shape[3] in _MODES:
            return cls(shape[3], shape[1], shape[2], channels_first=False, dtype=dtype)
        return None

    def decode(self, file: Media) -> Any:
        """The file's picture as an array of the tensor's shape but for its first dimension.

        Raises:
            InputError: the file is no picture, or a too large one.
        """
        pixels = np.asarray(self._load(file))
        if pixels.ndim == 2:
            pixels = pixels[:, :, np.newaxis]
        if self.channels_first:
            pixels = pixels.transpose(2, 0, 1)
        if self.dtype not in _FLOATS:
            return pixels.astype(self.dtype)
        return (pixels.astype("float32") / np.float32(255)).astype(self.dtype)

    def _load(self, file: Media) -> Any:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - only models of pictures have it

        try:
            with Image.open(io.BytesIO(file.content)) as picture:
                if picture.width * picture.height > _MOST_PIXELS:
                    raise InputError(
                        f"{file.name or 'a file'} is a picture of more than {_MOST_PIXELS} pixels"
                    )
                coloured = picture.convert(_MODES[self.channels])
        except (
            UnidentifiedImageError,
            OSError,
            ValueError,
            SyntaxError,
            Image.DecompressionBombError,
        ) as error:
            raise InputError(f"{file.name or 'a file'} is no picture that can be read: {error}") from error
        size = (self.width, self.height)
        return coloured if coloured.size == size else coloured.resize(size, Image.Resampling.BILINEAR)

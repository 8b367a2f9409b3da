"""Cells that stand for files: by the name of a file sent along, or with the file inside.

A cell that begins with `data:` holds its file (RFC 2397), so that rows with images are plain JSON too: a
model's sample request and the golden rows of a deployment need no second form of request. Nothing here
decodes a file's content, and nothing opens one.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from specr_scorer.model import Media

_SCHEME: Final = "data:"
_DEFAULT_TYPE: Final = "text/plain;charset=US-ASCII"
_ESCAPES: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""What clients write instead of characters that a form can't hold in a file's name."""


class MediaCellError(ValueError):
    """A cell that stands for no file; the message goes on after the cell."""


def read_media(cell: str, files: Mapping[str, Media]) -> Media:
    """The file that a cell stands for.

    Raises:
        MediaCellError: it names none of `files`, or is no `data:` URL.
    """
    if cell[:5].lower() == _SCHEME:
        return _decode_url(cell)
    found = files.get(cell) or files.get(cell.translate(_ESCAPES))
    if found is None:
        raise MediaCellError(
            "names no file that was sent with the request"
            if files
            else "names a file, and none was sent: send files to /model/media-score, or write a data: URL"
        )
    return found


def _decode_url(url: str) -> Media:
    head, comma, data = url[len(_SCHEME) :].partition(",")
    if not comma:
        raise MediaCellError("is no data: URL, which has a comma before its data")
    content = unquote_to_bytes(data)
    if head.lower().endswith(";base64"):
        head = head[: -len(";base64")]
        try:
            content = b64decode(content, validate=True)
        except binascii.Error:
            raise MediaCellError("is no data: URL, since its data are not base64") from None
    return Media("", head or _DEFAULT_TYPE, content)

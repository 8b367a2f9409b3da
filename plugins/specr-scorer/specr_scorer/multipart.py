"""The form in which score requests come with files: `multipart/form-data`.

One part, `scoreMediaRequest`, is the JSON of a score request; each part `files` is a file, whose name the
request's media cells hold. Other parts are passed over, as forms demand. The whole body is in memory
already; a part's content is cut out of it once.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from specr_scorer.cells import shown
from specr_scorer.model import Media
from specr_scorer.responses import RequestError

# a bad form is the client's to learn of; the library would tell the runtime's log of each
logging.getLogger(MultipartParser.__module__).setLevel(logging.CRITICAL)

REQUEST_PART: Final = "scoreMediaRequest"
FILE_PART: Final = "files"


@dataclass(frozen=True, slots=True)
class MediaForm:
    """A request with files: the JSON of the score request, and the files by name."""

    request: bytes
    files: Mapping[str, Media]


@dataclass(slots=True)
class _Part:
    """A part that is being read."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)


class _Collector:
    """Gathers the parts of one body as the parser meets them."""

    def __init__(self, most_parts: int) -> None:
        self._most = most_parts
        self._name, self._value = b"", b""
        self.parts: list[_Part] = []
        self.complete = False

    def begin(self) -> None:
        if len(self.parts) >= self._most:
            raise RequestError("The form has too many parts (SPECR_MAX_MEDIA_FILES).", status=413)
        self.parts.append(_Part())

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self.parts[-1].headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].pieces.append(data[start:end])

    def end(self) -> None:
        self.complete = True


def read_form(body: bytes, content_type: str, most_files: int) -> MediaForm:
    """Take a form apart.

    Raises:
        RequestError: it is no form, breaks off, has no score request, a file without a name, or two of
            one name; 413 for more files than `most_files`.
    """
    request: bytes | None = None
    files: dict[str, Media] = {}
    for part in _parts(body, content_type, most_files + 1):
        _, options = parse_options_header(part.headers.get(b"content-disposition"))
        name = _text(options.get(b"name"))
        if name == REQUEST_PART:
            if request is not None:
                raise RequestError(f"The form has the part {REQUEST_PART} more than once.")
            request = b"".join(part.pieces)
        elif name == FILE_PART:
            file = Media(
                _text(options.get(b"filename")),
                _text(part.headers.get(b"content-type")),
                b"".join(part.pieces),
            )
            if not file.name:
                raise RequestError(f"A part {FILE_PART} of the form has no file name.")
            if file.name in files:
                raise RequestError(f"Two files of the form are named {shown(file.name)}.")
            files[file.name] = file
    if request is None:
        raise RequestError(f"The form has no part {REQUEST_PART}, the JSON of the score request.")
    return MediaForm(request, files)


def _parts(body: bytes, content_type: str, most: int) -> list[_Part]:
    kind, options = parse_options_header(content_type.encode("latin-1", "replace"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise RequestError("The body must be a form: multipart/form-data with a boundary.")
    collector = _Collector(most)
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": collector.begin,
                "on_part_data": collector.data,
                "on_header_field": collector.header_name,
                "on_header_value": collector.header_value,
                "on_header_end": collector.header_end,
                "on_end": collector.end,
            },
        )
        parser.write(body)
    except FormParserError as error:
        raise RequestError(f"The body is no multipart/form-data: {error}.") from None
    if not collector.complete:
        raise RequestError("The form breaks off before its last boundary.")
    return collector.parts


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("utf-8", "replace")

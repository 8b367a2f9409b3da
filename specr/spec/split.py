"""Bytes to text, and text to the pieces that each hold one document.

YAML 1.2 lets no line begin with `---` or `...` (and then a space or its end)
unless it parts documents, not even inside quotes or blocks. So a text can be
split before it is understood, and what is wrong with one document leaves the others alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from specr.spec.fault import SYNTAX, Fault, Place

_CONTROLS: Final = bytes(set(range(32)) - {9, 10, 13} | {127})
_FOREIGN: Final = "[\x80-\x9f\u2028\u2029\ufeff\ufffe\uffff]"
_BLANKS: Final = " \t\n"
_NOTHING: Final = r"(?:[ \t]*(?:#.*)?(?:\n|\Z))*"
_VERSION: Final = r"(?m)^%YAML[ \t]+1\.2[ \t]*(?:#.*)?$"


class Chunk(Struct, frozen=True):
    """The text of one document, its `---` included, and the line of the file it begins on, from 0."""

    line: int
    text: str
    empty: bool
    """Whether it holds blanks and comments only."""

    @property
    def body(self) -> str:
        """The text without its `---`."""
        return _body(self.text)


def decode_text(data: bytes) -> str:
    """UTF-8 to text: without its byte order mark, every line end a line feed.

    Raises:
        Fault: the bytes are not UTF-8, or hold characters that YAML files can't.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Fault("File is not UTF-8", "It is UTF-16.", (0, 0), remedy="Save it as UTF-8.")
    data = _plain_lines(data)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        raise Fault(
            "File is not UTF-8",
            f"The byte 0x{data[error.start]:02x} fits no character here.",
            _end_of(before),
            remedy="Save it as UTF-8.",
        ) from None
    if len(data.translate(None, _CONTROLS)) != len(data):
        found = re.search(rb"[%s]" % re.escape(_CONTROLS), data)
        assert found is not None
        raise _forbidden(found[0].decode(), data[: found.start()].decode())
    if not text.isascii():
        foreign = re.search(_FOREIGN, text)
        if foreign is not None:
            raise _forbidden(foreign[0], text[: foreign.start()])
    return text


def legible(data: bytes) -> str:
    """The text of a file that `decode_text` refuses, as far as it can be shown; empty where it is no text."""
    if b"\0" in data:
        return ""
    return _plain_lines(data).decode("utf-8", "replace")


def _plain_lines(data: bytes) -> bytes:
    data = data.removeprefix(b"\xef\xbb\xbf")
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def split_documents(text: str) -> Iterator[Chunk]:
    """The documents of a text that hold more than blanks and comments.

    Raises:
        Fault: something stands behind the `...` that ends a document.
    """
    return (chunk for chunk in split_all(text) if not chunk.empty)


def split_all(text: str) -> Iterator[Chunk]:
    """All pieces of a text, also those that hold blanks and comments only. See `split_documents`."""
    start = line = 0
    for position in _markers(text):
        chunk = text[start:position]
        yield Chunk(line, chunk, _is_empty(chunk))
        line += chunk.count("\n")
        start = position
        if text.startswith("...", position):
            start = (text.find("\n", position) + 1) or len(text)
            if not _is_nothing(text[position + 3 : start]):
                raise Fault(
                    SYNTAX,
                    "`...` ends a document; only a comment may follow on its line.",
                    (line, 0),
                    width=3,
                )
            line += 1
    yield Chunk(line, text[start:], _is_empty(text[start:]))


def _markers(text: str) -> list[int]:
    """Where the lines begin that part documents."""
    found = [0] if text.startswith(("---", "...")) and _is_marker(text, 0) else []
    for marker in ("\n---", "\n..."):
        position = text.find(marker)
        while position >= 0:
            if _is_marker(text, position + 1):
                found.append(position + 1)
            position = text.find(marker, position + 1)
    return sorted(found)


def _is_marker(text: str, position: int) -> bool:
    """Whether the three dashes or dots at a line's begin are a word of their own."""
    after = text[position + 3 : position + 4]
    return not after or after in _BLANKS


def _is_empty(chunk: str) -> bool:
    if _is_nothing(_body(chunk)):
        return True
    return "%" in chunk and _is_nothing(re.sub(_VERSION, "", chunk))


def _is_nothing(text: str) -> bool:
    """Whether a text is blanks and comments."""
    begin = text.lstrip(_BLANKS)
    return not begin or (begin.startswith("#") and bool(re.fullmatch(_NOTHING, text)))


def _body(chunk: str) -> str:
    return chunk[3:] if chunk.startswith(("---", "...")) and _is_marker(chunk, 0) else chunk


def _forbidden(character: str, before: str) -> Fault:
    code = ord(character)
    if code == 0:
        return Fault(
            "File is not text", "It holds a NUL byte, as binary files and UTF-16 do.", _end_of(before)
        )
    return Fault(
        "Character that YAML can't hold",
        f"The character U+{code:04X} is invisible, or a line end for some readers only.",
        _end_of(before),
        remedy=f"Remove it, or write it as an escape in double quotes: `\\u{code:04x}`.",
    )


def _end_of(text: str) -> Place:
    return text.count("\n"), len(text) - (text.rfind("\n") + 1)

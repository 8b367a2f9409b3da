"""Canonical JSON and digests: the one definition of "the same value".

Canonical means: keys sorted, no spaces, UTF-8. `1`, `1.0` and `true` are three
different values here, as they are in JSON text, though `==` takes them for one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

Json = Any
"""A JSON value: None, bool, int of 64 bits, finite float, str, list or dict with str keys."""

JsonObject = Mapping[str, Any]
"""A JSON object. Frozen by agreement: nobody changes one after it was made."""


def encode_json(value: Json) -> bytes:
    """Canonical JSON of a value.

    Raises:
        TypeError: the value is not JSON, or holds an integer over 64 bits.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def encode_pretty(value: Json) -> str:
    """JSON for people: indented by two spaces, keys sorted, ending in a newline."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(value, option=options).decode()


def decode_json(text: bytes | str) -> Json:
    """Turn JSON text into a value.

    Raises:
        ValueError: the text is not JSON.
    """
    return orjson.loads(text)


def digest_of(value: Json) -> str:
    """`sha256:…` of a value's canonical JSON: equal exactly when the values are the same."""
    return digest_of_bytes(encode_json(value))


def digest_of_bytes(data: bytes) -> str:
    """`sha256:…` of bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"

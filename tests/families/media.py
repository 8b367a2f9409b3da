"""Files in requests: as parts of a form, and inside cells."""

import base64
import mimetypes
from pathlib import Path


def content_type(file: Path) -> str:
    """What a file is, by its name."""
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def data_url(file: Path) -> str:
    """A file as a text that holds it (RFC 2397)."""
    return f"data:{content_type(file)};base64,{base64.b64encode(file.read_bytes()).decode()}"

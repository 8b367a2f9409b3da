"""Writing files whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file through a new one beside it, so that nobody ever sees half of it.

    Links are followed, and the mode of a file that is there is kept. What is there and no
    regular file, such as a pipe, is written to as it is.

    Raises:
        OSError: the folder is absent, or the disk refuses.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)

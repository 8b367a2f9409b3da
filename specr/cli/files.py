"""Writing files whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from stat import S_IMODE


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
            beside.chmod(S_IMODE(target.stat().st_mode))
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)

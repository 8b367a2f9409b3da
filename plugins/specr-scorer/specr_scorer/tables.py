"""CSV files on the runtime's own disk, from inside one folder and nowhere else.

The caller names the folder; a request names a file. Whatever the request says, nothing outside
the folder is opened, not by `..`, not by an absolute name, not through a link, and not by a link
that appears between the check and the opening.
"""

import csv
import io
import os
import stat
from pathlib import Path

from specr_scorer.cells import shown
from specr_scorer.responses import RequestError

Table = tuple[list[str], list[list[str]], list[int]]
"""The header's names, the rows' cells, and the line where each row begins or ends."""


def load_table(folder: Path, name: str, limit: int) -> Table:
    """Read a CSV file with a header row, UTF-8, at most `limit` bytes. Blank lines count for nothing.

    Raises:
        RequestError: 400 for a name outside the folder or a file that is no CSV, 404 where
            there is no such file, 413 above the limit.
    """
    try:
        text = _load_bytes(folder, name, limit).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(
            f"{shown(name)} is not UTF-8 text: {error.reason} at byte {error.start}."
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise RequestError(f"{shown(name)} is not CSV: {error}, line {reader.line_num}.") from None
    if not rows:
        raise RequestError(f"{shown(name)} is empty; its first row must name the fields.")
    return rows[0], rows[1:], lines[1:]


def _load_bytes(folder: Path, name: str, limit: int) -> bytes:
    try:
        descriptor = _open_inside(folder, name)
    except (FileNotFoundError, NotADirectoryError):
        raise RequestError(f"There is no file {shown(name)} in the scoring folder.", status=404) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else "no file name"
        raise RequestError(f"{shown(name)} can't be read: {reason}.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RequestError(f"{shown(name)} is not a regular file.")
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise RequestError(f"{shown(name)} is larger than {limit} bytes (SPECR_MAX_CSV_BYTES).", status=413)
    return content


def _open_inside(folder: Path, name: str) -> int:
    """Open a file below the folder, following only links that stay below it.

    The links are resolved first; then each folder on the way is opened from its parent's
    descriptor without following any, so a link put there meanwhile is an error, not a way out.
    """
    root = Path(os.path.realpath(folder))
    lexical = Path(os.path.normpath(root / name))
    target = Path(os.path.realpath(root / name))
    if not (lexical.is_relative_to(root) and target.is_relative_to(root)) or target == root:
        raise RequestError(f"{shown(name)} is outside the scoring folder.")
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    *folders, last = target.relative_to(root).parts
    try:
        for part in folders:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        # a pipe without a writer would block the opening for ever
        return os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptor)
    finally:
        os.close(descriptor)

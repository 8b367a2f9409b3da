"""What the processor leaves for the runtime: a folder, and a note that says what in it is the model."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

NOTE: Final = "specr-pickle.json"
"""The file at the top of the folder that says what is there."""

FILES: Final = "model"
"""The folder in it that holds the source's files."""

Loader = Literal["pickle", "joblib"]


class LayoutError(Exception):
    """A folder that the processor did not make; the message says why."""


@dataclass(frozen=True, slots=True)
class Note:
    """Which file is the model, relative to the folder of files, and what loads it."""

    file: str
    loader: Loader


def write_note(folder: Path, note: Note) -> None:
    """Write the note of a folder."""
    document = {"format": 1, "file": note.file, "loader": note.loader}
    (folder / NOTE).write_text(json.dumps(document, sort_keys=True) + "\n", encoding="utf-8")


def load_note(folder: Path) -> Note:
    """Read the note of a folder.

    Raises:
        LayoutError: there is none that makes sense.
    """
    try:
        document: Any = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        file, loader = document["file"], document["loader"]
    except FileNotFoundError:
        raise LayoutError(f"there is no {NOTE}: this is no folder that the processor made") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LayoutError(f"{NOTE} can't be read: {error!r}") from None
    inside = isinstance(file, str) and (folder / FILES / file).resolve().is_relative_to(
        (folder / FILES).resolve()
    )
    if document.get("format") != 1 or loader not in {"pickle", "joblib"} or not inside:
        raise LayoutError(f"{NOTE} says what this version does not know")
    return Note(file, cast("Loader", loader))

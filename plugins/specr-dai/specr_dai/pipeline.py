"""A Driverless AI MOJO pipeline, as far as its vendor documents how it is packed.

What one downloads is a zip with a folder `mojo-pipeline`, and in it `pipeline.mojo` beside examples and
the vendor's own programs. `pipeline.mojo` is the model: a zip again, with the file `mojo/pipeline.pb`. What
is in that file is not documented, so nothing here looks into it.

Sources: "Driverless AI MOJO Scoring Pipeline" in Driverless AI's documentation; "Importing MOJO Pipelines
from Driverless AI" in Sparkling Water's, which names the inner file among the errors.
"""

import contextlib
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from specr_processor import OpenZip, SourceError, open_zip, open_zip_file

NAME: Final = "pipeline.mojo"
_INSIDE: Final = "mojo/pipeline.pb"
_EXAMPLE: Final = "example.csv"
_LINE: Final = 1 << 20
_EXAMPLE_LIMIT: Final = 1 << 30


class PipelineError(SourceError):
    """A zip that is no MOJO pipeline; the message is the end of a sentence about it."""


@contextlib.contextmanager
def open_pipeline(path: Path) -> Iterator[tuple[BinaryIO, OpenZip]]:
    """The bytes of a `pipeline.mojo`, and its zip: the source itself, or in what one downloads.

    Raises:
        SourceError: it is neither, is damaged, or is not to be trusted.
        OSError: the file can't be read.
    """
    with open_zip(path) as outer:
        if _INSIDE in outer:
            with path.open("rb") as whole:
                yield whole, outer
            return
        with outer.open(_place(outer, NAME)) as file, open_zip_file(file) as inner:
            if _INSIDE not in inner:
                raise PipelineError(f"its {NAME} holds no {_INSIDE}")
            yield file, inner


def example_columns(path: Path) -> tuple[str, ...]:
    """The header of the example beside the pipeline in what one downloads; empty where there is none."""
    with open_zip(path) as outer:
        names = [name for name in outer.names() if _is_at_the_top(name, _EXAMPLE)]
        if len(names) != 1:
            return ()
        header = next(outer.lines(names[0], _LINE, _EXAMPLE_LIMIT), "")
    return tuple(next(csv.reader([header]), ()))


def _place(outer: OpenZip, name: str) -> str:
    found = [entry for entry in outer.names() if _is_at_the_top(entry, name)]
    if len(found) != 1:
        held = ", ".join(entry[:60] for entry in outer.names()[:5]) or "nothing"
        raise PipelineError(
            f"it is no {name} (which holds {_INSIDE}), and holds {'several' if found else 'none'};"
            f" it holds {held}"
        )
    return found[0]


def _is_at_the_top(entry: str, name: str) -> bool:
    folder, _, last = entry.rpartition("/")
    return last == name and "/" not in folder and folder != "__MACOSX"

"""The processor: a serialized Python file, or a folder with one, to what the runtime loads.

Run as `python -m specr_pickle.processor`. Pickles are looked into; nothing is unpickled, imported or run.
"""

import gzip
import shutil
import tarfile
import zlib
from pathlib import Path
from typing import Final

from specr_processor import Job, Processor, SourceError
from specr_processor.pickles import Search, check_pickles

from specr_pickle.layout import FILES, NOTE, Note, write_note

_SUFFIXES: Final = (".pkl", ".pickle", ".joblib", ".cloudpickle", ".p")
_BLOCK: Final = tarfile.BLOCKSIZE


def make(job: Job) -> Path:
    """Bring the source's files together and find the model among them.

    Raises:
        SourceError: it is not to be unpacked, has not one pickle that can be the model, or the pickle
            is empty or not allowed by the project's policy.
    """
    result = job.work / "result"
    files = result / FILES
    result.mkdir()
    if _is_one_file(job.source):
        files.mkdir()
        model = files / _plain_name(job.source)
        shutil.copyfile(job.source, model)
        model.chmod(0o644)
    else:
        tree = job.unpack()
        _without_top(tree).rename(files)
        model = _find_model(job, files)
    name = model.relative_to(files).as_posix()
    if not model.stat().st_size:
        raise SourceError(f"{name} is empty; save the model again, or upload it whole")
    search = _search(job, model)
    check_pickles(job, files, joblib=[name] if search.is_joblib else [])
    if not search.pickles:
        raise SourceError(f"{name} is no pickle, compressed or not")
    write_note(result, Note(name, "joblib" if search.is_joblib else "pickle"))
    return result


def _is_one_file(source: Path) -> bool:
    """Whether it is the serialized file itself, and no folder or archive; joblib compresses with gzip too."""
    if source.is_dir():
        return False
    with source.open("rb") as file:
        head = file.read(_BLOCK)
        if head[:2] == b"\x1f\x8b":
            file.seek(0)
            try:
                head = gzip.GzipFile(fileobj=file).read(_BLOCK)
            except (OSError, EOFError, zlib.error):
                return False  # unpacking says what is wrong with it
    return head[:4] not in {b"PK\x03\x04", b"PK\x05\x06"} and head[257:262] != b"ustar"


def _plain_name(source: Path) -> str:
    """A name for the one file that does not depend on where it lay."""
    return "model.pkl" if source.suffix not in _SUFFIXES else f"model{source.suffix}"


def _without_top(tree: Path) -> Path:
    """The tree without the one folder that all of it lies in, and without what macOS adds to zips."""
    shutil.rmtree(tree / "__MACOSX", ignore_errors=True)
    entries = list(tree.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else tree


def _find_model(job: Job, files: Path) -> Path:
    """The one pickle at the top of the folder: by its name, else by its content.

    Raises:
        SourceError: there is none, or more than one and none is called `model`.
    """
    tops = sorted(path for path in files.iterdir() if path.is_file())
    found = [path for path in tops if path.suffix in _SUFFIXES]
    found = found or [path for path in tops if path.suffix != ".py" and _search(job, path).pickles]
    chosen = [path for path in found if path.stem == "model"] if len(found) > 1 else found
    if len(chosen) == 1:
        return chosen[0]
    if found:
        names = ", ".join(path.name for path in found[:5])
        raise SourceError(f"it has several pickles ({names}); call the model's model.pkl")
    raise SourceError(f"there is no pickle at its top; it holds {_listed(files)}")


def _listed(files: Path) -> str:
    return ", ".join(sorted(path.name for path in files.iterdir())[:5]) or "nothing"


def _search(job: Job, path: Path) -> Search:
    search = Search(job.work, job.limits)
    search.file(path, path.name)
    return search


PROCESSOR: Final = Processor("specr-pickle", "serialized Python file", NOTE, make)

if __name__ == "__main__":
    PROCESSOR.run()

"""Whether what MLmodel names to be loaded is there. Nothing is loaded, and nothing but sizes is looked at."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from specr_mlflow.mlmodel import NAME, ModelFolderError

_PYFUNC: Final = "python_function"
_LOADED: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "mlflow.sklearn": (("sklearn", "pickled_model"), (_PYFUNC, "model_path"), (_PYFUNC, "data")),
    "mlflow.xgboost": (("xgboost", "data"), (_PYFUNC, "data")),
    "mlflow.lightgbm": (("lightgbm", "data"), (_PYFUNC, "data")),
    "mlflow.catboost": (("catboost", "data"), (_PYFUNC, "data")),
    "mlflow.onnx": (("onnx", "data"), (_PYFUNC, "data")),
    "mlflow.statsmodels": (("statsmodels", "data"), (_PYFUNC, "data")),
    "mlflow.fastai": (("fastai", "data"), (_PYFUNC, "data")),
    "mlflow.pytorch": (("pytorch", "model_data"), (_PYFUNC, "data")),
    "mlflow.tensorflow": (("tensorflow", "saved_model_dir"), ("tensorflow", "data"), (_PYFUNC, "data")),
    "mlflow.keras": (("keras", "data"), (_PYFUNC, "data")),
    "mlflow.pyfunc.model": ((_PYFUNC, "model_code_path"), (_PYFUNC, "python_model")),
}
"""By MLflow's loader: the fields that name, by flavor, the one file or folder that it loads.

Loaders read one of them, which one has changed between versions, so one that is whole is enough. Of other
loaders it is not known what they need.
"""

_HEADS: Final = ("model", "saved_model")
"""What the file in a folder is called, up to its first dot, without which nothing else there is of use."""
_ALWAYS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("pytorch", "model_data"): ("model.pth", "model.pt2"),
    ("tensorflow", "saved_model_dir"): ("saved_model.pb",),
}
"""Folders that always hold one of these: the names say what is missing."""
_REMEDY: Final = "save the model again, or upload all of its files"


def check_payload(folder: Path, document: Mapping[str, Any]) -> None:
    """Make sure that what the loader of a model reads is there, and is not empty.

    Args:
        folder: the model's.
        document: what its MLmodel says.

    Raises:
        ModelFolderError: it is not; the message names field and path.
    """
    named = dict[str, tuple[str, str]]()
    for field, path in _named(document["flavors"]):
        named.setdefault(path, field)
    faults = [_fault(folder, field, path) for path, field in named.items()]
    if faults and all(faults):
        raise ModelFolderError(f"{faults[0]}; {_REMEDY}")


def _named(flavors: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    """The fields that name what is loaded, with the paths there."""
    loader = str(flavors[_PYFUNC].get("loader_module"))
    for flavor, name in _LOADED.get(loader, ()):
        conf = flavors.get(flavor)
        path = conf.get(name) if isinstance(conf, Mapping) else None
        if isinstance(path, str) and path:
            # the code of a model is named by where it lay, and loaded by its name alone
            yield (flavor, name), path.rpartition("/")[2] if name == "model_code_path" else path


def _fault(folder: Path, field: tuple[str, str], path: str) -> str:
    """What is wrong with a file or folder that MLmodel names; "" where nothing is."""
    named = f"{NAME} names {path!r} as {'.'.join(field)}"
    size = _size(folder / path)
    if size is None:
        return f"{named}, which is not there"
    if size:
        return ""
    if not (folder / path).is_dir():
        return f"{named}, which is empty"
    entries = sorted((folder / path).iterdir())
    heads = [entry for entry in entries if entry.name.partition(".")[0] in _HEADS]
    if any(map(_holds_bytes, heads or entries)) and (heads or field not in _ALWAYS):
        return ""
    if heads:
        return f"{named}, and {path.rstrip('/')}/{heads[0].name} is empty"
    needed = " or ".join(_ALWAYS.get(field, ()))
    return f"{named}, which holds no {needed}" if needed else f"{named}, which holds nothing"


def _holds_bytes(path: Path) -> bool:
    """Whether a file is not empty, or a folder holds such a file, at any depth."""
    if not path.is_dir():
        return bool(_size(path))
    return any(_size(Path(top, name)) for top, _, names in os.walk(path) for name in names)


def _size(path: Path) -> int | None:
    """The bytes of a file, 0 for a folder; None where there is nothing that can be looked at."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None
    return 0 if stat.S_ISDIR(found.st_mode) else found.st_size

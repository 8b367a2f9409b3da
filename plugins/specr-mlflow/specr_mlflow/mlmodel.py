"""Reading the MLmodel file of a model folder. Plain YAML: none of the model's code runs."""

from pathlib import Path
from typing import Any, Final

import yaml

NAME: Final = "MLmodel"
_SIZE_LIMIT: Final = 4 * 1024 * 1024


class ModelFolderError(Exception):
    """A folder that is no MLflow model that can be served; the message says why."""


def load_mlmodel(folder: Path) -> dict[str, Any]:
    """Read a model folder's MLmodel and make sure that it has the python_function flavour.

    Raises:
        ModelFolderError: the file is missing, is no YAML mapping, or has no such flavour.
    """
    path = folder / NAME
    try:
        if path.stat().st_size > _SIZE_LIMIT:
            raise ModelFolderError(f"{NAME} is larger than {_SIZE_LIMIT} bytes")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ModelFolderError(f"there is no {NAME} file; {_found(folder)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFolderError(f"{NAME} can't be read: {error}") from None
    try:
        document = yaml.safe_load(text)  # in Python: libyaml's loader dies of deep nesting
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ModelFolderError(f"{NAME} is not YAML: {reason}") from None
    if not isinstance(document, dict) or not isinstance(document.get("flavors"), dict):
        raise ModelFolderError(f"{NAME} names no flavors")
    if not isinstance(document["flavors"].get("python_function"), dict):
        flavors = ", ".join(map(str, document["flavors"])) or "none"
        raise ModelFolderError(
            f"{NAME} has no python_function flavor, so MLflow can't load it for scoring; it has: {flavors}"
        )
    return document


def _found(folder: Path) -> str:
    names = sorted(entry.name for entry in folder.iterdir())[:5] if folder.is_dir() else []
    return f"it holds {', '.join(names)}" if names else "it is empty"

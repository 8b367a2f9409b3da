"""What a project says of its registry, `sources: {models: {…}}`: which keys there are, and of which types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from specr.diagnostics import Diagnostic, did_you_mean
from specr.sources.limits import TIMEOUT, is_time

URIS: Final = ("trackingUri", "registryUri")
FOLDERS: Final = "localFolders"
_KEYS: Final = (*URIS, FOLDERS, TIMEOUT)


def check_settings(settings: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """What is wrong with a project's settings of the source."""
    for key, value in settings.items():
        if key not in _KEYS:
            yield Diagnostic(
                "Unknown setting of a source",
                f"Sources of the kind models know no setting {key!r}.",
                did_you_mean(key, _KEYS) or f"There are: {', '.join(sorted(_KEYS))}.",
                path=("spec", "sources", "models", key),
            )
        elif key in URIS and not (isinstance(value, str) and value.strip()):
            yield _wrong(key, "is the address of a server", "as text, such as `https://mlflow.example.com`")
        elif key == FOLDERS and not _is_list_of_folders(value):
            yield _wrong(key, "is a list of folders", "as absolute paths, such as `[/mnt/mlflow]`")
        elif key == TIMEOUT and not is_time(value):
            yield _wrong(key, "is how long fetching a version may take", "as a number of seconds above 0")


def local_folders(settings: Mapping[str, Any]) -> tuple[Path, ...]:
    """The folders of this machine that a registry may name models in; the settings are right."""
    return tuple(Path(folder) for folder in settings.get(FOLDERS, ()))


def _is_list_of_folders(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(folder, str) and Path(folder).is_absolute() for folder in value
    )


def _wrong(key: str, what: str, how: str) -> Diagnostic:
    return Diagnostic(
        "Setting of the wrong type",
        f"The setting {key} of sources of the kind models {what}.",
        f"Write it {how}.",
        path=("spec", "sources", "models", key),
    )

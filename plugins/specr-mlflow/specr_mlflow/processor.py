"""The processor: a raw MLflow artifact at SOURCE_PATH to a checked model folder at TARGET_PATH.

Run as `python -m specr_mlflow.processor`. It reads names and YAML; nothing is unpickled, imported
or run. TARGET_PATH appears whole or not at all, and the same source gives the same tree.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from specr_mlflow.mlmodel import NAME, ModelFolderError, load_mlmodel
from specr_mlflow.unpack import Limits, UnpackError, model_root, unpack

FAILED: Final = 1
MISUSED: Final = 2


class UsageError(Exception):
    """An environment variable that is missing or makes no sense."""


def process(source: Path, target: Path, limits: Limits) -> None:
    """Unpack the source, check it and put it at the target.

    Raises:
        UnpackError: the source is not to be unpacked.
        ModelFolderError: it is no MLflow model with a python_function flavor.
        OSError: the disk would not.
    """
    if target.exists() and not _replaceable(target):
        raise UnpackError(f"TARGET_PATH {target} already holds something that is no MLflow model")
    # an empty target may be a mount of its own, or the only place this user may write to
    inside = target.is_dir() and not any(target.iterdir())
    place = target if inside else target.parent
    place.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=".specr-", dir=place))
    try:
        tree = stage / "tree"
        tree.mkdir()
        unpack(source, tree, limits)
        model = model_root(tree, NAME)
        load_mlmodel(model)
        if inside:
            _move_entries(model, target)
        else:
            _replace(model, target, stage)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _replaceable(target: Path) -> bool:
    """Whether the target is free, or an earlier run's result, which another run may write anew."""
    return target.is_dir() and ((target / NAME).exists() or not any(target.iterdir()))


def _replace(model: Path, target: Path, stage: Path) -> None:
    if target.exists():
        target.rename(stage / "earlier")
    model.chmod(0o755)
    model.rename(target)


def _move_entries(model: Path, target: Path) -> None:
    """Move the model's entries into the target, its MLmodel last, so that half a model is none."""
    for entry in sorted(model.iterdir(), key=lambda found: (found.name == NAME, found.name)):
        entry.rename(target / entry.name)


def _path(environ: Mapping[str, str], name: str) -> Path:
    if not environ.get(name):
        raise UsageError(f"{name} is not set; the processor needs SOURCE_PATH and TARGET_PATH")
    return Path(environ[name])


def _ends(source: Path, target: Path) -> tuple[Path, Path]:
    if not source.exists():
        raise UsageError(f"SOURCE_PATH is {str(source)!r}, where there is nothing")
    if target.resolve().is_relative_to(source.resolve()):
        raise UsageError(f"TARGET_PATH {str(target)!r} lies in SOURCE_PATH {str(source)!r}")
    return source, target


def _whole(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and int(text[:20]) > 0):
        raise UsageError(f"{name} is {text!r}; it must be a whole number above 0")
    return int(text)


def _limits(environ: Mapping[str, str]) -> Limits:
    default = Limits()
    return Limits(
        total_bytes=_whole(environ, "SPECR_MAX_UNPACKED_BYTES", default.total_bytes),
        ratio=_whole(environ, "SPECR_MAX_UNPACK_RATIO", default.ratio),
    )


def main(environ: Mapping[str, str]) -> int:
    """Process as the environment says; the exit status is 0, 1 for a bad source, 2 for bad variables."""
    try:
        source, target = _ends(_path(environ, "SOURCE_PATH"), _path(environ, "TARGET_PATH"))
        limits = _limits(environ)
    except UsageError as problem:
        return _fail(str(problem), MISUSED)
    try:
        process(source, target, limits)
    except (UnpackError, ModelFolderError) as problem:
        return _fail(f"{source.name} is no MLflow model that can be deployed: {problem}", FAILED)
    except OSError as problem:
        return _fail(f"the disk refused: {problem}", FAILED)
    return 0


def _fail(message: str, status: int) -> int:
    print(f"specr-mlflow: {message}", file=sys.stderr)  # noqa: T201 - what the caller shows
    return status


if __name__ == "__main__":
    sys.exit(main(os.environ))

"""Which reader is for which artifact type: specr's own, and those that plug-ins bring."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, cast

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.plugins import plugins_by_name
from specr.readers.protocol import Reader

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "specr.readers"
"""The entry points of plug-ins: an artifact type, and a class or function that makes its reader."""

MLFLOW: Final = "python/mlflow"


@cache
def reader_for(artifact_type: str) -> Reader | None:
    """The reader of artifacts of a type; None for types of which nothing can be read.

    Finding plug-ins reads the metadata of every installed package, so each type is looked up once
    in a process; what is installed while it runs is not seen.

    Raises:
        DiagnosticError: a plug-in is broken.
    """
    if artifact_type == MLFLOW:
        from specr.readers.mlflow import MlflowReader  # noqa: PLC0415 - archives are not always read

        return MlflowReader()
    plugin = plugins_by_name(GROUP).get(artifact_type)
    return None if plugin is None else _load(plugin)


def _load(point: EntryPoint) -> Reader:
    try:
        return cast("Reader", point.load()())
    except Exception as error:  # whatever a plug-in's import may raise
        raise DiagnosticError(
            Diagnostic(
                "Broken reader plug-in",
                f"Artifacts of type {point.name} are read by {point.value}, which can't be loaded: {error}.",
                "Install the plug-in again, in a version that fits this specr.",
            ),
        ) from error

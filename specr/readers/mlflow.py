"""What an MLflow model tells of itself in its `MLmodel` file.

The content is a model folder, or an archive of one. Only that one file is read; nothing is unpacked,
executed, unpickled or imported, and MLflow itself is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from specr.canonical import Json
from specr.diagnostics import Diagnostic, Severity
from specr.readers.archive import ArchiveError, read_file
from specr.readers.protocol import ArtifactFacts
from specr.readers.signature import SignatureError, schema_of
from specr.spec.fault import Fault
from specr.spec.split import decode_text, split_documents
from specr.spec.values import read_value

FILE_NAME: Final = "MLmodel"

_SIZE_LIMIT: Final = 8 << 20
"""Bytes of a `MLmodel`: a signature of 50,000 columns."""

_FACTS: Final = (
    "mlflow_version",
    "model_id",
    "model_uuid",
    "run_id",
    "utc_time_created",
    "model_size_bytes",
)
"""What is taken over from the top of a `MLmodel`, under its own name."""

_LONGEST_FACT: Final = 200

_DECLARE: Final = (
    "Log the model with a signature that can be served, or declare `schema` in the artifact's experiment."
)


class MlflowReader:
    """Reads MLflow models. Fulfils `Reader`; see there for what it promises.

    Content that is no MLflow model gives errors. One that tells no usable schema gives
    warnings: whether that matters depends on what else is declared.
    """

    def names(self) -> frozenset[str]:
        """See `Selective`."""
        return frozenset({FILE_NAME})

    def read(self, content: Path) -> ArtifactFacts:
        """See `Reader`. Metadata has the names that `MLmodel` gives it, and `flavors` their versions."""
        try:
            model = _load(content)
        except (ArchiveError, OSError) as error:
            return ArtifactFacts(diagnostics=(_no_model(error),))
        except Fault as fault:
            return ArtifactFacts(diagnostics=(_unreadable(fault),))
        flavors = model.get("flavors")
        if not isinstance(flavors, dict) or not isinstance(flavors.get("python_function"), dict):
            return ArtifactFacts(diagnostics=(_no_flavor(flavors),))
        metadata = _metadata(model, flavors)
        try:
            schema = schema_of(model.get("signature"))
        except SignatureError as error:
            return ArtifactFacts(None, metadata, (_schema_finding(f"{error}."),))
        if schema is None:
            detail = "The model was logged without a signature, so its columns are not known."
            return ArtifactFacts(None, metadata, (_schema_finding(detail),))
        return ArtifactFacts(schema, metadata)


def _load(content: Path) -> Mapping[str, Any]:
    """The values in a `MLmodel`, by the rules that specs are read by."""
    documents = list(split_documents(decode_text(read_file(content, FILE_NAME, _SIZE_LIMIT))))
    if len(documents) != 1:
        raise ArchiveError(f"holds a file {FILE_NAME} of {len(documents)} YAML documents, not one")
    value = read_value(documents[0].text)
    if not isinstance(value, dict):
        raise ArchiveError(f"holds a file {FILE_NAME} that is no mapping")
    return value


def _metadata(model: Mapping[str, Any], flavors: Mapping[str, Any]) -> dict[str, Json]:
    told: dict[str, Json] = {key: _fact(model[key]) for key in _FACTS if _is_fact(model.get(key))}
    told["flavors"] = {
        str(name): {
            key: _fact(value)
            for key, value in (sorted(flavor.items()) if isinstance(flavor, dict) else ())
            if key.endswith("_version") and _is_fact(value)
        }
        for name, flavor in sorted(flavors.items())
    }
    return told


def _is_fact(value: object) -> bool:
    return isinstance(value, str | int | float)


def _fact(value: Any) -> Json:
    return value[:_LONGEST_FACT] if isinstance(value, str) else value


def _no_model(error: ArchiveError | OSError) -> Diagnostic:
    flaw = str(error) if isinstance(error, ArchiveError) else f"can't be read: {error.strerror or error}"
    return Diagnostic(
        "Not an MLflow model",
        f"The artifact {flaw}.",
        "Name the folder that MLflow saved, or a zip, tar or tar.gz of it, as the artifact's source.",
    )


def _unreadable(fault: Fault) -> Diagnostic:
    """A `MLmodel` that is no YAML for anyone, or uses more of YAML than specs may: MLflow may read that."""
    line, column = fault.place
    return Diagnostic(
        f"{FILE_NAME} can't be read",
        f"{fault.summary}, at line {line + 1}, column {column + 1} of it. {fault.detail}",
        _DECLARE if not fault.is_syntax else "Log the model again; MLflow does not write such a file.",
        severity=Severity.ERROR if fault.is_syntax else Severity.WARNING,
    )


def _no_flavor(flavors: object) -> Diagnostic:
    names = ", ".join(sorted(map(str, flavors))[:10]) if isinstance(flavors, dict) and flavors else "none"
    return Diagnostic(
        "MLflow model that can't be scored",
        f"Its {FILE_NAME} has no flavor python_function, without which MLflow can't score; it has: {names}.",
        "Log the model with one of MLflow's flavors that has python_function.",
    )


def _schema_finding(detail: str) -> Diagnostic:
    return Diagnostic("No schema in an MLflow model", detail, _DECLARE, severity=Severity.WARNING)

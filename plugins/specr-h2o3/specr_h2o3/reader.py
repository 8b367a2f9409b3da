"""What a MOJO tells specr at plan: schema and metadata, from the zip's texts. No Java, nothing unpacked."""

from pathlib import Path
from typing import Final

from specr_processor import SourceError

from specr.diagnostics import Diagnostic
from specr.readers.protocol import ArtifactFacts
from specr.resources.columns import Column as SchemaColumn
from specr.resources.columns import ColumnType, ModelSchema
from specr_h2o3.columns import Column, Kind
from specr_h2o3.mojo import describe_mojo

_TYPES: Final = {
    Kind.NUMBER: ColumnType.FLOAT64,
    Kind.WHOLE: ColumnType.INT32,
    Kind.TIME: ColumnType.TIME64,
    Kind.CATEGORY: ColumnType.STRING,
    Kind.WORD: ColumnType.STRING,
}


class MojoReader:
    """Reads H2O-3 MOJOs. Fulfils `specr.readers.protocol.Reader`; see there for what it promises.

    What can't be served gives errors. Metadata has the names that `model.ini` gives it.
    """

    def read(self, content: Path) -> ArtifactFacts:
        """See `Reader`."""
        try:
            mojo = describe_mojo(content)
        except SourceError as error:
            return ArtifactFacts(diagnostics=(_refused(f"The artifact can't be served: {error}."),))
        except OSError as error:
            return ArtifactFacts(
                diagnostics=(_refused(f"The artifact can't be read: {error.strerror or error}."),)
            )
        return ArtifactFacts(
            ModelSchema(input=_columns(mojo.inputs), output=_columns(mojo.outputs)),
            {**mojo.facts},
        )


def _columns(columns: tuple[Column, ...]) -> tuple[SchemaColumn, ...]:
    return tuple(SchemaColumn(name=column.name, type=_TYPES[column.kind]) for column in columns)


def _refused(detail: str) -> Diagnostic:
    return Diagnostic(
        "Not an H2O-3 MOJO that can be served",
        detail,
        "Name the zip that H2O's `download_mojo` wrote as the artifact's source, of a model that is served:"
        " the README of specr-h2o3 lists them.",
    )

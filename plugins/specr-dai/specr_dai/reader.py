"""What a MOJO pipeline tells specr at plan: whether it is one. Nothing of it is unpacked or loaded.

Its columns are in a file whose format its vendor does not document, so the experiment has to declare them.
Where the download's example lies beside the pipeline, its header is shown as a help.
"""

from pathlib import Path
from typing import Final

from specr_processor import SourceError

from specr.diagnostics import Diagnostic, Severity
from specr.readers.protocol import ArtifactFacts
from specr_dai.pipeline import example_columns, open_pipeline

_SHOWN: Final = 30


class PipelineReader:
    """Reads Driverless AI MOJO pipelines. Fulfils `specr.readers.protocol.Reader`."""

    def read(self, content: Path) -> ArtifactFacts:
        """See `Reader`."""
        try:
            with open_pipeline(content):
                pass
            columns = example_columns(content)
        except SourceError as error:
            return ArtifactFacts(diagnostics=(_refused(f"The artifact can't be deployed: {error}."),))
        except OSError as error:
            return ArtifactFacts(
                diagnostics=(_refused(f"The artifact can't be read: {error.strerror or error}."),)
            )
        return ArtifactFacts(diagnostics=(_no_schema(columns),))


def _refused(detail: str) -> Diagnostic:
    return Diagnostic(
        "Not a Driverless AI MOJO pipeline",
        detail,
        "Name the mojo.zip that Driverless AI lets you download, or the pipeline.mojo in it, as the source.",
    )


def _no_schema(columns: tuple[str, ...]) -> Diagnostic:
    detail = "A MOJO pipeline keeps its columns in a format that its vendor does not document."
    if columns:
        more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
        detail += f" The example beside it has {', '.join(columns[:_SHOWN])}{more}."
    return Diagnostic(
        "No schema in a Driverless AI MOJO pipeline",
        detail,
        "Declare `schema` in the artifact's experiment, as your runtime serves it.",
        severity=Severity.WARNING,
    )

"""The reader of serialized Python files. They tell no schema, so it says where one has to stand.

Imported by specr alone, in whose process it runs.
"""

from pathlib import Path
from typing import Final

from specr.diagnostics import Diagnostic, Severity
from specr.readers.protocol import ArtifactFacts

_NO_SCHEMA: Final = Diagnostic(
    "A pickle tells no schema",
    "What columns a serialized Python object takes and gives is known to nobody but its author.",
    "Declare spec.schema in the experiment: input and output columns with name and type.",
    severity=Severity.WARNING,
)


class PickleReader:
    """Reads nothing: to look into a pickle is the processor's work, to load it nobody's but the runtime's."""

    def read(self, content: Path) -> ArtifactFacts:
        """What a serialized Python file tells of itself: that it tells no schema."""
        del content
        return ArtifactFacts(diagnostics=(_NO_SCHEMA,))

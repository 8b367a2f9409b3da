"""A processor as a program: from the environment to an exit status, with one line on stderr if it fails."""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn

from specr_processor.errors import SettingsError, SourceError
from specr_processor.settings import Settings, read_settings
from specr_processor.target import open_stage
from specr_processor.unpack import Limits, unpack

FAILED: Final = 1
"""The exit status for a source that is refused, and for a disk that refuses."""

MISUSED: Final = 2
"""The exit status for an environment variable that is missing or makes no sense."""


@dataclass(frozen=True, slots=True)
class Job:
    """One source to be processed.

    `work` is an empty folder for whatever has to be written on the way. `environ` has the
    settings that are the family's own.
    """

    source: Path
    work: Path
    limits: Limits
    environ: Mapping[str, str] = field(default_factory=dict)
    warn: Callable[[str], None] = field(default=lambda _: None)
    """Tells whoever deploys the model of something that is no reason to refuse it, in one line."""

    def unpack(self) -> Path:
        """Unpack the source, a folder, zip, tar or tar.gz, into a new folder below `work`.

        Raises:
            UnpackError: it is none of these, is damaged, or holds what must not be unpacked.
        """
        tree = self.work / "tree"
        tree.mkdir()
        unpack(self.source, tree, self.limits)
        return tree


_DIGEST: Final = re.compile(r"[0-9a-f]{32,}|content")
"""How stores call what they keep, which tells nobody anything."""


def _shown(source: Path) -> str:
    return "the artifact" if _DIGEST.fullmatch(source.name) else source.name


@dataclass(frozen=True, slots=True)
class Processor:
    """What a model family brings.

    Args:
        name: what its lines on stderr begin with, such as `specr-mlflow`.
        product: what it makes, for messages: `MLflow model`.
        marker: a file that every result has at its top, by which an earlier one is known.
        make: makes the result, a folder below `job.work`, and returns it. Raises SourceError for
            a source that is to be refused. The same source must give the same bytes.
    """

    name: str
    product: str
    marker: str
    make: Callable[[Job], Path]

    def run(self) -> NoReturn:
        """Do what the environment says and end the process."""
        sys.exit(self.main(os.environ))

    def main(self, environ: Mapping[str, str]) -> int:
        """Do what an environment says; returns the exit status, and raises for bugs alone."""
        try:
            settings = read_settings(environ)
            self.process(settings, environ)
        except SettingsError as problem:
            return self._fail(str(problem), MISUSED)
        except SourceError as problem:
            name = _shown(settings.source)
            return self._fail(f"{name} is no {self.product} that can be deployed: {problem}", FAILED)
        except OSError as problem:
            return self._fail(f"the disk refused: {problem}", FAILED)
        return 0

    def process(self, settings: Settings, environ: Mapping[str, str] | None = None) -> None:
        """Make the result and put it at the target, whole or not at all.

        Raises:
            SourceError: the source is refused, or the target is taken.
            SettingsError: a variable of the family's own makes no sense.
            OSError: the disk would not.
        """
        with open_stage(settings.target, self.marker, self.product) as stage:
            job = Job(settings.source, stage.work, settings.limits, environ or {}, self._warn)
            stage.publish(self.make(job))

    def _warn(self, message: str) -> None:
        self._say(f"warning: {message}")

    def _fail(self, message: str, status: int) -> int:
        self._say(message)
        return status

    def _say(self, message: str) -> None:
        line = " ".join(message.split())
        print(f"{self.name}: {line}", file=sys.stderr)  # noqa: T201 - what the caller shows

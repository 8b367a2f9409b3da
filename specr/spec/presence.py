"""Whether there is a project at all where specs were looked for. Judges what was read; reads nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from specr.diagnostics import Diagnostic
from specr.spec.decode import foreign_problem
from specr.spec.read import Reading

_FEW: Final = 10
"""Files up to this number are told one by one: their authors may have meant them as specs."""

_REMEDY: Final = "Run `specr init` to begin a project, or name its folder with -C."


def check_presence(root: Path, reading: Reading) -> tuple[Diagnostic, ...]:
    """What is to be said of a folder that holds no specs; empty where it holds any, or a few files meant so.

    Of many files that are none, what is wrong with each is of no use to anyone.
    """
    files = {document.file for document in reading.documents} | {file for file, _ in reading.broken}
    if not files:
        detail = f"{root} holds no document of apiVersion specr/v1 in any *.yaml or *.yml file."
        return (*(found for _, found in reading.findings), Diagnostic("No specs found", detail, _REMEDY))
    if len(files) <= _FEW or reading.broken_specs:
        return ()
    if any(foreign_problem(document.value) is None for document in reading.documents):
        return ()
    detail = f"{root} holds {len(files):,} YAML files, and none of them can be read as a spec."
    return (Diagnostic("No specs found", detail, _REMEDY),)

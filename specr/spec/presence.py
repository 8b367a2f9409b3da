"""Whether there is a project where specs were looked for.

Judges what was read, and looks around only where that is nothing.
"""

from __future__ import annotations

import os
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

    Of many files that are none, what is wrong with each is of no use to anyone; nor are warnings in
    a folder of a project, such as that of its models, which the project itself may have no need of.
    """
    if reading.broken_specs or any(foreign_problem(d.value) is None for d in reading.documents):
        return ()
    from specr.spec.surroundings import project_around  # noqa: PLC0415 - where there is nothing to plan

    files = {document.file for document in reading.documents} | {file for file, _ in reading.broken}
    folder = root if root.parts else root.resolve()  # "." says nothing
    around = project_around(root.resolve())
    if 0 < len(files) <= _FEW and around is None:
        return ()
    if files:
        detail = f"{folder} holds {len(files):,} YAML files, and none of them can be read as a spec."
        findings = []
    else:
        detail = f"{folder} holds no document of apiVersion specr/v1 in any *.yaml or *.yml file."
        findings = [found for _, found in reading.findings if found.is_error or around is None]
    remedy = _REMEDY
    if around is not None:
        detail += f" It lies in the project {around}."
        remedy = f"Name the project's folder: `specr -C {_typed(around)} …`."
    return (*findings, Diagnostic("No specs found", detail, remedy))


def _typed(folder: Path) -> str:
    """A folder as one would type it here, in a shell."""
    import shlex  # noqa: PLC0415 - see above

    return shlex.quote(min(os.path.relpath(folder), str(folder), key=len))

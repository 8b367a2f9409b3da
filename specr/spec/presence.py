"""Whether there is a project where specs were looked for, and only one.

Judges what was read, and looks around only where that is nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from posixpath import dirname
from typing import Final

from specr.diagnostics import Diagnostic
from specr.spec.decode import foreign_problem
from specr.spec.document import Document
from specr.spec.read import Reading
from specr.workfolder import Kept

_FEW: Final = 10
"""Files up to this number are told one by one: their authors may have meant them as specs."""

_SEVERAL: Final = 2

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
    if around is None and (root / Kept.STATE.path).exists():
        detail += f" {Kept.STATE.path} records what was applied from here."
        remedy = "Put the specs back, such as from version control; `specr destroy` needs them, too."
    if around is not None:
        detail += f" It lies in the project {around}."
        remedy = f"Name the project's folder: `specr -C {_typed(around)} …`."
    return (*findings, Diagnostic("No specs found", detail, remedy))


def check_single(
    root: Path, documents: Sequence[Document], found: Sequence[Diagnostic]
) -> tuple[Diagnostic, ...]:
    """What is to be said instead of all that was `found`, where several folders declare a Project each.

    Read as one they spoil each other, and what comes of that is no fault of any of them.
    """
    own = (d for d in documents if foreign_problem(d.value) is None)
    files = {d.file for d in own if d.value.get("kind") == "Project"}
    folders = sorted({dirname(file) for file in files})
    if len(folders) < _SEVERAL:
        return ()
    places = [_typed(root.resolve() / folder) for folder in folders]
    named = ", ".join(places[:_FEW]) + (f" and {len(places) - _FEW:,} more" if len(places) > _FEW else "")
    further = len(found) - len(files) + 1
    detail = f"{len(folders):,} folders here declare a Project each: {named}."
    if further > 0:
        detail += f" Findings that come of reading them as one, and are not shown: {further:,}."
    return (Diagnostic("Several projects", detail, _remedy_of_several(folders, places)),)


def _remedy_of_several(folders: Sequence[str], places: Sequence[str]) -> str:
    if "" in folders:
        return "Name the folders of the others in .specrignore, or move them out of this one."
    return f"Name the folder of the one you mean, such as `specr -C {places[0]} …`."


def _typed(folder: Path) -> str:
    """A folder as one would type it here, in a shell."""
    import shlex  # noqa: PLC0415 - see above

    return shlex.quote(min(os.path.relpath(folder), str(folder), key=len))

"""`specr fmt`."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from specr.cli.exits import NOT_FORMATTED
from specr.cli.files import write_whole
from specr.cli.parameters import PathType
from specr.cli.session import Session, with_session

_STDIN: Final = Path("-")


@click.command(
    "fmt",
    epilog="""\b
Examples:
  specr fmt
  specr fmt --check --diff
  specr fmt specs/fraud.yaml
  specr fmt - < draft.yaml""",
)
@click.argument("paths", nargs=-1, type=PathType(exists=True, allow_dash=True, path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit with 3 if a file would change.")
@click.option("--diff", "show_diff", is_flag=True, help="Print what changes.")
@with_session
def command(session: Session, *, paths: tuple[Path, ...], check: bool, show_diff: bool) -> int:
    """Format specs. Comments stay, and so does the meaning.

    All of the project's, or the files and folders in PATHS, and prints the
    names of files that change. In folders, YAML that holds no spec is left
    alone. A dash formats standard input to standard output.
    """
    from specr.diagnostics import Diagnostic
    from specr.spec.format import format_file

    console = session.console
    problems = list[Diagnostic]()
    changed = 0
    for path in _files(paths or (session.root,)):
        before = _read(path)
        after = format_file(before, str(path))
        if not isinstance(after, str):
            problems += after
            continue
        differs = after.encode() != before
        changed += differs
        if path == _STDIN and not check and not show_diff:
            console.answer(after)
        elif differs:
            console.answer(_difference(path, before, after) if show_diff else f"{path}\n")
            if not check and path != _STDIN:
                _replace(path, after)
    console.show(problems)
    if problems:
        return 1
    return NOT_FORMATTED if check and changed else 0


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files named, and the specs in folders named: other YAML there is nobody's to rewrite."""
    from specr.spec.decode import foreign_problem
    from specr.spec.read import read_tree
    from specr.spec.tree import FolderTree

    for path in paths:
        if path == _STDIN or not path.is_dir():
            yield path
            continue
        reading = read_tree(FolderTree(path), {})
        names = {found.file for found in reading.documents if foreign_problem(found.value) is None}
        if names or reading.broken_specs:
            names |= {file for file, _ in reading.broken}
        yield from (path / name for name in sorted(names))


def _read(path: Path) -> bytes:
    """The bytes of a file, or of standard input.

    Raises:
        DiagnosticError: it can't be read.
    """
    from specr.diagnostics import Diagnostic, DiagnosticError

    try:
        if path == _STDIN:
            return sys.stdin.buffer.read()
        if path.exists() and not path.is_file():
            raise DiagnosticError(
                Diagnostic(
                    "Not a regular file",
                    f"{path} is a pipe, socket or device; specs are kept in files.",
                    "Hand over what it gives on standard input: `specr fmt -`.",
                )
            )
        return path.read_bytes()
    except OSError as error:
        detail = f"{path} could not be read: {error.strerror or error}."
        raise DiagnosticError(
            Diagnostic("File can't be read", detail, "Check its permissions, or name it in .specrignore.")
        ) from error


def _difference(path: Path, before: bytes, after: str) -> str:
    old = before.decode(errors="replace").splitlines(keepends=True)
    lines = difflib.unified_diff(old, after.splitlines(keepends=True), str(path), f"{path} (formatted)")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _replace(path: Path, text: str) -> None:
    """Write the formatted text.

    Raises:
        DiagnosticError: it can't be written.
    """
    from specr.diagnostics import Diagnostic, DiagnosticError

    try:
        write_whole(path, text.encode())
    except OSError as error:
        detail = f"{path} could not be written: {error.strerror or error}."
        raise DiagnosticError(
            Diagnostic("File can't be written", detail, "Check the permissions of the file and its folder.")
        ) from error

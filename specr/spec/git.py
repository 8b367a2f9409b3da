"""The `git` program as a child process: what it prints, and in plain words why it fails.

Only reads; knows nothing of what is in a repository.
"""

from __future__ import annotations

import difflib
import errno
import os
import re
import shlex
import subprocess
import weakref
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import IO, Final

from specr.diagnostics import Diagnostic, DiagnosticError

_OF_ANOTHER_REPOSITORY: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
"""Variables that git sets for its hooks, and that would lead away from the folder that is asked about."""


class Git:
    """Runs git in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_REPOSITORY}
        self.environment = {**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}

    def run(self, *arguments: str | bytes) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end.

        Raises:
            DiagnosticError: git is not installed, or the folder is not there.
        """
        try:
            return subprocess.run(
                ["git", *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except OSError as error:
            raise DiagnosticError(_not_runnable(self.folder, error)) from error

    def find_commit(self, revision: str) -> str:
        """The full name of a commit.

        Raises:
            DiagnosticError: the repository has no such revision.
        """
        if revision and not revision.startswith("-") and "\0" not in revision:
            wanted = os.fsencode(revision) + b"^{commit}"
            found = self.run("rev-parse", "--verify", "--quiet", wanted)
            if found.returncode == 0:
                return found.stdout.decode().strip()
        raise DiagnosticError(_no_revision(self, revision))

    def ask(self, *arguments: str | bytes) -> bytes:
        """What a command prints.

        Raises:
            DiagnosticError: it fails.
        """
        done = self.run(*arguments)
        if done.returncode:
            raise DiagnosticError(_failed(self.folder, done.stderr.decode(errors="backslashreplace")))
        return done.stdout


class Objects:
    """Reads the contents of objects from one child process, started when the first is asked for."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._lock = Lock()

    def read(self, name: str) -> bytes:
        """The bytes of an object.

        Raises:
            OSError: git has it not, or has failed.
        """
        with self._lock:
            asking, answering = self._pipes
            try:
                asking.write(f"{name}\n".encode())
                asking.flush()
            except BrokenPipeError:  # it may end before it is asked, if it finds nothing to read from
                raise OSError(errno.EIO, f"git has not got the object {name}") from None
            head = answering.readline().split()
            if len(head) != 3:
                raise OSError(errno.EIO, f"git has not got the object {name}")
            size = int(head[2])
            data = answering.read(size + 1)[:-1]
        if len(data) != size:
            raise OSError(errno.EIO, f"git broke off in the object {name}")
        return data

    @cached_property
    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        process = subprocess.Popen(
            ["git", "cat-file", "--batch"],
            cwd=self._git.folder,
            env=self._git.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        weakref.finalize(self, _stop, process)
        return process.stdin, process.stdout


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.communicate()  # closes its input, at which it ends


def _no_revision(git: Git, revision: str) -> Diagnostic:
    if ".." in revision:  # no name of git's holds two dots
        first, _, last = revision.partition("..")
        ends = f"{first or 'HEAD'} {last.removeprefix('.') or 'HEAD'}"
        detail = f"{revision!r} is a range of revisions; what is compared are two of them."
        return Diagnostic("Unknown git revision", detail, f"Name its ends, with a blank between: {ends}")
    references = git.ask("for-each-ref", "--format=%(refname:short)").decode(errors="replace")
    names = [name for name in references.split("\n") if name]
    is_shallow = git.ask("rev-parse", "--is-shallow-repository").strip() == b"true"
    same = [name for name in names if name.endswith(f"/{revision}")]
    close = (same or difflib.get_close_matches(revision, names, n=1, cutoff=0.75))[:1]
    guess = "".join(f"Did you mean {name}?" for name in close)
    if is_shallow:
        detail = f"This clone holds only a part of the history, and {revision!r} is not in it."
        remedy = f"{guess} {_fetch(revision)}".strip()
    elif names:
        detail = f"The repository has no revision {revision!r}."
        remedy = guess or "Fetch it (`git fetch --tags origin`), or see what there is: `git log --all`."
    else:
        detail = f"The repository has no commits yet, and so no revision {revision!r}."
        remedy = "Commit the specs first."
    return Diagnostic("Unknown git revision", detail, remedy)


def _fetch(revision: str) -> str:
    """How to bring a revision into a shallow clone."""
    if re.search(r"[~^]|@\{", revision):
        return "Fetch the history: `git fetch --unshallow`."
    remote, _, branch = revision.partition("/")
    if remote == "origin" and branch:
        return f"Fetch it: `git fetch --depth=1 origin {shlex.quote(f'{branch}:refs/remotes/{revision}')}`."
    command = f"git fetch --depth=1 origin {shlex.quote(revision)}"
    if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", revision):
        return f"Fetch it: `{command}`."
    return f"Fetch it: `{command}`, and name FETCH_HEAD instead."


def _not_runnable(folder: Path, error: OSError) -> Diagnostic:
    if not folder.is_dir():
        return Diagnostic(
            "Folder not found", f"There is no folder {folder}.", "Correct the path of the project."
        )
    return Diagnostic(
        "Git can't be run",
        f"Revisions are read with the program git, which can't be started: {error.strerror or error}.",
        "Install git and make sure that it is on PATH, or name folders instead of revisions.",
    )


def _failed(folder: Path, told: str) -> Diagnostic:
    """A command that failed, told by what git wrote in plain C locale."""
    if "not a git repository" in told:
        return Diagnostic(
            "Not a git repository",
            f"{folder} lies in no git repository, so it has no revisions.",
            "Run this in a clone, or name folders instead of revisions.",
        )
    if "dubious ownership" in told:
        named = re.search(r"safe\.directory '?([^'\n]+)", told)
        place = named[1] if named else str(folder.absolute())
        return Diagnostic(
            "Git distrusts the repository",
            f"The repository of {folder} belongs to another user, so git refuses to read it.",
            f"If you trust it: `git config --global --add safe.directory {shlex.quote(place)}`.",
        )
    lines = told.strip().splitlines() or ["it gave no reason"]
    return Diagnostic(
        "Git failed",
        f"In {folder}: {lines[-1].removeprefix('fatal: ')[:300]}.",
        "Check the repository with `git fsck`.",
    )

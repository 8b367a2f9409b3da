"""The files of a model version: through the server, from this machine's disk, or by MLflow's own client.

Servers pass on what they keep (`mlflow-artifacts:`); that is fetched by specr itself, file by file.
For object stores there is MLflow, in a process of its own, if it is installed.
"""

from __future__ import annotations

import posixpath
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.sources.answers import too_slow
from specr.sources.connection import Access
from specr.sources.http import HttpSource
from specr.sources.limits import HttpLimits
from specr.sources.protocol import Resolved
from specr.sources.url import shown_url
from specr.workfolder import Kept
from specr_mlflow.registry.client import MlflowServer, strange
from specr_mlflow.registry.kept import kept_folder, move_to
from specr_mlflow.registry.library import fetch_by_mlflow
from specr_mlflow.registry.place import Place, Server
from specr_mlflow.registry.settings import FOLDERS

_MOST_FILES: Final = 100_000
_PROXIED: Final = "mlflow-artifacts"
_ASKED_AGAIN: Final = ("runs", "models")
"""What MLflow's client would ask the same server about, which may send it to this machine's disk."""


class RemoteFile(NamedTuple):
    """A file at the server: its path below the model's folder, and its size where that is told."""

    path: str
    size: int | None


class Download:
    """Brings the files of model versions."""

    def __init__(
        self,
        place: Place,
        root: Path,
        limits: HttpLimits,
        pause: Callable[[float], None],
        local: tuple[Path, ...] = (),
    ) -> None:
        """Keep what broken transfers brought in the work folder of the project at `root`.

        `local` are the folders of this machine that the registry may name models in.
        """
        self._local = local
        self._place = place
        self._root = root
        self._limits = limits
        self._pause = pause

    def fetch(self, uri: str, target: Path, *, key: str, shown: str) -> Path:
        """Bring the folder at an artifact URI here, or say where it lies on this machine.

        What broke off is kept under `key`. `shown` names the version in messages.

        Raises:
            DiagnosticError: it can't be reached, or is not as the server said.
        """
        try:
            parts = urlsplit(uri)
        except ValueError as error:
            what = f"says that the files of {shown} lie at a malformed address ({error})"
            raise DiagnosticError(strange(self._place.tracking, what)) from None
        scheme = parts.scheme.lower()
        if scheme in ("", "file"):
            return self._on_this_machine(uri if not scheme else unquote(parts.path), shown)
        if scheme in _ASKED_AGAIN:
            raise DiagnosticError(
                strange(self._place.registry, f"says that {shown} lies at {shown_url(uri)}")
            )
        with kept_folder(self._root / Kept.MLFLOW.path, key) as folder:
            if scheme == _PROXIED:
                server = self._server(parts.netloc)
                if not self._through_server(server, unquote(parts.path).strip("/"), folder):
                    raise DiagnosticError(_nothing(server, shown))
            else:
                fetch_by_mlflow(uri, folder, self._place.tracking.url, shown, self._limits.whole)
            move_to(folder, target)
        return target

    def _on_this_machine(self, text: str, shown: str) -> Path:
        """The folder that the registry names, if the project lets it.

        Whoever runs the registry could name any folder here, whose files would end up in a deployment.
        """
        path = Path(text)
        if not path.is_absolute() or not path.is_dir():
            raise DiagnosticError(_elsewhere(text, shown))
        found = path.resolve()
        if not any(found.is_relative_to(folder.resolve()) for folder in self._local):
            raise DiagnosticError(_not_allowed(text, shown))
        return path

    def _server(self, netloc: str) -> Server:
        """The server that passes the files on; another one than those that are known gets no login."""
        tracking = self._place.tracking
        for known in (tracking, self._place.registry):
            if netloc.rpartition("@")[2] in ("", urlsplit(known.url).netloc):
                return known
        url = f"{urlsplit(tracking.url).scheme}://{netloc.rpartition('@')[2]}"
        return Server(url, Access(), "where the registry says that the version's files are")

    def _through_server(self, server: Server, top: str, folder: Path) -> bool:
        """Bring all files that a server passes on; False where it has none."""
        source = HttpSource(
            self._root / Kept.DOWNLOADS.path, self._limits, self._pause, server.access, may_be_empty=True
        )
        until = time.monotonic() + self._limits.whole
        files = list(_list(MlflowServer(server, self._limits, self._pause), top))
        for file in files:
            if time.monotonic() > until:
                raise DiagnosticError(too_slow(server.shown, self._limits.whole, "models"))
            path = folder / file.path
            if path.is_file() and file.size is not None and path.stat().st_size == file.size:
                continue  # an earlier process brought it
            path.parent.mkdir(parents=True, exist_ok=True)
            url = f"{server.url}/api/2.0/mlflow-artifacts/artifacts/{quote(posixpath.join(top, file.path))}"
            identity = {} if file.size is None else {"size": file.size}
            source.fetch(Resolved(None, identity=identity, described=url), url, path)
        return bool(files)


def _list(server: MlflowServer, top: str) -> Iterator[RemoteFile]:
    """All files below a folder, without those that would lead out of it."""
    waiting, found = [""], 0
    while waiting:
        folder = waiting.pop()
        for told in server.files(posixpath.join(top, folder) if folder else top):
            name = str(told.get("path") or "")
            if name in ("", ".", "..") or "/" in name or "\0" in name:
                raise DiagnosticError(strange(server.server, f"lists a file with the name {name!r}"))
            found += 1
            if found > _MOST_FILES:
                raise DiagnosticError(_too_many(top))
            path = posixpath.join(folder, name)
            if told.get("is_dir"):
                waiting.append(path)
            else:
                size = told.get("file_size")
                yield RemoteFile(path, int(size) if size is not None and str(size).isdigit() else None)


def _elsewhere(path: str, shown: str) -> Diagnostic:
    return Diagnostic(
        "Artifact lies on the server's disk",
        f"The files of {shown} lie at {path}, where the MLflow server keeps them and this machine "
        "has nothing.",
        "Run the server with `--serve-artifacts` and register the model anew, so that the server passes "
        "the files on; or run specr where that folder is mounted, and name it in the Project: "
        f"`sources: {{models: {{{FOLDERS}: […]}}}}`.",
    )


def _not_allowed(path: str, shown: str) -> Diagnostic:
    return Diagnostic(
        "Registry names a folder of this machine",
        f"The files of {shown} lie at {path}, says the MLflow server, and the project does not let it name "
        "that.",
        "If that is where models are kept, name a folder above it in the Project: `sources: {models: "
        f"{{{FOLDERS}: […]}}}}`; or run the server with `--serve-artifacts` and register the model anew.",
    )


def _nothing(server: Server, shown: str) -> Diagnostic:
    return Diagnostic(
        "Artifact source is empty",
        f"The server {server.shown} has no files of {shown}; the run may have been deleted.",
        "Register the model again, or name another version.",
    )


def _too_many(top: str) -> Diagnostic:
    return Diagnostic(
        "Artifact is too large to fetch",
        f"{top} has more than {_MOST_FILES:,} files.",
        "Fetch it by other means, and name its path as the source.",
    )

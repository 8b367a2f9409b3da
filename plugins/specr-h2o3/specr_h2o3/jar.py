"""Where h2o-genmodel.jar comes from: a setting, or the `h2o` package that is installed.

The package holds it inside its server's jar; it is taken out of there once, into the user's cache.
"""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

VARIABLE: Final = "SPECR_GENMODEL_JAR"
NAME: Final = "h2o-genmodel.jar"
_INSIDE: Final = f"www/3/{NAME}"
_SERVER: Final = Path("backend", "bin", "h2o.jar")


class JarError(Exception):
    """No jar that can be used; the message says where it was looked for and what to do."""


def find_jar(environ: Mapping[str, str]) -> Path:
    """The path of h2o-genmodel.jar.

    Raises:
        JarError: there is none.
    """
    told = environ.get(VARIABLE)
    if told:
        if not Path(told).is_file():
            raise JarError(f"{VARIABLE} is {told!r}, where there is no file")
        return Path(told)
    server = _server_jar()
    if server is None:
        raise JarError(
            f"there is no {NAME}: set {VARIABLE} to one, or install the Python package h2o, which holds it"
        )
    return _taken_out(server, environ)


def _server_jar() -> Path | None:
    """The jar of the installed h2o package, found without importing it."""
    spec = find_spec("h2o")
    places = list(spec.submodule_search_locations or ()) if spec else []
    return next((Path(place) / _SERVER for place in places if (Path(place) / _SERVER).is_file()), None)


def _taken_out(server: Path, environ: Mapping[str, str]) -> Path:
    facts = server.stat()
    folder = _cache(environ) / f"{facts.st_size:x}-{facts.st_mtime_ns:x}"
    jar = folder / NAME
    if jar.is_file():
        return jar
    try:
        folder.mkdir(parents=True, exist_ok=True)
        take_out(server, jar)
    except (KeyError, zipfile.BadZipFile) as error:
        raise JarError(f"{server} holds no {_INSIDE}: {error}; set {VARIABLE}") from error
    except OSError as error:
        raise JarError(f"{NAME} can't be put into {folder}: {error.strerror}; set {VARIABLE}") from error
    return jar


def take_out(server: Path, jar: Path) -> None:
    """Write the jar that lies in a server's jar, whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=jar.parent, prefix=".specr-")
    part = Path(name)
    try:
        with (
            os.fdopen(descriptor, "wb") as target,
            zipfile.ZipFile(server) as archive,
            archive.open(_INSIDE) as file,
        ):
            shutil.copyfileobj(file, target)
        part.replace(jar)
    finally:
        part.unlink(missing_ok=True)


def _cache(environ: Mapping[str, str]) -> Path:
    """A folder that only this user writes to, since what lies in it is run."""
    base = environ.get("XDG_CACHE_HOME")
    home = environ.get("HOME")
    if base and Path(base).is_absolute():
        return Path(base) / "specr-h2o3"
    if home:
        return Path(home) / ".cache" / "specr-h2o3"
    raise JarError(f"there is no HOME to keep {NAME} in; set {VARIABLE}")

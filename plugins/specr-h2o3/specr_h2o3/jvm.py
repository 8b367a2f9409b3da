"""The Java machine: one, inside this process, started once and up until the process ends.

Nothing else starts it, and only `genmodel` calls into it.
"""

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "SPECR_JVM_OPTIONS"

_OPTIONS: Final = (
    "-Xrs",  # signals are the scorer's: SIGTERM has to finish what runs
    "-Dfile.encoding=UTF-8",  # genmodel reads level names in the platform's encoding, and H2O writes UTF-8
    "-Djava.awt.headless=true",
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-XX:+ErrorFileToStderr",  # what the machine says as it dies belongs in the runtime's log
    "-XX:-CreateCoredumpOnCrash",
)


class JvmError(Exception):
    """A Java machine that can't be started; the message says why and what to do."""


def start_jvm(jar: Path, environ: Mapping[str, str]) -> Any:
    """Start Java with a jar on its class path; returns the `jpype` module.

    Raises:
        JvmError: there is no Java, or it doesn't take its options.
        ModuleNotFoundError: JPype is not installed.
    """
    import jpype  # noqa: PLC0415 - whoever only reads MOJOs has no JPype

    options = (*_OPTIONS, *_own_options(environ))
    try:
        jpype.startJVM(_library(environ, jpype), *options, classpath=[str(jar)], convertStrings=False)
    except jpype.JVMNotFoundException as error:
        raise JvmError(
            "there is no Java: install Java 17 or newer (on Debian: default-jre-headless), or set JAVA_HOME"
        ) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise JvmError(f"Java doesn't start: {error}; see {VARIABLE} and JAVA_HOME") from error
    return jpype


def _own_options(environ: Mapping[str, str]) -> list[str]:
    try:
        return shlex.split(environ.get(VARIABLE, ""))
    except ValueError as error:
        raise JvmError(f"{VARIABLE} is no list of options: {error}") from None


def _library(environ: Mapping[str, str], jpype: Any) -> str:
    """The machine's shared library: of JAVA_HOME, of the `java` on the path, or where systems put it."""
    home = environ.get("JAVA_HOME")
    program = shutil.which("java", path=environ.get("PATH", os.defpath))
    homes = [Path(home)] if home else []
    homes += [Path(program).resolve().parents[1]] if program else []
    found = (
        place / inside for place in homes for inside in ("lib/server/libjvm.so", "jre/lib/server/libjvm.so")
    )
    library = next((path for path in found if path.is_file()), None)
    return str(library or jpype.getDefaultJVMPath())

"""Environment variables as a process gets them: secrets are read here, at the last moment.

What comes out holds secret values: it is handed to a process and dropped, never stored,
logged or shown.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from specr.address import Address
from specr.diagnostics import Diagnostic, did_you_mean
from specr.providers.masking import Mask
from specr.providers.protocol import ProviderError
from specr.resources.compute import SecretValue, ValueSource

SIZE_LIMIT: Final = 128 * 1024
"""Bytes of one variable, with its name and the NUL at its end: MAX_ARG_STRLEN of Linux."""

FILE_LIMIT: Final = 1024 * 1024
"""Bytes that are read of a secret's file at most: more than any variable holds, and little to read."""


@dataclass(frozen=True, slots=True)
class ResolvedEnvironment:
    """Variables with their values. `secret` are the names of those that may not be shown."""

    values: Mapping[str, str] = field(repr=False)
    secret: frozenset[str] = frozenset()

    @property
    def mask(self) -> Mask:
        """Masks the secret values in log lines."""
        return Mask(self.values[name] for name in self.secret)


def resolve_environment(
    env: Mapping[str, str | SecretValue],
    *,
    address: Address,
    base: Path,
    environ: Mapping[str, str] = os.environ,
) -> ResolvedEnvironment:
    """Read the secrets among the variables.

    Args:
        env: variables as specs give them.
        address: whose they are, for messages.
        base: the project's folder; relative paths of secret files start there.
        environ: the environment that specr itself runs in.

    Raises:
        ProviderError: a secret is missing, can't be read, or lies in a cluster, or a value is
            too large. All of them are told at once.
    """
    values: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for name, value in env.items():
        found = value if isinstance(value, str) else _read_secret(name, value, address, base, environ)
        if isinstance(found, str) and (size := _size(name, found)) > SIZE_LIMIT:
            found = _too_large(name, size, address)
        if isinstance(found, Diagnostic):
            problems.append(found)
        else:
            values[name] = found
    if problems:
        raise ProviderError(*problems)
    return ResolvedEnvironment(values, frozenset(n for n, v in env.items() if isinstance(v, SecretValue)))


def _size(name: str, value: str) -> int:
    """The bytes of `name=value` as a process gets it, with the NUL at its end."""
    return len(f"{name}={value}".encode(errors="surrogateescape")) + 1


def _too_large(name: str, size: int, address: Address) -> Diagnostic:
    return Diagnostic(
        "Environment variable too large",
        f"{address} is to get the variable {name} with {size:,} bytes, its name included; a process can get "
        f"{SIZE_LIMIT:,} in one.",
        "Hand the program the path of a file instead, and have it read that.",
        address=address,
        path=("spec", "env", name),
    )


def _read_secret(
    name: str, secret: SecretValue, address: Address, base: Path, environ: Mapping[str, str]
) -> str | Diagnostic:
    source = secret.value_from
    if source.env is not None:
        return _from_environment(name, source.env, address, environ)
    if source.file is not None:
        return _from_file(name, source.file, address, base)
    return Diagnostic(
        "Secret out of reach",
        f"{address} takes the variable {name} from {_place(source)}, "
        "which only a provider of type kubernetes can read.",
        "Take the value from an environment variable (valueFrom.env) or a file (valueFrom.file), "
        "or deploy to such a provider.",
        address=address,
        path=("spec", "env", name),
    )


def _from_environment(
    name: str, variable: str, address: Address, environ: Mapping[str, str]
) -> str | Diagnostic:
    if variable in environ:
        return environ[variable]
    alike = did_you_mean(variable, environ)
    return Diagnostic(
        "Missing secret",
        f"{address} takes the variable {name} from the environment variable {variable}, which is not set.",
        " ".join(filter(None, (alike, f"Set {variable} in the environment that specr runs in."))),
        address=address,
        path=("spec", "env", name),
    )


def _from_file(name: str, written: str, address: Address, base: Path) -> str | Diagnostic:
    path = base / written
    try:
        path = base / Path(written).expanduser()
        text = _read_small_file(path)
    except FileNotFoundError:
        why = "does not exist"
    except UnicodeDecodeError:
        why = "is not UTF-8 text"
    except _UnfitFileError as error:
        why = str(error)
    except OSError as error:
        why = f"can't be read ({error.strerror or error})"
    except RuntimeError:
        why = "lies in the home folder of a user that is not known here"
    else:
        if "\0" not in text:
            return text.removesuffix("\n").removesuffix("\r")
        why = "holds a NUL character, which no environment variable can"
    return Diagnostic(
        "Missing secret",
        f"{address} takes the variable {name} from the file {path}, which {why}.",
        f"Put the value into {path}, as UTF-8 text.",
        address=address,
        path=("spec", "env", name),
    )


class _UnfitFileError(Exception):
    """A file that is not read; the message says why."""


def _read_small_file(path: Path) -> str:
    """The text of a regular file: what else can be opened may have no end, or make us wait for ever.

    Raises:
        OSError, UnicodeDecodeError: it can't be read as text.
        _UnfitFileError: it is no file, or a large one.
    """
    # Without O_NONBLOCK, opening a pipe waits until somebody writes to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _UnfitFileError("is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(FILE_LIMIT + 1)
    finally:
        os.close(descriptor)
    if len(content) > FILE_LIMIT:
        raise _UnfitFileError(f"has more than {FILE_LIMIT:,} bytes")
    return content.decode("utf-8")


def _place(source: ValueSource) -> str:
    if source.secret is None:
        return "nowhere"
    return f"the key {source.secret.key} of the Kubernetes secret {source.secret.name}"

"""What can go wrong on this machine, told so that people can mend it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from specr.address import Address
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.providers.content import ByteStore
from specr.providers.protocol import ProviderError


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what the system refuses into an error that names the folder."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise ProviderError(
            Diagnostic(
                "Local provider stopped by the system",
                f"The local provider keeps its processes' files in {folder}. "
                f"At {where}: {error.strerror or error}.",
                "Check the disk's space, the permissions, and the limit on processes (ulimit -u); "
                "then run specr apply again.",
            ),
        ) from error


def no_command(address: Address, what: str, image: str | None) -> ProviderError:
    """There is no command; perhaps there is an image."""
    has = f"has only the image {image}" if image else "has none"
    return ProviderError(
        Diagnostic(
            "Nothing to run",
            f"{address} is to run on a provider of type local, which runs commands; its {what} {has}.",
            f"Set spec.command of the {what}, or choose a provider that runs images, such as docker.",
            address=address,
        ),
    )


def no_program(address: Address, what: str, program: str, search: str) -> ProviderError:
    """The command's program is not there."""
    where = f"is not a file that can be run; it was looked for at {search}"
    if "/" not in program:
        where = f"was not found on the PATH {search}"
    return ProviderError(
        Diagnostic(
            "Program not found",
            f"{address} is to run {program}, which {where}.",
            f"Install {program}, or correct spec.command of the {what}. A path is relative to the project.",
            address=address,
        ),
    )


def find_bytes(store: ByteStore, address: Address, what: str, digest: str) -> Path:
    """Where content lies in the store.

    Raises:
        ProviderError: it is not there, or damaged.
    """
    try:
        return store.path(digest)
    except LookupError:
        raise _no_bytes(address, what, digest) from None
    except DiagnosticError as error:
        raise ProviderError(*error.diagnostics) from error


def _no_bytes(address: Address, what: str, digest: str) -> ProviderError:
    """The store has lost what a process is to read."""
    return ProviderError(
        Diagnostic(
            "Bytes missing from the store",
            f"{address} needs the {what} {digest}, which is not in the store.",
            "Run specr plan again: it notices what is missing, and brings it back.",
            address=address,
        ),
    )


def changed_input(address: Address, command: tuple[str, ...], why: str) -> ProviderError:
    """A processor has written to what it was to read."""
    return ProviderError(
        Diagnostic(
            "Processor changed its input",
            f"While {address} ran `{shlex.join(command)[:200]}`, the artifact at SOURCE_PATH was changed or "
            f"removed: {why} What the processor wrote was not kept.",
            "Have the processor work on a copy of SOURCE_PATH, which may only be read; then run specr apply "
            "again: it brings the artifact back.",
            address=address,
        ),
    )


def not_started(address: Address, lines: tuple[str, ...]) -> ProviderError:
    """Not even the supervisor came up."""
    return ProviderError(
        Diagnostic(
            "Process not started",
            f"The process that was to watch over {address} ended before it began.",
            "Check that the Python which runs specr still works, and the limit on processes (ulimit -u).",
            address=address,
            notes=lines,
        ),
    )


def port_taken(address: Address, port: int, holder: str) -> ProviderError:
    """Somebody else listens on the port that a deployment is to have."""
    return ProviderError(
        Diagnostic(
            "Port taken",
            f"{address} is to listen on port {port}, where {holder} listens.",
            f"Stop {holder}, or give another spec.endpoint.port; left out, a free one is found.",
            address=address,
            path=("spec", "endpoint", "port"),
        ),
    )


def no_takeover(address: Address, port: int, why: str, aftermath: str) -> ProviderError:
    """The new deployment did not come up on the port of the old one."""
    return ProviderError(
        Diagnostic(
            "Deployment could not take over its port",
            f"The new runtime of {address} was ready on another port, but not on port {port}: {why}. "
            f"{aftermath}",
            "See its log; check that it listens on the port given in the variable PORT, and on no other.",
            address=address,
        ),
    )


def gone(address: Address) -> ProviderError:
    """What is to be changed is not there."""
    return ProviderError(
        Diagnostic(
            "Deployment gone",
            f"Nothing is known of {address} here any more.",
            "Run specr apply again: it makes a new one.",
            address=address,
        ),
    )

"""What can go wrong with Docker, told so that people can mend it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from specr.address import Address
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.providers.protocol import ProviderError


def no_client() -> ProviderError:
    """The client's package is not installed."""
    return ProviderError(
        Diagnostic(
            "Docker client not installed",
            "A provider of type docker needs the Python package docker, which is not installed.",
            "Install it where specr is installed: pip install 'docker>=7.2'.",
        ),
    )


def no_permission(host: str) -> ProviderError:
    """The socket may not be opened."""
    return ProviderError(
        Diagnostic(
            "Docker is not permitted",
            f"The Docker daemon at {host} is there, but this user may not talk to it.",
            "Add the user to the group docker, or name another daemon (the setting host, or DOCKER_HOST).",
        ),
    )


def bad_connection(host: str, why: str) -> ProviderError:
    """The client can't even begin: its configuration is wrong."""
    return ProviderError(
        Diagnostic(
            "Docker can't be reached as configured",
            f"The connection to the Docker daemon at {host} can't be set up: {why}.",
            "Correct the setting host, or DOCKER_HOST, DOCKER_CERT_PATH and the Docker context.",
        ),
    )


def check_address(host: str) -> None:
    """Refuse an address that the client would trip over.

    Raises:
        ProviderError: it is malformed.
    """
    try:
        _ = urlsplit(host).port
    except ValueError as error:
        raise bad_connection(host, str(error)) from None


def refused(host: str, doing: str, why: str) -> ProviderError:
    """The daemon has answered, and won't."""
    return ProviderError(
        Diagnostic(
            "Docker refused",
            f"The Docker daemon at {host} could not {doing}: {why}.",
            "Mend what it names, then run specr apply again.",
        ),
    )


def no_image(address: Address, what: str) -> ProviderError:
    """There is only a command, or nothing at all."""
    return ProviderError(
        Diagnostic(
            "Nothing to run",
            f"{address} is to run on a provider of type docker, which runs images; its {what} has none.",
            f"Set spec.image of the {what}, or choose a provider that runs commands, such as local.",
            address=address,
        ),
    )


def image_missing(image: str, host: str, why: str) -> ProviderError:
    """Neither the daemon has an image nor can it get it."""
    return ProviderError(
        Diagnostic(
            "Image not found",
            f"The Docker daemon at {host} has no image {image}, and its registry does not give it: {why}.",
            f"Correct the image's name, build it, log in to its registry (docker login), "
            f"or get it yourself: docker pull {image}",
        ),
    )


def image_moved(address: Address, image: str, planned: str) -> ProviderError:
    """The image that was planned is gone; the name may lead to another one."""
    return ProviderError(
        Diagnostic(
            "Planned image is gone",
            f"{address} was planned with the image {image} as {planned}, which the Docker daemon no "
            "longer has.",
            "Run specr plan again: it takes the image that the name leads to now.",
            address=address,
        ),
    )


def program_refused(address: Address, why: str) -> ProviderError:
    """A container was made, but what it is to run can't be started."""
    return ProviderError(
        Diagnostic(
            "Container could not be started",
            f"Docker could not start the container of {address}: {why}.",
            "Check spec.command: its first word must be a program in the image, on its PATH.",
            address=address,
        ),
    )


def name_taken(address: Address, name: str) -> ProviderError:
    """A container has the name, and is not ours."""
    return ProviderError(
        Diagnostic(
            "Container name taken",
            f"{address} needs the container name {name}, which a container has that is not specr's.",
            f"Rename or remove it: docker rename {name} something-else",
            address=address,
        ),
    )


def port_taken(address: Address, port: int, holder: str) -> ProviderError:
    """Somebody else has the port that a deployment is to have."""
    return ProviderError(
        Diagnostic(
            "Port taken",
            f"{address} is to be published on port {port}, which {holder} has.",
            f"Stop {holder}, or give another spec.endpoint.port; left out, a free one is found.",
            address=address,
            path=("spec", "endpoint", "port"),
        ),
    )


def no_free_port(address: Address) -> ProviderError:
    """Many ports were tried in vain."""
    return ProviderError(
        Diagnostic(
            "No free port",
            f"For {address} many ports were tried on the Docker daemon's machine, and all were taken.",
            "Stop what listens there, or give spec.endpoint.port.",
            address=address,
        ),
    )


def no_takeover(address: Address, port: int, why: str, aftermath: str) -> ProviderError:
    """The new deployment did not come up on the port of the old one."""
    return ProviderError(
        Diagnostic(
            "Deployment could not take over its port",
            f"The new runtime of {address} was ready on another port, but not on port {port}: {why}. "
            f"{aftermath}",
            "See its log for what is different the second time it is started.",
            address=address,
        ),
    )


def gone(address: Address) -> ProviderError:
    """What is to be changed is not there."""
    return ProviderError(
        Diagnostic(
            "Deployment gone",
            f"There is no container of {address} any more.",
            "Run specr apply again: it makes a new one.",
            address=address,
        ),
    )


def no_bytes(address: Address, what: str, digest: str) -> ProviderError:
    """The store has lost what a container is to read."""
    return ProviderError(
        Diagnostic(
            "Bytes missing from the store",
            f"{address} needs the {what} {digest}, which is not in the store.",
            "Run specr plan again: it notices what is missing, and brings it back.",
            address=address,
        ),
    )


def bad_output(address: Address, why: str) -> ProviderError:
    """What a processor wrote can't be taken into the store."""
    return ProviderError(
        Diagnostic(
            "Output can't be kept",
            f"The processor of {address} has ended well, but what it wrote at TARGET_PATH can't be "
            f"taken into the store: {why}.",
            "Let the processor write a file, or a folder of files and of links between them.",
            address=address,
        ),
    )


def as_provider_error(error: DiagnosticError) -> ProviderError:
    """A finding of the store, as providers raise it."""
    return error if isinstance(error, ProviderError) else ProviderError(*error.diagnostics)


def roots(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it was made from, as far as it tells."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        waiting += [e for e in inner if isinstance(e, BaseException)]

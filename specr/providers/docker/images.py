"""Which image a reference means, and that the daemon has it.

An image is known by the digest that its registry gave it, or by its id where it was built
here and never had one: both change when, and only when, the image does. Either can be run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from specr.providers.docker.daemon import Daemon, NotThereError, split_reference
from specr.providers.docker.problems import image_missing, image_moved, no_image
from specr.providers.protocol import BuildOrder, Order


class Images:
    """The images of one daemon, and of the registries that it can reach."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def resolve(self, reference: str) -> str:
        """What a reference means: `name@sha256:…`, or `sha256:…` for an image without a registry.

        What the daemon has counts; only where it has nothing is the registry asked.

        Raises:
            ProviderError: there is no such image.
        """
        found = self._daemon.image(reference)
        if found is not None:
            return identity(reference, found["Id"], found.get("RepoDigests") or ())
        try:
            digest = self._daemon.distribution(reference)
        except NotThereError as error:
            raise image_missing(reference, self._daemon.host, str(error)) from error
        return f"{familiar(split_reference(reference)[0])}@{digest}"

    def ensure(self, order: Order) -> str:
        """The id of the image that an order is for; it is pulled if the daemon lacks it.

        Raises:
            ProviderError: the order names none, or it can't be had.
        """
        what = "processor" if isinstance(order, BuildOrder) else "runtime"
        if order.image is None:
            raise no_image(order.address, what)
        wanted = order.image_id or order.image
        found = self._daemon.image(wanted) or self._pull(order, wanted)
        return str(found["Id"])

    def _pull(self, order: Order, wanted: str) -> dict[str, Any]:
        assert order.image is not None
        if wanted.startswith("sha256:"):
            raise image_moved(order.address, order.image, wanted)
        try:
            self._daemon.pull(wanted)
        except NotThereError as error:
            raise image_missing(wanted, self._daemon.host, str(error)) from error
        found = self._daemon.image(wanted)
        if found is None:
            raise image_missing(wanted, self._daemon.host, "it was pulled, and is not there")
        if "@" in wanted and "@" not in order.image and self._daemon.image(order.image) is None:
            # Pulled by digest it has no tag; with it, the next plan need not ask the registry.
            self._daemon.tag(found["Id"], order.image)
        return found


def identity(reference: str, image: str, digests: Iterable[str]) -> str:
    """What stands for an image: the digest under the reference's own name, or else the id."""
    repository = familiar(split_reference(reference)[0])
    own = sorted(digest for digest in digests if familiar(digest.partition("@")[0]) == repository)
    return f"{repository}@{own[0].partition('@')[2]}" if own else image


def familiar(repository: str) -> str:
    """A repository as people write it: without what is understood by itself."""
    for prefix in ("index.docker.io/", "docker.io/"):
        repository = repository.removeprefix(prefix)
    return repository.removeprefix("library/") if repository.count("/") == 1 else repository

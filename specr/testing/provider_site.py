"""What the tests of providers stand on: a platform, orders for it, and how to wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Final, Protocol

from msgspec.structs import replace

from specr.providers.protocol import (
    BuildOrder,
    DeploymentOrder,
    Order,
    ProviderError,
    Readiness,
    ScorerRequest,
)
from specr.state.model import ObjectRef
from specr.testing.faults import FullProvider

LINEAGE: Final = "conformance"
"""The lineage of the tests' objects, where it does not matter."""

PROVIDER: Final = "tested"
"""The provider's name in references."""

_LOOK: Final = 0.02
"""Seconds between two looks at readiness."""


class Behaviour(Enum):
    """What a test's processor or runtime does.

    Beside it they print the lines in the variable SAY, if it is set (divided by `|`), and
    the value of the variable that TELL names.
    """

    GOOD = "good"
    """It works. A processor's output depends on the artifact alone."""
    FAILS = "fails"
    """It exits at once, with status 3."""
    HANGS = "hangs"
    """A processor never ends; a runtime runs and is never ready."""
    EMPTY = "empty"
    """A processor exits with status 0 and writes nothing."""


class Platform(Protocol):
    """A platform to test a provider on; its author writes this."""

    @property
    def patience(self) -> float:
        """Seconds after which a good object must be ready, and a bad one must have failed."""

    def provider(self, lineage: str) -> FullProvider:
        """A new provider object, over the same platform each time."""

    def build(self, name: str, token: str, behaviour: Behaviour = Behaviour.GOOD) -> BuildOrder:
        """An order for a build, of the same artifact each time."""

    def deployment(self, name: str, token: str, behaviour: Behaviour = Behaviour.GOOD) -> DeploymentOrder:
        """An order for a deployment of one replica. It answers `GET /model/id`."""

    def existing(self, lineage: str) -> frozenset[str]:
        """The tokens of all objects of a lineage that are on the platform, dead or alive.

        To be found out without the provider, such as from processes or labels.
        """

    def destroy(self, lineage: str, token: str) -> None:
        """Make an object unable to serve, as an outsider would."""


class Site:
    """One platform in one test. Everything made through it is gone in the end."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.lineages = {LINEAGE}

    def provider(self, lineage: str = LINEAGE) -> FullProvider:
        """A new provider object, as a new process would have."""
        self.lineages.add(lineage)
        return self.platform.provider(lineage)

    def finish(self, provider: FullProvider, order: Order) -> Readiness:
        """Wait until an object is done, for better or worse."""
        deadline = time.monotonic() + self.platform.patience
        while True:
            readiness = provider.readiness(ref_to(order), order)
            if readiness.done:
                return readiness
            assert time.monotonic() < deadline, f"{order.address} is not done: {readiness.message}"
            time.sleep(_LOOK)

    def make(self, provider: FullProvider, order: Order) -> ObjectRef:
        """Create an object and wait until it is ready."""
        attributes = provider.create(order)
        readiness = self.finish(provider, order)
        assert readiness.succeeded, readiness.message
        return replace(ref_to(order), attributes={**attributes, **readiness.attributes})

    def roll_out(
        self, provider: FullProvider, order: DeploymentOrder, previous: Sequence[ObjectRef] = ()
    ) -> ObjectRef:
        """Create a deployment, wait until it is ready, and promote it."""
        ref = self.make(provider, order)
        return replace(ref, attributes={**ref.attributes, **provider.promote(ref, order, previous)})


def ref_to(order: Order) -> ObjectRef:
    """The way to an object by its token alone."""
    return ObjectRef(order.address, PROVIDER, order.token)


def model_id(provider: FullProvider, ref: ObjectRef) -> str:
    """What a deployment says that it serves."""
    answer = provider.request(ref, ScorerRequest("GET", "/model/id"))
    assert answer.status == 200
    return answer.body.decode()


def drift(provider: FullProvider, ref: ObjectRef) -> dict[str, object]:
    """What a provider observes other than it is recorded; `exists` where it is gone."""
    seen = provider.read([ref])[ref.address]
    if not seen.exists:
        return {"exists": False}
    return {key: value for key, value in seen.attributes.items() if ref.attributes.get(key) != value}


def refused(act: Callable[[], object]) -> str:
    """What a provider says that gives up, in full."""
    try:
        act()
    except ProviderError as error:
        return "\n".join(f"{d.summary}: {d.detail} {d.remedy}" for d in error.diagnostics)
    raise AssertionError("the provider should have given up")


class Suite:
    """Holds a platform to promises. Authors say which platform."""

    def platform(self, place: Path) -> Platform:
        """The platform to test; `place` is an empty folder for it."""
        raise NotImplementedError

    @contextmanager
    def site(self, place: Path) -> Iterator[Site]:
        """Use a platform; afterwards all that is left on it is deleted, by token alone."""
        site = Site(self.platform(place))
        try:
            yield site
        finally:
            for lineage in sorted(site.lineages):
                self._clean(site, lineage)

    def _clean(self, site: Site, lineage: str) -> None:
        provider = site.platform.provider(lineage)
        address = site.platform.deployment("any", "any").address
        for token in site.platform.existing(lineage):
            provider.delete(ObjectRef(address, PROVIDER, token))
        left = site.platform.existing(lineage)
        assert not left, f"still there after their deletion: {sorted(left)}"

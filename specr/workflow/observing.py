"""Observing: what is in the store, what providers see, what images mean to them.

Reads the world and changes nothing in it, and takes no lock.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from specr.address import Address
from specr.diagnostics import Diagnostic
from specr.plan.desired import readiness_path
from specr.plan.observed import Observation
from specr.providers.protocol import ImageResolver, Prober, Provider, ProviderError, TransientError
from specr.state.model import ObjectRef, RecordedObject, State
from specr.store.protocol import Store

_log = logging.getLogger(__name__)

PATIENCE: Final = 2.0
"""Seconds that all deployments of a provider together get to answer."""


def observe(
    state: State,
    addresses: Iterable[Address],
    *,
    provider_for: Callable[[str], Provider],
    store: Callable[[], Store],
    listening: bool = True,
) -> Mapping[Address, Observation]:
    """Look at what these recorded objects are now: one bulk read a provider.

    With `listening`, deployments are also asked whether they answer.

    Raises:
        DiagnosticError: a provider does not answer; a plan made blind would be wrong.
    """
    found: dict[Address, Observation] = {}
    by_provider: dict[str, list[ObjectRef]] = defaultdict(list)
    for address in addresses:
        recorded = state.objects.get(address)
        if recorded is None:
            continue
        if recorded.provider:
            by_provider[recorded.provider].append(recorded.ref)
        elif address.kind == "artifact":
            found[address] = _observe_bytes(recorded, store())
    for name, refs in sorted(by_provider.items()):
        _log.info("%s: read %d objects", name, len(refs))
        try:
            provider = provider_for(name)
            seen = provider.read(refs)
            found |= _listen(provider, state, seen) if listening else seen
        except TransientError as error:
            raise ProviderError(
                Diagnostic(
                    "Provider does not answer",
                    f"Provider {name} could not be asked what runs: {error}.",
                    "Check that the platform is up, or plan from recorded state alone with --no-refresh.",
                ),
            ) from error
    return found


def _listen(
    provider: Provider, state: State, seen: Mapping[Address, Observation]
) -> Mapping[Address, Observation]:
    """Ask what is there whether it answers, where its platform does not do so itself."""
    if not isinstance(provider, Prober):
        return seen
    asked = [
        (recorded.ref, readiness_path(recorded.arguments))
        for address, observation in seen.items()
        if address.kind == "deployment" and observation.exists
        for recorded in (state.objects[address],)
    ]
    silent = provider.probe(asked, PATIENCE) if asked else {}
    return {**seen, **{address: replace(seen[address], silent=told) for address, told in silent.items()}}


def resolve_image(name: str, provider: Provider, image: str) -> str | None:
    """What an image means to a provider; None where it can't tell.

    Raises:
        ProviderError: there is no such image, or the platform does not answer.
    """
    if not isinstance(provider, ImageResolver):
        return None
    try:
        return provider.resolve_image(image)
    except TransientError as error:
        raise ProviderError(
            Diagnostic(
                "Provider does not answer",
                f"Provider {name} could not be asked for the image {image}: {error}.",
                "Check that the platform is up.",
            ),
        ) from error


def _observe_bytes(recorded: RecordedObject, store: Store) -> Observation:
    if store.has(recorded.attributes["digest"]):
        return Observation(exists=True)
    return Observation(exists=False, message="its bytes are no longer in the store")

"""What every provider must pass.

Its author says how to get at a platform, and runs pytest:

    class TestMine(ProviderConformance):
        def platform(self, place: Path) -> Platform:
            return MyPlatform(place)

Providers that run programs subclass `ProcessProviderConformance`; those that give deployments
ports on this machine mix in `FixedPortPromises` too, and those that ask runtimes whether they
answer, `ProberPromises`. Nothing here is about one provider.
Importing this needs no pytest; the tests ask it for the fixture `tmp_path` only.
"""

from __future__ import annotations

from specr.testing.provider_builds import BuildPromises
from specr.testing.provider_deployments import DeploymentPromises
from specr.testing.provider_processes import FixedPortPromises, ProberPromises, ProcessPromises
from specr.testing.provider_rollouts import RolloutPromises
from specr.testing.provider_site import Behaviour, Platform

__all__ = [
    "ProviderConformance",
    "ProcessProviderConformance",
    "FixedPortPromises",
    "ProberPromises",
    "Behaviour",
    "Platform",
]


class ProviderConformance(BuildPromises, DeploymentPromises, RolloutPromises):
    """The promises that hold whatever the platform."""


class ProcessProviderConformance(ProviderConformance, ProcessPromises):
    """All promises, for providers that run programs."""

"""Amounts as specs write them, in the units of the Docker API. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from specr.resources.compute import Compute

_UNITS: Final = {
    "m": Decimal("0.001"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(1 << 10),
    "Mi": Decimal(1 << 20),
    "Gi": Decimal(1 << 30),
    "Ti": Decimal(1 << 40),
}
_SHARES: Final = 1024
"""The weight of one core among those who want more than there is."""


def amount(quantity: str) -> Decimal:
    """The number that a quantity means: `500m` is a half, `1Ki` is 1024."""
    number = quantity.rstrip("mkKMGTi")
    return Decimal(number) * _UNITS.get(quantity[len(number) :], Decimal(1))


def host_limits(resources: Compute) -> dict[str, Any]:
    """The part of a container's HostConfig that says what it may use and what is set aside for it."""
    found: dict[str, Any] = {}
    if resources.limits.cpu:
        found["NanoCpus"] = int(amount(resources.limits.cpu) * 10**9)
    if resources.limits.memory:
        # With swap as much again would be allowed.
        found["Memory"] = found["MemorySwap"] = int(amount(resources.limits.memory))
    if resources.requests.cpu:
        found["CpuShares"] = max(2, int(amount(resources.requests.cpu) * _SHARES))
    if resources.requests.memory:
        found["MemoryReservation"] = int(amount(resources.requests.memory))
    return found

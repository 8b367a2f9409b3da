"""Deployment: one model version, running and answering."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final

from msgspec import Meta, field

from specr.address import Address
from specr.resources.base import Name, Part, Reference, Resource
from specr.resources.compute import Compute, Environment

_MILLIONTH: Final = 1e-6


class GoldenRow(Part, frozen=True, kw_only=True):
    """A row whose score is known: the deployment must give it before it takes over."""

    row: dict[str, Any]
    """Input cells by column name."""

    expect: Annotated[dict[str, Any], Meta(min_length=1)]
    """Expected output cells by column name; columns left out are not compared."""

    tolerance: Annotated[float, Meta(ge=0, le=1_000_000_000_000)] | None = None
    """How far a number may be off, such as 0.5 for half a unit. Where neither this nor `relativeTolerance` is
    written: a millionth, or a millionth of the expected value, whichever is more."""

    relative_tolerance: Annotated[float, Meta(ge=0, le=1)] | None = None
    """How far it may be off as a part of the expected value, such as 0.01 for a hundredth. Beside
    `tolerance`, whichever is more."""

    def margin(self, expected: float) -> float:
        """How far from an expected number another may lie."""
        if self.tolerance is None and self.relative_tolerance is None:
            return max(_MILLIONTH, _MILLIONTH * abs(expected))
        return max(self.tolerance or 0.0, (self.relative_tolerance or 0.0) * abs(expected))


class Endpoint(Part, frozen=True, kw_only=True):
    """Where callers reach a deployment."""

    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    """A fixed port on the provider's host; left out, a free one is found."""


class Deployment(Resource, frozen=True, kw_only=True):
    """One model version, made reachable. Exactly one of `version` and `alias`.

    Example:
        apiVersion: specr/v1
        kind: Deployment
        metadata:
          name: fraud
        spec:
          model: fraud
          alias: champion
          replicas: 2
          env:
            LOG_LEVEL: info
            API_TOKEN:
              valueFrom: {env: FRAUD_API_TOKEN}
          verify:
            - row: {amount: 12.5, country: FR}
              expect: {prediction: 0.02}
    """

    kind: ClassVar[str] = "Deployment"

    model: Name
    """The Model of which it runs a version."""

    version: Annotated[int, Meta(ge=1)] | None = None
    """The version to run."""

    alias: Name | None = None
    """The version to run, by the model's name for it."""

    artifact: Name | None = None
    """Which of the experiment's artifacts, where more than one can be deployed."""

    processor: Name | None = None
    """Which processor, where more than one fits."""

    runtime: Name | None = None
    """Which runtime, where more than one fits."""

    provider: Name | None = None
    """Where it runs; left out, the project's default."""

    replicas: Annotated[int, Meta(ge=0, le=1000)] = 1
    """How many copies of the runtime."""

    env: Environment = field(default_factory=dict)
    """Environment variables, over those of the runtime."""

    resources: Compute | None = None
    """Processor and memory, instead of the runtime's."""

    verify: tuple[GoldenRow, ...] = ()
    """Rows with known scores, tried before the deployment takes over."""

    endpoint: Endpoint = field(default_factory=Endpoint)
    """Where callers reach it."""

    protect: bool = False
    """Never delete it, not even when this document is gone, unless `--allow-delete` names it."""

    def references(self) -> Iterator[Reference]:
        """Model, artifact, processor and runtime as far as named, then `dependsOn`."""
        yield Reference(("spec", "model"), Address("model", self.model))
        for kind in ("artifact", "processor", "runtime"):
            name = getattr(self, kind)
            if name is not None:
                yield Reference(("spec", kind), Address(kind, name))
        yield from super().references()

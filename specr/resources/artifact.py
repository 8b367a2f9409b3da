"""Artifact: the bytes of a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from specr.address import Address
from specr.resources.base import Digest, Filled, Name, Reference, Resource


class Artifact(Resource, frozen=True, kw_only=True):
    """Bytes that belong to an experiment. They never change: other bytes are another artifact.

    Example:
        apiVersion: specr/v1
        kind: Artifact
        metadata:
          name: fraud-2024
        spec:
          experiment: fraud-2024
          type: python/mlflow
          source: models/fraud
    """

    kind: ClassVar[str] = "Artifact"

    experiment: Name
    """The experiment that these bytes came from."""

    type: Filled
    """What the bytes are, such as `python/mlflow`; an artifact type takes it up by this text."""

    source: Filled
    """Where the bytes are: a path beside this document, a `file://` or `http(s)://` URL, or, with
    specr-mlflow, a registered model of MLflow: `models:/fraud/3`, `models:/fraud@champion`."""

    digest: Digest | None = None
    """Pins the bytes: anything else found at the source is refused."""

    def references(self) -> Iterator[Reference]:
        """The experiment, then `dependsOn`."""
        yield Reference(("spec", "experiment"), Address("experiment", self.experiment))
        yield from super().references()

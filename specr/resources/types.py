"""What artifacts can become: artifact types, model types, processors and runtimes.

Packs ship them; projects may add their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final

from msgspec import Meta, field

from specr.address import Address
from specr.resources.base import Filled, Name, Part, Reference, Resource
from specr.resources.compute import Compute, Environment, Image

LONGEST_WAIT: Final = 31 * 24 * 3600
"""Seconds. Timers of systems and platforms take more, but not any number."""

Patience = Annotated[int, Meta(gt=0, le=LONGEST_WAIT)]
"""Seconds to wait for a program."""


class ArtifactType(Resource, frozen=True, kw_only=True):
    """A type of artifact that can be deployed.

    Example:
        apiVersion: specr/v1
        kind: ArtifactType
        metadata:
          name: mlflow
        spec:
          readableName: MLflow model
          artifactType: python/mlflow
    """

    kind: ClassVar[str] = "ArtifactType"

    artifact_type: Filled
    """The `type` of the artifacts meant."""

    readable_name: str = ""
    """For people."""


class ModelType(Resource, frozen=True, kw_only=True):
    """What processors produce and runtimes digest: the joint between the two.

    Example:
        apiVersion: specr/v1
        kind: ModelType
        metadata:
          name: mlflow-pyfunc
        spec:
          readableName: MLflow pyfunc model
    """

    kind: ClassVar[str] = "ModelType"

    readable_name: str = ""
    """For people."""

    runtime_hint: str = ""
    """How to come by a runtime, in a sentence or two; shown where one is needed and none declared."""


class Processor(Resource, frozen=True, kw_only=True):
    """A program that turns an artifact into what a runtime loads.

    It reads `SOURCE_PATH` and writes `TARGET_PATH`.

    Example:
        apiVersion: specr/v1
        kind: Processor
        metadata:
          name: mlflow
        spec:
          artifactType: mlflow
          modelType: mlflow-pyfunc
          image: registry.example.org/mlflow-processor:1.0
          command: [python, -m, my_processor]
          timeout: 300
    """

    kind: ClassVar[str] = "Processor"

    artifact_type: Name
    """The ArtifactType that it takes."""

    model_type: Name
    """The ModelType that it produces."""

    image: Image | None = None
    """The container image; providers without containers don't use it."""

    command: tuple[str, ...] = ()
    """What to run; in a container, left out means the image's own entry point."""

    env: Environment = field(default_factory=dict)
    """Environment variables beside `SOURCE_PATH`, `TARGET_PATH` and `SPECR_POLICY`."""

    resources: Compute = field(default_factory=Compute)
    """Processor and memory."""

    timeout: Patience = 600
    """Seconds after which it is stopped and the build has failed; 2678400, which are 31 days, at most."""

    def references(self) -> Iterator[Reference]:
        """The artifact type and the model type, then `dependsOn`."""
        yield Reference(("spec", "artifactType"), Address("artifacttype", self.artifact_type))
        yield Reference(("spec", "modelType"), Address("modeltype", self.model_type))
        yield from super().references()


class Readiness(Part, frozen=True, kw_only=True):
    """How a runtime says that it can score."""

    path: Annotated[str, Meta(pattern=r"^/")] = "/readyz"
    """Answers 200 once the model is loaded."""

    timeout: Patience = 120
    """Seconds that loading may take; 2678400, which are 31 days, at most."""


class Runtime(Resource, frozen=True, kw_only=True):
    """A program that loads a model from `MODEL_PATH` and serves the scorer API on `PORT`.

    Example:
        apiVersion: specr/v1
        kind: Runtime
        metadata:
          name: mlflow
        spec:
          modelType: mlflow-pyfunc
          image: registry.example.org/mlflow-runtime:1.0
          command: [python, -m, my_runtime]
          resources:
            limits: {cpu: 500m, memory: 1Gi}
          readiness: {path: /readyz, timeout: 120}
    """

    kind: ClassVar[str] = "Runtime"

    model_type: Name
    """The ModelType that it digests."""

    image: Image | None = None
    """The container image; providers without containers don't use it."""

    command: tuple[str, ...] = ()
    """What to run; in a container, left out means the image's own entry point."""

    env: Environment = field(default_factory=dict)
    """Environment variables beside `MODEL_PATH`, `MODEL_ID` and `PORT`."""

    resources: Compute = field(default_factory=Compute)
    """Processor and memory; a deployment may say otherwise."""

    readiness: Readiness = field(default_factory=Readiness)
    """How it says that it can score."""

    def references(self) -> Iterator[Reference]:
        """The model type, then `dependsOn`."""
        yield Reference(("spec", "modelType"), Address("modeltype", self.model_type))
        yield from super().references()

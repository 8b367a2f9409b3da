"""The only table from kind to model."""

from __future__ import annotations

from typing import Final

from specr.resources.artifact import Artifact
from specr.resources.base import Resource
from specr.resources.deployment import Deployment
from specr.resources.experiment import Experiment
from specr.resources.model import Model
from specr.resources.project import Project
from specr.resources.types import ArtifactType, ModelType, Processor, Runtime

KINDS: Final[dict[str, type[Resource]]] = {
    model.kind: model
    for model in (
        Project,
        Experiment,
        Artifact,
        ArtifactType,
        ModelType,
        Processor,
        Runtime,
        Model,
        Deployment,
    )
}
"""Every kind that documents may declare, in the order that the reference tells them."""

BUILD: Final = "build"
"""The kind of derived objects: a processor's output for one artifact. Never declared."""

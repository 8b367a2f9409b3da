"""Experiment: the output of one training job."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import field

from specr.resources.base import Resource
from specr.resources.columns import ModelSchema


class Experiment(Resource, frozen=True, kw_only=True):
    """The output of one training job: what is known about a model, beside its bytes.

    Example:
        apiVersion: specr/v1
        kind: Experiment
        metadata:
          name: fraud-2024
        spec:
          parameters:
            max_depth: 6
          statistics:
            auc: 0.93
          schema:
            input:
              - {name: amount, type: Float64}
              - {name: country, type: String}
            output:
              - {name: prediction, type: Float64}
    """

    kind: ClassVar[str] = "Experiment"

    metadata: dict[str, Any] = field(default_factory=dict)
    """Free key-value facts, never interpreted, but for `input_schema` and `output_schema`."""

    parameters: dict[str, Any] = field(default_factory=dict)
    """What the training was told."""

    statistics: dict[str, Any] = field(default_factory=dict)
    """What the training measured."""

    declared_schema: ModelSchema | None = field(default=None, name="schema")
    """Input and output columns. May be left out where the artifact carries them."""

"""Project: the settings of a folder of specs."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from specr.resources.base import Name, Part, Resource
from specr.resources.policy import Policy


class TypedSettings(Part):
    """A type that a plug-in or specr itself knows, and the settings that it takes."""

    model_config = ConfigDict(extra="allow", alias_generator=None)

    type: str
    """Which implementation."""

    def settings(self) -> dict[str, Any]:
        """Everything but the type, as written; the implementation checks it."""
        return dict(self.__pydantic_extra__ or {})


class Project(Resource):
    """The settings of a project. At most one document of this kind; none means all defaults.

    Example:
        apiVersion: specr/v1
        kind: Project
        metadata:
          name: risk
        spec:
          packs: [mlflow]
          variables:
            replicas: 2
          providers:
            gpu:
              type: kubernetes
              namespace: models
          defaultProvider: gpu
          policy:
            modules: [acme.features]
    """

    kind: ClassVar[str] = "Project"

    packs: tuple[str, ...] = ()
    """Catalogues of artifact types, model types, processors and runtimes that plug-ins ship."""

    backend: TypedSettings = Field(default_factory=lambda: TypedSettings(type="sqlite"))
    """Where state is kept. Default: `{type: sqlite, path: .specr/state.db}`."""

    store: TypedSettings = Field(default_factory=lambda: TypedSettings(type="folder"))
    """Where bytes are kept. Default: `{type: folder, path: .specr/store}`."""

    providers: dict[Name, TypedSettings] = Field(default_factory=dict)
    """Platforms by name, each a type and its settings. `local`, `memory`, `docker` and `kubernetes` are
    there unasked, with default settings."""

    sources: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """Settings of sources that plug-ins bring, by scheme, such as
    `models: {trackingUri: "https://mlflow.example.com"}`."""

    default_provider: Name = "local"
    """The provider of deployments that name none."""

    policy: Policy = Field(default_factory=Policy)
    """What models may do that run code when they are loaded."""

    variables: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """Values that specs use as `${var.name}`, with their defaults; `--var name=value` overrides them,
    and so does the environment variable `SPECR_VAR_name`."""

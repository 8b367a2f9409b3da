"""Project: the settings of a folder of specs."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import field

from specr.resources.base import Name, Omit, Resource
from specr.resources.policy import Policy


class TypedSettings:
    """A type that a plug-in or specr itself knows, and the settings that it takes."""

    __slots__ = ("_settings", "type")

    type: str
    """Which implementation."""

    def __init__(self, /, *, type: str, **settings: Any) -> None:  # noqa: A002 - as YAML names it
        self.type = type
        self._settings = settings

    def settings(self) -> dict[str, Any]:
        """Everything but the type, as written; the implementation checks it."""
        return dict(self._settings)

    def dump(self, *, omit: Omit = frozenset()) -> dict[str, Any]:  # noqa: ARG002 - as of every part
        """The settings as JSON, as YAML writes them."""
        return {"type": self.type, **self._settings}

    @classmethod
    def read(cls, data: Any) -> TypedSettings:
        """The settings that a mapping is.

        Raises:
            ValueError: it is no mapping with a text under `type`.
        """
        if isinstance(data, dict) and isinstance(data.get("type"), str):
            return cls(**data)
        raise ValueError("a mapping with a type is needed")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypedSettings) and self.dump() == other.dump()

    def __hash__(self) -> int:
        return hash(self.type)

    def __repr__(self) -> str:
        return f"TypedSettings({self.dump()})"


class Project(Resource, frozen=True, kw_only=True):
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

    backend: TypedSettings = field(default_factory=lambda: TypedSettings(type="sqlite"))
    """Where state is kept. Default: `{type: sqlite, path: .specr/state.db}`."""

    store: TypedSettings = field(default_factory=lambda: TypedSettings(type="folder"))
    """Where bytes are kept. Default: `{type: folder, path: .specr/store}`."""

    providers: dict[Name, TypedSettings] = field(default_factory=dict)
    """Platforms by name, each a type and its settings. `local`, `memory`, `docker` and `kubernetes` are
    there unasked, with default settings."""

    sources: dict[Name, dict[str, Any]] = field(default_factory=dict)
    """Settings of sources, by scheme: those that plug-ins bring, such as
    `models: {trackingUri: "https://mlflow.example.com"}`, and of URLs `http: {timeout: 3600}`, the seconds
    that a transfer may take (4 hours)."""

    default_provider: Name = "local"
    """The provider of deployments that name none."""

    policy: Policy = field(default_factory=Policy)
    """What models may do that run code when they are loaded."""

    variables: dict[str, str | int | float | bool] = field(default_factory=dict)
    """Values that specs use as `${var.name}`, with their defaults; `--var name=value` overrides them,
    and so does the environment variable `SPECR_VAR_name`."""

"""What a process needs from its platform: environment and compute resources."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import field

from specr.resources.base import Filled, Part, form

POLICY_VARIABLE: Final = "SPECR_POLICY"
"""Tells processors the project's policy, as JSON; not set where the project has none."""

RESERVED_VARIABLES: Final = frozenset(
    {"MODEL_PATH", "MODEL_ID", "SOURCE_PATH", "TARGET_PATH", "PORT", POLICY_VARIABLE}
)
"""Environment variables that specr itself sets; users can't."""

VariableName = Annotated[str, form(r"^[A-Za-z_][A-Za-z0-9_]*$")]

Quantity = Annotated[str, form(r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$")]
"""An amount as Kubernetes writes it: `500m`, `2`, `512Mi`, `1.5Gi`. Quote plain numbers."""


Image = Annotated[str, form(r"^\S+$")]
"""A container image by its name, maybe with a registry, a tag or a digest."""


class SecretKey(Part, frozen=True, kw_only=True):
    """A key in a Kubernetes secret."""

    name: Filled
    """The secret's name."""

    key: Filled
    """The key inside it."""


class ValueSource(Part, frozen=True, kw_only=True):
    """Where a secret value is read at the last moment. Exactly one of the three."""

    env: VariableName | None = None
    """A variable of the environment that specr runs in."""

    file: Filled | None = None
    """A regular file of 1 MiB at most; its text without the final newline."""

    secret: SecretKey | None = None
    """A Kubernetes secret, which never leaves the cluster."""


class SecretValue(Part, frozen=True, kw_only=True):
    """A value that is never planned, stored, logged or shown: only its place is."""

    value_from: ValueSource
    """Where the value comes from."""


Environment = dict[VariableName, str | SecretValue]
"""Environment variables by name. Values are text, or references to secrets."""


class Amounts(Part, frozen=True, kw_only=True):
    """An amount of processor and memory."""

    cpu: Quantity | None = None
    """Cores: `500m` is half of one."""

    memory: Quantity | None = None
    """Bytes: `512Mi`."""


class Compute(Part, frozen=True, kw_only=True):
    """What is set aside for a process, and what it may use at most."""

    requests: Amounts = field(default_factory=Amounts)
    """Set aside for it."""

    limits: Amounts = field(default_factory=Amounts)
    """Never exceeded."""

"""Whether the secrets that a run needs are there, looked up before anything of it begins.

No value is kept: whoever hands it to a process reads it again, at the last moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from specr.apply.orders import environment_of
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.plan.model import Change, Effect
from specr.plan.observed import ProviderSchema
from specr.providers.environment import resolve_environment
from specr.providers.protocol import ProviderError
from specr.resources.compute import SecretValue

_STARTING: Final = frozenset({Effect.BUILD, Effect.ROLL_OUT, Effect.IN_PLACE})
"""What hands variables to processes."""


def check_secrets(changes: Iterable[Change], schema_of: Callable[[str], ProviderSchema], base: Path) -> None:
    """See that no change of a run would fail for want of a secret.

    Args:
        changes: of the run.
        schema_of: facts about a provider, by its name.
        base: the project's folder; relative paths of secret files start there.

    Raises:
        DiagnosticError: some are missing. All of them are told at once.
    """
    starting = [change for change in changes if change.planned and change.effect in _STARTING]
    problems = [found for change in starting for found in _missing(change, schema_of, base)]
    if problems:
        raise DiagnosticError(*problems)


def _missing(
    change: Change, schema_of: Callable[[str], ProviderSchema], base: Path
) -> tuple[Diagnostic, ...]:
    variables = environment_of(change.planned or {})
    secrets = {name: value for name, value in variables.items() if isinstance(value, SecretValue)}
    usable = schema_of(change.provider).secrets if secrets else frozenset[str]()
    if not usable:  # a platform that starts no processes
        return ()
    if "secret" in usable:  # what lies there, the platform looks up itself
        secrets = {name: value for name, value in secrets.items() if value.value_from.secret is None}
    try:
        resolve_environment(secrets, address=change.address, base=base)
    except ProviderError as error:
        return error.diagnostics
    return ()

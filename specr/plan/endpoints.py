"""Where callers reach a deployment, and what a roll-out does to that. Pure.

Two things are called `endpoint`: the argument, which may ask for a port, and the attribute, which
is the URL. Only here do they meet in one list of differences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from specr.plan.desired import Desired, fixed_port
from specr.plan.diff import changed_keys
from specr.plan.model import Difference
from specr.plan.observed import ProviderSchema
from specr.state.model import RecordedObject

_ENDPOINT: Final = "endpoint"


def known_endpoint(desired: Desired, schema: ProviderSchema) -> str | None:
    """Where a deployment will be reached, if that is known before it is."""
    port = fixed_port(desired.arguments)
    if port is None or not schema.fixed_endpoint or not desired.arguments.get("replicas"):
        return None
    return schema.fixed_endpoint.replace("{port}", str(port))


def endpoint_moves(desired: Desired, recorded: RecordedObject, schema: ProviderSchema) -> bool:
    """Whether a deployment that callers may know will be reached at another address."""
    if not recorded.attributes.get(_ENDPOINT):
        return False
    if desired.provider != recorded.provider:
        return True
    port = fixed_port(desired.arguments)
    return schema.moves_endpoint and (port is None or port != fixed_port(recorded.arguments))


def costs_a_gap(desired: Desired, recorded: RecordedObject, schema: ProviderSchema) -> bool:
    """Whether a roll-out can't be made without a gap, at an address that stays."""
    port = fixed_port(desired.arguments)
    same_port = port is not None and port == fixed_port(recorded.arguments)
    changed = changed_keys(desired.arguments, recorded.arguments)
    return bool(changed & schema.interrupting) or (schema.gap_on_fixed_port and same_port)


def with_move(
    differences: Iterable[Difference], recorded: RecordedObject, endpoint: str | None
) -> tuple[Difference, ...]:
    """The differences, and that the URL becomes another; `endpoint` is None if it is not known yet."""
    move = Difference((_ENDPOINT,), recorded.attributes.get(_ENDPOINT), endpoint, unknown=endpoint is None)
    return (*_spelled_out(differences), move)


def _spelled_out(differences: Iterable[Difference]) -> Iterator[Difference]:
    """The same differences, with nothing left at the path of the attribute.

    A port that comes or goes is told by its own path. That the URL has drifted is not told beside
    the one that it will have.
    """
    for difference in differences:
        if difference.path != (_ENDPOINT,):
            yield difference
            continue
        before, after = _argument(difference.prior), _argument(difference.planned)
        for key in sorted(before.keys() | after.keys()):
            yield Difference((_ENDPOINT, key), before.get(key), after.get(key))


def _argument(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}

"""Two versions of a project's specs compared by meaning, without state, credentials or bytes.

Tells what is added, removed and changed, and which deployments that reaches, since their
version, their route or what they run with changes. Pure; the result is JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from specr.address import Address
from specr.canonical import JsonObject, digest_of
from specr.diagnostics import sorted_diagnostics
from specr.graph import Graph, ancestors
from specr.plan.codec import encode_difference
from specr.plan.desired import Desired
from specr.plan.diff import diff_arguments
from specr.plan.expand import Expander, Expansion
from specr.render.diagnostic_json import encode_diagnostic
from specr.render.text import encodable
from specr.spec.model import Specs

_BYTES: Final = frozenset({"source", "digest"})
"""Arguments of an artifact whose change means other bytes."""


def expand_alone(specs: Specs) -> Expansion:
    """What the specs ask for, as far as they alone can tell."""
    return Expander(specs.resources, specs.project, {}, {}, lambda _build, _effect: None).expand()


def compare_specs(before: Specs, after: Specs) -> dict[str, Any]:
    """The JSON form of what differs.

    `changes` by address, `affected` deployments that were not changed themselves, and the
    `problems` that stand against planning the specs after.
    """
    old, new = expand_alone(before), expand_alone(after)
    changes = list(_changes(before, after, old.desired, new.desired))
    changed = {change["address"] for change in changes}
    graph = _joined(old.desired, new.desired)
    affected = [
        found
        for address in sorted(new.desired.keys() & old.desired.keys())
        if address.kind == "deployment" and str(address) not in changed
        for found in _affected(address, old.desired, new.desired, graph, changes)
    ]
    kinds = [change["change"] for change in changes]
    return {
        "changes": changes,
        "affected": affected,
        "problems": [
            encode_diagnostic(d) for d in sorted_diagnostics(after.locate(d) for d in new.diagnostics)
        ],
        "summary": {
            **{kind: kinds.count(kind) for kind in ("added", "removed", "changed")},
            "affected": len(affected),
        },
    }


def _changes(
    before: Specs, after: Specs, old: Mapping[Address, Desired], new: Mapping[Address, Desired]
) -> Iterator[dict[str, Any]]:
    project = (after if after.project.address in after.documents else before).project.address
    left, right = _arguments(before, project), _arguments(after, project)
    for address in sorted(left.keys() | right.keys()):
        prior, planned = left.get(address), right.get(address)
        if prior is not None and planned is not None and digest_of(prior) == digest_of(planned):
            continue
        if address.kind == "deployment" and address in old and address in new:
            prior, planned = old[address].arguments, new[address].arguments
        origin = (after if planned is not None else before).origins.get(address)
        yield {
            "address": str(address),
            "change": "added" if prior is None else "removed" if planned is None else "changed",
            "file": encodable(origin.file) if origin else "",
            "pack": origin.pack if origin else "",
            "prior": None if prior is None else dict(prior),
            "planned": None if planned is None else dict(planned),
            "differences": _differences(prior, planned),
        }


def _arguments(specs: Specs, project: Address) -> dict[Address, JsonObject]:
    """Arguments by address; those of the Project at the address given, whatever its name was."""
    found: dict[Address, JsonObject] = {a: resource.arguments() for a, resource in specs.resources.items()}
    settings = specs.project.arguments()
    if settings:
        found[project] = settings
    return found


def _differences(prior: JsonObject | None, planned: JsonObject | None) -> list[dict[str, Any]]:
    """Leaf by leaf, without values that only apply can tell."""
    if prior is None or planned is None:
        return []
    return [encode_difference(d) for d in diff_arguments(prior, planned) if not d.unknown]


def _joined(old: Mapping[Address, Desired], new: Mapping[Address, Desired]) -> Graph:
    """What each object needs, before or after."""
    return {
        address: tuple(need for side in (old, new) if address in side for need in side[address].dependencies)
        for address in old.keys() | new.keys()
    }


def _affected(
    address: Address,
    old: Mapping[Address, Desired],
    new: Mapping[Address, Desired],
    graph: Graph,
    changes: list[dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    upstream = {str(a) for a in ancestors(graph, [address])}
    because = [change for change in changes if change["address"] in upstream]
    differences = _differences(old[address].arguments, new[address].arguments)
    anew = old[address].effect != new[address].effect
    if differences or anew:
        certainty = "yes" if anew else "no"
    elif any(_changes_bytes(change) for change in because):
        certainty = "maybe"
    else:
        return
    yield {
        "address": str(address),
        "because": [change["address"] for change in because],
        "rollOut": certainty,
        "differences": differences,
    }


def _changes_bytes(change: JsonObject) -> bool:
    """Whether a change of an artifact may mean other bytes."""
    return change["address"].startswith("artifact/") and any(
        difference["path"][0] in _BYTES for difference in change["differences"]
    )

"""Fetching: bring an artifact's bytes into the store, and read what it says of itself."""

from __future__ import annotations

from specr.apply.intent import recorded_as
from specr.apply.means import Task
from specr.canonical import Json
from specr.plan.unknown import fill_placeholders
from specr.state.model import RecordedObject


def fetch_artifact(task: Task) -> RecordedObject:
    """Bring the bytes that the plan means into the store.

    Raises:
        DiagnosticError: they can't be fetched, or are not those that the plan means.
    """
    change, means = task.change, task.means
    assert change.planned is not None
    planned = change.planned
    reference = planned.get("resolved") or planned["source"]
    expected = planned["digest"] if isinstance(planned["digest"], str) else None
    store = means.store()
    source = means.source(reference)
    resolved = source.resolve(reference, means.base)
    task.desk.tell("fetch", resolved.described or reference)
    with store.staging() as staging:
        content = source.fetch(resolved, reference, staging / "content")
        stored = store.add(content, expected=expected, move=content.is_relative_to(staging))
    facts = means.read(planned["type"], store.path(stored.digest))
    attributes: dict[str, Json] = {"digest": stored.digest, "size": stored.size}
    if resolved.identity:
        attributes["identity"] = resolved.identity
    if resolved.origin:
        attributes["origin"] = resolved.origin
    if facts is not None:
        attributes["metadata"] = facts.metadata
        if facts.schema is not None:
            attributes["schema"] = facts.schema.dump()
    arguments = fill_placeholders(planned, lambda _, name: attributes[name])
    return recorded_as(change, arguments, attributes)

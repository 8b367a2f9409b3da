"""Which of several differences is told as the cause: one that makes the effect what it is."""

from __future__ import annotations

from typing import Any

import pytest

from specr.address import parse_address
from specr.diagnostics import Path
from specr.plan.causes import cause_of, decisive_arguments
from specr.plan.changes import effect_of_change
from specr.plan.desired import Desired, effect_of
from specr.plan.diff import diff_arguments
from specr.plan.model import Effect, Reason
from specr.plan.observed import ProviderSchema
from specr.state.model import RecordedObject

API, MODEL = parse_address("deployment/api"), parse_address("model/m")
LOCAL = ProviderSchema(in_place=frozenset({"replicas"}))
BEFORE: dict[str, Any] = {
    "model": "m",
    "alias": "champion",
    "version": 1,
    "experiment": "e",
    "modelId": "m-v1",
    "modelDigest": "sha256:1",
    "runtime": {"name": "r", "image": "i", "env": {"A": "1", "B": "1"}, "readiness": {"path": "/readyz"}},
    "provider": "local",
    "replicas": 2,
    "env": {"A": "1", "B": "1"},
    "schema": {"input": [], "output": []},
    "schemaFrom": "artifact",
    "verify": [{"row": {"x": 1}, "expect": {"y": 1}}],
    "protect": True,
}
RUNTIME = BEFORE["runtime"]
SCHEMA = {"input": [], "output": [{"name": "y", "type": "Float64"}]}
SECOND = {"version": 2, "experiment": "e2", "modelId": "m-v2", "modelDigest": "sha256:2"}


@pytest.mark.parametrize(
    ("changes", "effect", "path"),
    [
        ({"replicas": 1, "protect": False, "verify": []}, Effect.IN_PLACE, ("replicas",)),
        ({"protect": False, "verify": []}, Effect.VERIFY, ("verify", 0)),
        ({"protect": False, "labels": {"a": "b"}}, Effect.RECORD, ()),
        ({"env": {"A": "2", "B": "1"}, "protect": False}, Effect.ROLL_OUT, ("env", "A")),
        ({"env": {"A": "2", "B": "2"}, "protect": False}, Effect.ROLL_OUT, ("env",)),
        ({"env": {"A": "2"}, "resources": {}, "protect": False}, Effect.ROLL_OUT, ()),
        ({"alias": "best", "env": {"A": "2", "B": "1"}}, Effect.ROLL_OUT, ("env", "A")),
        ({"alias": "best", **SECOND, "env": {}}, Effect.ROLL_OUT, ("version",)),
        ({"schema": SCHEMA, "schemaFrom": "experiment"}, Effect.ROLL_OUT, ("schema", "output", 0)),
        (
            {"runtime": {**RUNTIME, "env": {"A": "2", "B": "2"}}, "verify": []},
            Effect.ROLL_OUT,
            ("runtime", "env"),
        ),
    ],
)
def test_the_cause_is_what_makes_the_effect(changes: dict[str, Any], effect: Effect, path: Path) -> None:
    after = {**BEFORE, **changes}
    desired = Desired(
        API, after, "", effect_of(API, after, LOCAL), provider="local", upstream={"version": MODEL}
    )
    recorded = RecordedObject(API, BEFORE, {}, "", provider="local", token="t")
    assert effect_of_change(desired, recorded, LOCAL) is effect
    differences = diff_arguments(BEFORE, after)
    cause = cause_of(desired, differences, decisive_arguments(desired, recorded, effect, LOCAL))
    assert cause.path == path
    assert cause.upstream == (MODEL if path == ("version",) else None)
    assert cause.reason is (Reason.UPSTREAM if cause.upstream else Reason.ARGUMENTS)

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from specr.diagnostics import DiagnosticError
from specr.plan.codec import decode_plan, encode_plan, plan_digest, plan_from_text, plan_to_text
from specr.plan.model import Plan
from tests.properties.plans import plans, values


def without_noops(plan: Plan) -> Plan:
    noops = len(plan.changes) - len(plan.steps)
    return replace(plan, changes=plan.steps, unchanged=max(plan.unchanged, noops))


@given(plans)
def test_every_plan_survives_a_round_trip(plan: Plan) -> None:
    again = plan_from_text(plan_to_text(plan))
    assert again == without_noops(plan)
    assert plan_to_text(again) == plan_to_text(plan)
    assert plan_digest(again) == plan_digest(plan)


@given(plans)
def test_the_summary_counts_the_listed_steps(plan: Plan) -> None:
    data = encode_plan(plan)
    listed = [change["action"] for change in data["changes"]]
    summary = dict(data["summary"])
    assert summary.pop("noop") == data["unchanged"]
    assert summary == {action: listed.count(action) for action in summary}
    assert "noop" not in listed


@given(plans, st.data())
def test_an_edited_plan_is_refused(plan: Plan, data: st.DataObject) -> None:
    encoded = encode_plan(plan)
    key = data.draw(st.sampled_from(sorted(encoded)))
    value = data.draw(values)
    if json.dumps(value) == json.dumps(encoded[key]):
        return
    with pytest.raises(DiagnosticError):
        decode_plan(encoded | {key: value})


@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(DiagnosticError):
        plan_from_text(content)

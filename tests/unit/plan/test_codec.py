from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

import specr
from specr.address import Address
from specr.canonical import decode_json, digest_of, encode_pretty
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.plan.codec import decode_plan, encode_plan, plan_digest, plan_from_text, plan_to_text
from specr.plan.model import Action, Cause, Change, Difference, Drift, Effect, Plan, Reason
from specr.plan.schema import plan_schema_text
from specr.plan.unknown import placeholder
from specr.state.model import ObjectRef

FRAUD = Address("deployment", "fraud")
BUILD = Address("build", "fraud.skops")
ROOT = Path(__file__).parents[3]


def sample_plan() -> Plan:
    build = Change(
        address=BUILD,
        action=Action.CREATE,
        effect=Effect.BUILD,
        cause=Cause(Reason.NOT_RECORDED),
        planned={"source": "sha256:" + "a" * 64, "command": ["convert"]},
        unknown=(("digest",), ("size",)),
        provider="local",
        token="b1",
    )
    deployment = Change(
        address=FRAUD,
        action=Action.UPDATE,
        effect=Effect.ROLL_OUT,
        cause=Cause(Reason.UPSTREAM, ("build",), BUILD),
        prior={"version": 1, "env": {"TOKEN": {"valueFrom": {"env": "TOKEN"}}}},
        planned={"version": 2, "build": placeholder(BUILD, "digest")},
        differences=(
            Difference(("version",), 1, 2),
            Difference(("build",), "sha256:" + "0" * 64, None, unknown=True),
        ),
        unknown=(("build",), ("endpoint",)),
        dependencies=(BUILD,),
        after=(BUILD,),
        provider="local",
        token="d2",
        discard=(ObjectRef(FRAUD, "local", "d1", {"pid": 12}),),
        basis="sha256:" + "1" * 64,
        interrupts=True,
    )
    kept = Change(Address("model", "fraud"), Action.NOOP, Effect.NONE, Cause(Reason.UNCHANGED))
    return Plan(
        operation="apply",
        lineage="l-1",
        serial=7,
        spec_digest="sha256:" + "2" * 64,
        changes=(kept, build, deployment),
        drift=(
            Drift(FRAUD, "process 12 is gone", (Difference(("pid",), 12, None),), healed=True),
            Drift(FRAUD, "process 13 gave no answer", silent=True),
        ),
        targets=(FRAUD,),
        unchanged=3,
    )


def refusal(data: Any) -> Diagnostic:
    with pytest.raises(DiagnosticError) as caught:
        decode_plan(data, origin="fraud.plan")
    (found,) = caught.value.diagnostics
    return found


def resealed(data: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in data.items() if key != "digest"}
    return rest | {"digest": digest_of(rest)}


def test_noops_are_left_out_and_counted() -> None:
    data = encode_plan(sample_plan())
    assert [change["address"] for change in data["changes"]] == ["build/fraud.skops", "deployment/fraud"]
    assert data["unchanged"] == 3
    assert data["summary"] == {
        "noop": 3,
        "create": 1,
        "update": 1,
        "replace": 0,
        "delete": 0,
        "forget": 0,
    }


def test_noops_that_nobody_counted_are_counted() -> None:
    assert encode_plan(replace(sample_plan(), unchanged=0))["unchanged"] == 1


def test_the_digest_covers_the_canonical_rest() -> None:
    data = encode_plan(sample_plan())
    rest = {key: value for key, value in data.items() if key != "digest"}
    assert data["digest"] == digest_of(rest) == plan_digest(sample_plan())


def test_the_text_comes_back() -> None:
    again = plan_from_text(plan_to_text(sample_plan()))
    assert again.steps == sample_plan().steps
    assert again.drift == sample_plan().drift
    assert again.targets == (FRAUD,)
    assert again.unchanged == 3


def test_text_that_is_no_json_is_no_plan() -> None:
    with pytest.raises(DiagnosticError) as caught:
        plan_from_text(b"PK\x03\x04 zipped", origin="fraud.plan")
    (found,) = caught.value.diagnostics
    assert found.summary == "Not a saved plan"
    assert "fraud.plan is not JSON" in found.detail
    assert "specr plan --out" in found.remedy


@pytest.mark.parametrize("data", [[], 1, None, {}, {"format": 1}, {"format": "1", "specDigest": ""}])
def test_foreign_json_is_no_plan(data: Any) -> None:
    assert refusal(data).summary == "Not a saved plan"


def test_a_newer_format_is_refused_before_anything_else_is_looked_at() -> None:
    found = refusal({"format": 2, "specrVersion": "3.0.0", "specDigest": "", "other": "shape"})
    assert found.summary == "Saved plan of a newer format"
    assert "format 2, written by specr 3.0.0" in found.detail


def test_an_edit_is_found_by_the_digest() -> None:
    data = encode_plan(sample_plan())
    data["changes"][1]["planned"]["version"] = 3
    found = refusal(data)
    assert found.summary == "Damaged plan"
    assert "edited or cut short" in found.detail


def test_values_too_deep_to_check_are_refused() -> None:
    deep: Any = []
    for _ in range(500):
        deep = [deep]
    assert refusal({"format": 1, "specDigest": "", "changes": deep}).summary == "Damaged plan"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("operation",), "import", 'at operation, expected one of apply, destroy, found "import"'),
        (("serial",), -1, "at serial, expected an integer from 0, found -1"),
        (("serial",), True, "at serial, expected an integer from 0, found true"),
        (("targets",), {}, "at targets, expected a list, found an object"),
        (("targets",), ["x"], 'at targets[0], expected an address, found "x"'),
        (("changes", 0), [], "at changes[0], expected an object, found a list"),
        (("changes", 0, "action"), "noop", "at changes[0].action, expected one of create, delete, forget"),
        (("changes", 0, "effect"), None, "at changes[0].effect, expected a string, found null"),
        (("changes", 0, "planned"), "x" * 99, 'at changes[0].planned, expected an object, found "xxx'),
        (("changes", 1, "interrupts"), 1, "at changes[1].interrupts, expected true or false, found 1"),
        (("changes", 1, "unknown"), [[1.5]], "at changes[1].unknown[0][0], expected a key or a position"),
        (("changes", 1, "colour"), 1, "at changes[1], there is an unknown field 'colour'"),
        (("changes", 1, "address"), "build/fraud.skops", "at changes[1], build/fraud.skops comes twice"),
        (("summary", "create"), 2, "at summary, it does not count the changes"),
    ],
)
def test_a_plan_of_the_wrong_shape_is_refused_by_name(path: Any, value: Any, told: str) -> None:
    data = encode_plan(sample_plan())
    place: Any = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    found = refusal(resealed(data))
    assert found.summary == "Damaged plan"
    assert found.detail.startswith("fraud.plan can't be carried out: ")
    assert told in found.detail


def test_a_missing_field_is_named() -> None:
    data = encode_plan(sample_plan())
    del data["changes"][1]["token"]
    assert "at changes[1], the field 'token' is missing" in refusal(resealed(data)).detail
    del data["lineage"]
    assert "at the top, the field 'lineage' is missing" in refusal(resealed(data)).detail


def test_the_schema_fits_what_is_written() -> None:
    schema = decode_json(plan_schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(encode_plan(sample_plan()))


@pytest.mark.parametrize(
    ("enum", "place"),
    [
        (Action, ("change", "action")),
        (Effect, ("change", "effect")),
        (Reason, ("cause", "reason")),
    ],
)
def test_the_schema_lists_what_there_is(enum: type[Enum], place: tuple[str, str]) -> None:
    definition, key = place
    listed = decode_json(plan_schema_text())["$defs"][definition]["properties"][key]["enum"]
    assert set(listed) == {member.value for member in enum} - {"noop"}


def test_the_documentation_names_every_field_and_value() -> None:
    text = (ROOT / "docs/plan-format.md").read_text()
    schema = decode_json(plan_schema_text())
    names = set(schema["properties"])
    for definition in schema["$defs"].values():
        names |= set(definition.get("properties", {}))
    names |= {member.value for enum in (Action, Effect, Reason) for member in enum}
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_the_version_is_that_of_the_package() -> None:
    declared = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert declared is not None
    assert specr.__version__ == declared[1]


def test_the_text_is_for_people_too() -> None:
    text = plan_to_text(sample_plan())
    assert text == encode_pretty(encode_plan(sample_plan()))
    assert text.endswith("}\n")

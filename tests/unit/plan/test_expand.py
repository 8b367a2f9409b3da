"""Fingerprints: same content, same print; any change of meaning, another."""

from __future__ import annotations

from typing import Any

import pytest

from specr.address import Address, parse_address
from specr.diagnostics import Diagnostic, Severity
from specr.plan.desired import Desired
from specr.plan.expand import Expander
from specr.plan.observed import ProviderSchema, SourceFacts
from specr.plan.unknown import is_placeholder
from specr.resources.base import Resource
from specr.resources.catalog import KINDS
from specr.resources.convert import convert
from specr.resources.project import Project

API, BUILD, ARTIFACT = map(parse_address, ("deployment/api", "build/bytes.unpack", "artifact/bytes"))
SCHEMA = {"input": [{"name": "x", "type": "Float64"}], "output": [{"name": "y", "type": "Float64"}]}
FACTS = SourceFacts("sha256:" + "1" * 64, "m", schema=SCHEMA, is_read=True)

SPECS: dict[str, dict[str, Any]] = {
    "Experiment": {"name": "e"},
    "Artifact": {"name": "bytes", "experiment": "e", "type": "t", "source": "m"},
    "ArtifactType": {"name": "t", "artifactType": "t"},
    "ModelType": {"name": "mt"},
    "Processor": {"name": "unpack", "artifactType": "t", "modelType": "mt", "command": ["unpack"]},
    "Runtime": {"name": "serve", "modelType": "mt", "command": ["serve"], "env": {"A": "1"}},
    "Model": {"name": "m", "versions": {1: "e"}, "aliases": {"best": 1}},
    "Deployment": {"name": "api", "model": "m", "alias": "best"},
}


def expand(
    facts: SourceFacts = FACTS, output: str | None = "sha256:out", **changes: Any
) -> dict[Address, Desired]:
    resources: dict[Address, Resource] = {}
    for kind, spec in SPECS.items():
        resource = convert({**spec, **changes.get(kind, {})}, KINDS[kind])
        resources[resource.address] = resource
    expander = Expander(
        resources,
        Project(name="p", default_provider="memory"),
        {ARTIFACT: facts},
        {"memory": ProviderSchema(in_place=frozenset({"replicas"}))},
        lambda address, effect: output,
    )
    expansion = expander.expand()
    assert not [d for d in expansion.diagnostics if d.is_error], expansion.diagnostics
    return dict(expansion.desired)


BEFORE = expand()

CHANGES: list[tuple[dict[str, dict[str, Any]], bool, bool]] = [
    # what changes, does it change the build's effect, does it change the deployment's
    ({"Processor": {"command": ["unpack", "-v"]}}, True, False),
    ({"Processor": {"env": {"A": "2"}}}, True, False),
    ({"Processor": {"image": "p:2"}}, True, False),
    ({"Processor": {"resources": {"limits": {"memory": "1Gi"}}}}, True, False),
    ({"Processor": {"timeout": 10}}, False, False),
    ({"Processor": {"labels": {"a": "b"}}}, False, False),
    ({"Runtime": {"command": ["serve", "-v"]}}, False, True),
    ({"Runtime": {"env": {"A": "2"}}}, False, True),
    ({"Runtime": {"image": "r:2"}}, False, True),
    ({"Runtime": {"resources": {"limits": {"memory": "1Gi"}}}}, False, True),
    ({"Runtime": {"readiness": {"path": "/health"}}}, False, True),
    ({"Runtime": {"readiness": {"timeout": 10}}}, False, False),
    ({"Deployment": {"env": {"A": "2"}}}, False, True),
    ({"Deployment": {"endpoint": {"port": 4000}}}, False, True),
    ({"Deployment": {"replicas": 2}}, False, False),
    ({"Deployment": {"protect": True}}, False, False),
    ({"Deployment": {"verify": [{"row": {"x": 1}, "expect": {"y": 1}}]}}, False, False),
    ({"Deployment": {"annotations": {"note": "hello"}}}, False, False),
    ({"Experiment": {"metadata": {"note": "hello"}}}, False, False),
]


@pytest.mark.parametrize(("changes", "builds", "deploys"), CHANGES)
def test_an_effect_changes_with_what_it_depends_on_and_nothing_else(
    changes: dict[str, Any], builds: bool, deploys: bool
) -> None:
    after = expand(**changes)
    assert (after[BUILD].effect != BEFORE[BUILD].effect) is builds
    assert (after[API].effect != BEFORE[API].effect) is deploys
    assert {a: d.fingerprint for a, d in after.items()} != {a: d.fingerprint for a, d in BEFORE.items()}


def test_other_bytes_change_the_build_and_another_output_the_deployment() -> None:
    assert (
        expand(SourceFacts("sha256:" + "2" * 64, "m", schema=SCHEMA, is_read=True))[BUILD].effect
        != BEFORE[BUILD].effect
    )
    assert expand(output="sha256:other")[API].effect != BEFORE[API].effect


def test_what_is_not_known_yet_is_a_placeholder() -> None:
    desired = expand(SourceFacts(None, "http://host/m"), output=None)
    assert is_placeholder(desired[ARTIFACT].arguments["digest"])
    assert is_placeholder(desired[BUILD].arguments["source"])
    assert is_placeholder(desired[API].arguments["modelDigest"])
    assert is_placeholder(desired[API].arguments["schema"])


def test_where_arguments_come_from_is_known() -> None:
    upstream = BEFORE[API].upstream
    assert upstream["modelDigest"] == BUILD
    assert upstream["runtime"] == parse_address("runtime/serve")
    assert upstream["version"] == parse_address("model/m")
    assert "version" not in expand(Deployment={"alias": None, "version": 1})[API].upstream


def test_a_deployment_depends_on_all_that_it_was_made_of() -> None:
    assert set(map(str, BEFORE[API].dependencies)) == {
        "model/m",
        "experiment/e",
        "artifact/bytes",
        "build/bytes.unpack",
        "runtime/serve",
    }


def test_a_build_at_another_provider_than_the_default_is_another_build() -> None:
    assert parse_address("build/bytes.unpack[docker]") in expand(Deployment={"provider": "docker"})


def problems(facts: SourceFacts, **changes: dict[str, Any]) -> list[str]:
    resources = {
        r.address: r for r in (convert({**s, **changes.get(k, {})}, KINDS[k]) for k, s in SPECS.items())
    }
    expander = Expander(resources, Project(name="p"), {ARTIFACT: facts}, {}, lambda a, e: None)
    return [d.summary for d in expander.expand().diagnostics]


def test_an_unknown_schema_is_an_error_once_it_is_known_to_be_unknown() -> None:
    assert problems(SourceFacts("sha256:" + "1" * 64, "m", is_read=True)) == ["Unknown model schema"]
    assert problems(SourceFacts(None, "http://host/m")) == []


def test_a_pin_that_does_not_hold_is_an_error() -> None:
    pin = "sha256:" + "2" * 64
    assert problems(FACTS, Artifact={"digest": pin}) == ["Artifact differs from its pin"]


def test_a_declared_schema_that_differs_is_a_warning() -> None:
    other = {"input": [{"name": "z", "type": "String"}], "output": []}
    assert problems(FACTS, Experiment={"schema": other}) == [
        "Declared schema differs from the artifact's own"
    ]


SCORED = SourceFacts(
    "sha256:" + "1" * 64,
    "m",
    schema={**SCHEMA, "output": [{"name": "score", "type": "Float64"}]},
    is_read=True,
)


def golden_findings(
    row: dict[str, Any], expect: dict[str, Any], facts: SourceFacts = SCORED
) -> tuple[Diagnostic, ...]:
    """What is found where the deployment has this golden row."""
    verify = {"verify": [{"row": row, "expect": expect}]}
    declared = (convert({**s, **verify} if k == "Deployment" else s, KINDS[k]) for k, s in SPECS.items())
    resources = {r.address: r for r in declared}
    return (
        Expander(resources, Project(name="p"), {ARTIFACT: facts}, {}, lambda a, e: None).expand().diagnostics
    )


@pytest.mark.parametrize(
    ("row", "remedy"), [({"X": 1}, "The row has 'X': is 'x' meant?"), ({"q": 1}, "Give the row all of: x.")]
)
def test_a_golden_row_that_lacks_a_column_is_an_error_at_plan(row: dict[str, Any], remedy: str) -> None:
    found, *others = golden_findings(row, {"y": 1})
    assert found.summary == "Golden row lacks an input column"
    assert found.path == ("spec", "verify", 0, "row")
    assert [other.path[-1] for other in others] == [name for name in row if name == "q"]
    assert found.remedy == remedy


@pytest.mark.parametrize("cell", ["long", "1,5", True, [1], {"a": 1}])
def test_a_golden_cell_that_is_no_number_is_an_error_at_plan(cell: Any) -> None:
    (found,) = golden_findings({"x": cell}, {"y": 1})
    assert found.summary == "Golden row has a cell of another type"
    assert found.path == ("spec", "verify", 0, "row", "x")
    assert "Float64" in found.detail


@pytest.mark.parametrize("cell", [1, 1.5, "1.5", " 2 ", "1e3", None, "", "NaN", "NaT"])
def test_golden_cells_that_a_scorer_takes_for_numbers_are_left_alone(cell: Any) -> None:
    assert golden_findings({"x": cell}, {"y": 1}) == ()


def typed(kind: str) -> SourceFacts:
    """What is known of an artifact whose columns are all of one type."""
    columns = {"input": [{"name": "x", "type": kind}], "output": [{"name": "y", "type": kind}]}
    return SourceFacts("sha256:" + "1" * 64, "m", schema=columns, is_read=True)


@pytest.mark.parametrize(
    ("kind", "cell", "fault", "is_error"),
    [
        ("Int64", 3.5, "is not a whole number", True),
        ("Int32", "2147483648", "is out of the range of Int32", True),
        ("Float32", 1e39, "is out of the range of Float32", True),
        ("Boolean", "yes", "is not a boolean", False),
        ("Time64", "yesterday", "is not a time", False),
        ("Time64", "2021-02-30", "is not a date of the calendar", False),
    ],
)
def test_a_golden_cell_is_read_by_its_columns_type(kind: str, cell: Any, fault: str, is_error: bool) -> None:
    (found,) = golden_findings({"x": cell}, {"q": 1}, typed(kind))
    assert found.detail.endswith(f"for 'x', which is a column of type {kind}: the cell {fault}.")
    assert (found.path, found.is_error) == (("spec", "verify", 0, "row", "x"), is_error)
    assert "null" in found.remedy


@pytest.mark.parametrize(
    ("kind", "expected"), [("Float64", "abc"), ("Int64", [1]), ("Int32", {"a": 1}), ("Boolean", "yes")]
)
def test_an_expectation_that_no_answer_can_meet_is_an_error_at_plan(kind: str, expected: Any) -> None:
    (found,) = golden_findings({"x": 1}, {"y": expected}, typed(kind))
    assert found.summary == "Golden row expects a value of another type"
    assert (found.path, found.is_error) == (("spec", "verify", 0, "expect", "y"), True)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Float64", None),
        ("Int32", "1.0"),
        ("Int64", True),
        ("Boolean", 1),
        ("String", 5),
        ("Time64", "31.1.2021"),
    ],
)
def test_expectations_that_an_answer_may_meet_are_left_alone(kind: str, expected: Any) -> None:
    assert golden_findings({"x": None}, {"y": expected}, typed(kind)) == ()


def test_a_golden_cell_for_no_input_column_is_a_warning_at_its_name() -> None:
    (found,) = golden_findings({"x": 1, "zip": 1}, {"y": 1})
    assert found.summary == "Golden row has a cell for no input column"
    assert found.severity is Severity.WARNING
    assert (found.path, found.at_key) == (("spec", "verify", 0, "row", "zip"), True)
    assert found.remedy == "Correct the column's name, or remove it."


def test_a_misspelt_expectation_is_a_warning_and_an_unknown_one_is_left_to_the_scorer() -> None:
    assert golden_findings({"x": 1}, {"probability_y": 1}) == ()
    (found,) = golden_findings({"x": 1}, {"scor": 1})
    assert found.severity is Severity.WARNING
    assert found.remedy == "Did you mean score?"
    assert (found.path[-1], found.at_key) == ("scor", True)

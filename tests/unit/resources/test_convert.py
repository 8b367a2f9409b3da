"""The two readers of parts: what the fast one takes, the exact one takes for the same."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given

from specr.resources.base import Part
from specr.resources.catalog import KINDS
from specr.resources.columns import Column
from specr.resources.compute import Compute
from specr.resources.convert import MismatchError, convert, read
from specr.resources.deployment import Deployment
from specr.resources.exact import convert_exactly, exact_model
from specr.resources.model import LAST_VERSION, Model
from specr.resources.project import Project, TypedSettings
from tests.unit.spec.documents import FULL, document_values


def exactly(data: Any, kind: type[Part]) -> Part | None:
    try:
        return convert_exactly(data, kind)
    except MismatchError as error:
        details = error.details
    assert details
    assert all(found["type"] != "unfit" for found in details), details
    return None


@given(document_values())
def test_what_the_fast_reader_takes_is_what_the_exact_one_takes(value: Any) -> None:
    kind = KINDS.get(str(value.get("kind"))) if isinstance(value, dict) else None
    if kind is None or not isinstance(value.get("spec"), dict) or not isinstance(value.get("metadata"), dict):
        return
    data = {**value["metadata"], **value["spec"]}
    try:
        found = read(data, kind)
    except msgspec.ValidationError:
        found = None
    exact = exactly(data, kind)
    if found is not None:
        assert exact == found
    if exact is not None:
        assert convert(data, kind) == exact
        assert convert({"name": exact.name, **exact.arguments()}, kind) == exact


@pytest.mark.parametrize("kind", KINDS)
def test_documents_without_faults_need_no_exact_reader(kind: str) -> None:
    assert read({"name": "n", **FULL[kind]}, KINDS[kind]) == exactly({"name": "n", **FULL[kind]}, KINDS[kind])


@pytest.mark.parametrize("name", ["a\n", "", "A", "-a", "a-", "a" * 64, "é"])
def test_bad_names_are_refused_by_both(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        read({"name": name, "model": "m"}, Deployment)
    assert exactly({"name": name, "model": "m"}, Deployment) is None


def test_versions_are_numbers_however_they_are_written() -> None:
    assert convert({"name": "m", "versions": {"01": "a", 2: "b", "3": "c"}}, Model).versions == {
        1: "a",
        2: "b",
        3: "c",
    }


@pytest.mark.parametrize(
    ("number", "fits"),
    [
        ("1", True),
        (str(LAST_VERSION), True),
        (LAST_VERSION + 1, False),
        (str(2**64), False),
        ("9" * 5000, False),
    ],
)
def test_versions_beyond_the_last_are_refused_by_both(number: str | int, *, fits: bool) -> None:
    data = {"name": "m", "versions": {number: "a"}}
    assert (exactly(data, Model) is not None) == fits
    if fits:
        assert read(data, Model) == exactly(data, Model)
    else:
        with pytest.raises(msgspec.ValidationError):
            read(data, Model)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(MismatchError) as raised:
        convert({"name": "n", "replicas": "3", "portt": 1, "verify": [{"row": {}}]}, Deployment)
    assert {found["loc"] for found in raised.value.details} == {
        ("model",),
        ("replicas",),
        ("portt",),
        ("verify", 0, "expect"),
    }


def test_settings_keep_what_only_a_plugin_knows() -> None:
    project = convert({"name": "p", "backend": {"type": "s3", "self": 1, "some_key": [2]}}, Project)
    assert project.backend == TypedSettings(type="s3", self=1, some_key=[2])
    assert project.arguments() == {"backend": {"type": "s3", "self": 1, "some_key": [2]}}


def test_lists_of_parts_are_read_as_well() -> None:
    assert convert([{"name": "a", "type": "FLOAT64"}], tuple[Column, ...])[0].dump() == {
        "name": "a",
        "type": "Float64",
    }


def test_json_leaves_out_what_it_is_told_to() -> None:
    compute = convert({"limits": {"cpu": "1"}}, Compute)
    assert compute.dump() == {
        "requests": {"cpu": None, "memory": None},
        "limits": {"cpu": "1", "memory": None},
    }
    assert compute.dump(omit=frozenset({"defaults"})) == {"limits": {"cpu": "1"}}
    assert compute.dump(omit=frozenset({"none"})) == {"requests": {}, "limits": {"cpu": "1"}}


@pytest.mark.parametrize("kind", KINDS)
def test_models_are_frozen_and_say_what_the_kind_is(kind: str) -> None:
    model = exact_model(KINDS[kind])
    assert model.__doc__ == KINDS[kind].__doc__
    assert model.model_config["frozen"]


def test_a_plan_without_faults_does_not_wait_for_pydantic() -> None:
    program = "import sys, specr.workflow.workspace, specr.plan.planner; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

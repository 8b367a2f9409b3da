from __future__ import annotations

import pytest

from specr.address import Address
from specr.resources.artifact import Artifact
from specr.resources.base import Reference, Resource
from specr.resources.catalog import KINDS
from specr.resources.columns import Column, ColumnType
from specr.resources.convert import convert
from specr.resources.deployment import Deployment
from specr.resources.model import Model
from specr.resources.project import TypedSettings
from specr.resources.types import ModelType, Processor, Runtime


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (
            Artifact(name="a", experiment="e", type="t", source="s"),
            [(("spec", "experiment"), "experiment/e")],
        ),
        (ModelType(name="t"), []),
        (
            Processor(name="p", artifact_type="a", model_type="m"),
            [(("spec", "artifactType"), "artifacttype/a"), (("spec", "modelType"), "modeltype/m")],
        ),
        (Runtime(name="r", model_type="m"), [(("spec", "modelType"), "modeltype/m")]),
        (
            Model(name="m", versions={2: "b", 1: "a"}),
            [(("spec", "versions", 1), "experiment/a"), (("spec", "versions", 2), "experiment/b")],
        ),
        (
            Deployment(
                name="d", model="m", version=1, runtime="r", artifact="a", depends_on=("nope", "model/x")
            ),
            [
                (("spec", "model"), "model/m"),
                (("spec", "artifact"), "artifact/a"),
                (("spec", "runtime"), "runtime/r"),
                (("spec", "dependsOn", 1), "model/x"),
            ],
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_references_are_told_with_their_places(
    resource: Resource, expected: list[tuple[tuple[str], str]]
) -> None:
    assert [(path, str(target)) for path, target in resource.references()] == expected
    assert all(isinstance(reference, Reference) for reference in resource.references())


def test_resources_are_frozen() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        ModelType(name="t").readable_name = "x"  # type: ignore[misc]


def test_arguments_are_what_a_document_would_say() -> None:
    deployment = Deployment(
        name="d", labels={"a": "b"}, model="m", alias="champion", replicas=1, depends_on=("model/x",)
    )
    assert deployment.arguments() == {
        "labels": {"a": "b"},
        "model": "m",
        "alias": "champion",
        "dependsOn": ["model/x"],
    }


def test_the_catalogue_names_each_kind_as_its_model_does() -> None:
    assert all(kind == model.kind for kind, model in KINDS.items())
    assert Deployment(name="d", model="m").address == Address("deployment", "d")


@pytest.mark.parametrize("text", ["Int64", "int64", "INT64", "iNt64"])
def test_column_types_are_read_in_any_case(text: str) -> None:
    assert convert({"name": "a", "type": text}, Column).type is ColumnType.INT64


def test_settings_are_all_but_the_type() -> None:
    settings = convert({"type": "sqlite", "path": "x", "some_thing": {"a": 1}}, TypedSettings)
    assert settings.type == "sqlite"
    assert settings.settings() == {"path": "x", "some_thing": {"a": 1}}

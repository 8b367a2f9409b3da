from __future__ import annotations

from typing import Any

import pytest

from specr.diagnostics import Diagnostic, Severity
from specr.plan.route import Catalogue, Route, find_route, misspelt_types
from specr.resources.artifact import Artifact
from specr.resources.base import Resource
from specr.resources.deployment import Deployment
from specr.resources.types import ArtifactType, ModelType, Processor, Runtime

BASE: tuple[Resource, ...] = (
    Artifact(name="bytes", experiment="e", type="python/mlflow", source="m"),
    ArtifactType(name="mlflow", artifact_type="python/mlflow"),
    ModelType(name="pyfunc"),
    Processor(name="unpack", artifact_type="mlflow", model_type="pyfunc"),
    Runtime(name="serve", model_type="pyfunc"),
)
SECOND = Runtime(name="serve-gpu", model_type="pyfunc")


def route(resources: tuple[Resource, ...], **choices: Any) -> Route | Diagnostic:
    return find_route(Deployment(name="d", model="m", version=1, **choices), "e", Catalogue.of(resources))


def refusal(resources: tuple[Resource, ...], **choices: Any) -> Diagnostic:
    found = route(resources, **choices)
    assert isinstance(found, Diagnostic)
    return found


def test_the_only_route_is_taken() -> None:
    assert str(route(BASE)) == "artifact/bytes -> processor/unpack -> runtime/serve"


def test_two_routes_need_a_choice_and_take_it() -> None:
    refused = refusal((*BASE, SECOND))
    assert refused.summary == "Ambiguous route from artifact to runtime"
    assert "spec.runtime" in refused.remedy
    assert "runtime/serve-gpu" in refused.detail
    assert str(route((*BASE, SECOND), runtime="serve-gpu")).endswith("runtime/serve-gpu")


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("Artifact", "No Artifact belongs to it. / Declare an Artifact with `experiment: e`."),
        (
            "ArtifactType",
            (
                "It has artifact/bytes of type python/mlflow. No ArtifactType is declared. / Add the pack "
                "that knows this type to the project's `packs`, or declare an ArtifactType with "
                "`artifactType: python/mlflow`."
            ),
        ),
        (
            "Processor",
            (
                "Its artifact is taken up by artifacttype/mlflow, for which there is no Processor. / "
                "Declare a Processor with `artifactType: mlflow`."
            ),
        ),
        (
            "Runtime",
            (
                "Its artifact becomes modeltype/pyfunc, by processor/unpack. No Runtime digests that. / "
                "Declare a Runtime with `modelType: pyfunc`."
            ),
        ),
    ],
)
def test_the_place_where_the_way_ends_is_told(missing: str, told: str) -> None:
    refused = refusal(tuple(r for r in BASE if r.kind != missing))
    assert refused.summary == "No route from artifact to runtime"
    assert f"{refused.detail} / {refused.remedy}" == f"deployment/d deploys experiment/e. {told}"


def test_a_type_that_is_nearly_known_is_guessed() -> None:
    slip = Artifact(name="bytes", experiment="e", type="python/mlfow", source="m")
    refused = refusal((slip, *BASE[1:]))
    assert refused.detail.endswith(
        "It has artifact/bytes of type python/mlfow. The declared ArtifactTypes take up python/mlflow."
    )
    assert refused.remedy == "Did you mean python/mlflow?"


@pytest.mark.parametrize(
    ("kind", "deployed", "told"),
    [
        ("python/mlfow", set[str](), 1),
        ("python/MLflow", set[str](), 1),
        ("python/mlfow", {"e"}, 0),
        ("python/mlflow", set[str](), 0),
        ("python/pickle", set[str](), 0),
        ("report/html", set[str](), 0),
    ],
)
def test_a_slip_in_the_type_of_what_nothing_deploys_is_a_warning(
    kind: str, deployed: set[str], told: int
) -> None:
    artifact = Artifact(name="bytes", experiment="e", type=kind, source="m")
    found = tuple(misspelt_types(Catalogue.of((artifact, *BASE[1:])), deployed))
    assert [d.remedy for d in found] == ["Did you mean python/mlflow?"] * told
    assert all(d.severity is Severity.WARNING and d.path == ("spec", "type") for d in found)


def test_a_choice_that_is_on_no_route_lists_the_routes() -> None:
    refused = refusal(BASE, runtime="elsewhere")
    assert refused.path == ("spec", "runtime")
    assert refused.detail == (
        "deployment/d asks for runtime/elsewhere. No route has that; "
        "there is: artifact/bytes -> processor/unpack -> runtime/serve."
    )


def test_a_model_type_tells_how_to_come_by_a_runtime() -> None:
    told = ModelType(name="pyfunc", runtime_hint="Ask your vendor for its image.")
    others = tuple(r for r in BASE if r.kind not in {"Runtime", "ModelType"})
    assert refusal((*others, told)).remedy == (
        "Declare a Runtime with `modelType: pyfunc`. Ask your vendor for its image."
    )

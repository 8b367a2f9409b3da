from __future__ import annotations

from typing import Any

import pytest

from specr.diagnostics import Diagnostic
from specr.plan.route import Catalogue, Route, find_route
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
        ("Artifact", "no artifact belongs to it"),
        ("ArtifactType", "python/mlflow, but ArtifactTypes take up none"),
        ("Processor", "no Processor takes artifacttype/mlflow"),
        ("Runtime", "no Runtime digests modeltype/pyfunc"),
    ],
)
def test_the_place_where_the_way_ends_is_told(missing: str, told: str) -> None:
    refused = refusal(tuple(r for r in BASE if r.kind != missing))
    assert refused.summary == "No route from artifact to runtime"
    assert told in refused.detail
    assert refused.remedy


def test_a_choice_that_is_on_no_route_lists_the_routes() -> None:
    refused = refusal(BASE, runtime="elsewhere")
    assert refused.path == ("spec", "runtime")
    assert "artifact/bytes -> processor/unpack -> runtime/serve" in refused.detail


def test_a_model_type_tells_how_to_come_by_a_runtime() -> None:
    told = ModelType(name="pyfunc", runtime_hint="Ask your vendor for its image.")
    others = tuple(r for r in BASE if r.kind not in {"Runtime", "ModelType"})
    assert refusal((*others, told)).remedy == "Declare a Runtime for it. Ask your vendor for its image."

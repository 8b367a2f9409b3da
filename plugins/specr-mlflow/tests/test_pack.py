"""What `packs: [mlflow]` finds."""

from importlib.metadata import entry_points, version
from importlib.resources import files
from typing import Any

import pytest
import yaml


@pytest.fixture(scope="module")
def documents() -> dict[tuple[str, str], dict[str, Any]]:
    found = [path for path in files("specr_mlflow.pack").iterdir() if path.name.endswith(".yaml")]
    loaded = [document for path in found for document in yaml.safe_load_all(path.read_text())]
    assert all(document["apiVersion"] == "specr/v1" for document in loaded)
    return {(document["kind"], document["metadata"]["name"]): document["spec"] for document in loaded}


def test_the_pack_is_found_by_its_entry_point() -> None:
    (entry,) = entry_points(group="specr.packs", name="mlflow")
    assert entry.value == "specr_mlflow.pack"
    assert entry.load().__name__ == "specr_mlflow.pack"


def test_the_documents_lead_from_the_artifact_to_the_runtime(documents: dict[tuple[str, str], Any]) -> None:
    assert set(documents) == {
        ("ArtifactType", "mlflow"),
        ("ModelType", "mlflow-pyfunc"),
        ("Processor", "mlflow"),
        ("Runtime", "mlflow"),
    }
    processor, runtime = documents["Processor", "mlflow"], documents["Runtime", "mlflow"]
    assert documents["ArtifactType", "mlflow"]["artifactType"] == "python/mlflow"
    assert (processor["artifactType"], processor["modelType"]) == ("mlflow", "mlflow-pyfunc")
    assert runtime["modelType"] == "mlflow-pyfunc"
    assert processor["command"] == ["python", "-m", "specr_mlflow.processor"]
    assert runtime["command"] == ["python", "-m", "specr_mlflow.runtime"]
    assert processor["timeout"] == 300
    assert runtime["readiness"] == {"path": "/readyz", "timeout": 120}


@pytest.mark.parametrize("kind", ["Processor", "Runtime"])
def test_images_are_of_the_packages_version(documents: dict[tuple[str, str], Any], kind: str) -> None:
    image = f"specr/mlflow-{kind.lower()}:{version('specr-mlflow')}"
    assert documents[kind, "mlflow"]["image"] == image


def test_the_package_says_the_version_it_was_built_as() -> None:
    import specr_mlflow

    assert specr_mlflow.__version__ == version("specr-mlflow")

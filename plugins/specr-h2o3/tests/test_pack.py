"""What `packs: [h2o3]` finds."""

from importlib.metadata import entry_points, version
from importlib.resources import files
from typing import Any

import pytest
import specr_h2o3
import yaml


@pytest.fixture(scope="module")
def documents() -> dict[tuple[str, str], dict[str, Any]]:
    found = [path for path in files("specr_h2o3.pack").iterdir() if path.name.endswith(".yaml")]
    loaded = [document for path in found for document in yaml.safe_load_all(path.read_text())]
    assert all(document["apiVersion"] == "specr/v1" for document in loaded)
    return {(document["kind"], document["metadata"]["name"]): document["spec"] for document in loaded}


def test_the_pack_is_found_by_its_entry_point() -> None:
    (entry,) = entry_points(group="specr.packs", name="h2o3")
    assert entry.load().__name__ == "specr_h2o3.pack"


def test_the_documents_lead_from_the_artifact_to_the_runtime(documents: dict[tuple[str, str], Any]) -> None:
    assert set(documents) == {
        ("ArtifactType", "h2o3"),
        ("ModelType", "h2o3-mojo"),
        ("Processor", "h2o3"),
        ("Runtime", "h2o3"),
    }
    processor, runtime = documents["Processor", "h2o3"], documents["Runtime", "h2o3"]
    assert documents["ArtifactType", "h2o3"]["artifactType"] == "h2o3/mojo"
    assert (processor["artifactType"], processor["modelType"]) == ("h2o3", "h2o3-mojo")
    assert runtime["modelType"] == "h2o3-mojo"
    assert processor["command"] == ["python", "-m", "specr_h2o3.processor"]
    assert runtime["command"] == ["python", "-m", "specr_h2o3.runtime"]


@pytest.mark.parametrize("kind", ["Processor", "Runtime"])
def test_images_are_of_the_packages_version(documents: dict[tuple[str, str], Any], kind: str) -> None:
    assert documents[kind, "h2o3"]["image"] == f"specr/h2o3-{kind.lower()}:{version('specr-h2o3')}"


def test_the_package_says_the_version_it_was_built_as() -> None:
    assert specr_h2o3.__version__ == version("specr-h2o3")

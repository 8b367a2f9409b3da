"""What `packs: [dai]` finds."""

from importlib.metadata import entry_points, version
from importlib.resources import files
from typing import Any

import pytest
import specr_dai
import yaml


@pytest.fixture(scope="module")
def documents() -> dict[tuple[str, str], dict[str, Any]]:
    found = [path for path in files("specr_dai.pack").iterdir() if path.name.endswith(".yaml")]
    loaded = [document for path in found for document in yaml.safe_load_all(path.read_text())]
    assert all(document["apiVersion"] == "specr/v1" for document in loaded)
    return {(document["kind"], document["metadata"]["name"]): document["spec"] for document in loaded}


def test_the_pack_is_found_by_its_entry_point() -> None:
    (entry,) = entry_points(group="specr.packs", name="dai")
    assert entry.load().__name__ == "specr_dai.pack"


def test_the_documents_lead_from_the_artifact_to_a_runtime_of_the_users_own(
    documents: dict[tuple[str, str], Any],
) -> None:
    assert set(documents) == {
        ("ArtifactType", "dai-mojo"),
        ("ModelType", "dai-mojo"),
        ("Processor", "dai-mojo"),
    }
    processor = documents["Processor", "dai-mojo"]
    assert documents["ArtifactType", "dai-mojo"]["artifactType"] == "dai/mojo_pipeline"
    assert (processor["artifactType"], processor["modelType"]) == ("dai-mojo", "dai-mojo")
    assert processor["command"] == ["python", "-m", "specr_dai.processor"]
    assert processor["image"] == f"specr/dai-processor:{version('specr-dai')}"


def test_the_package_says_the_version_it_was_built_as() -> None:
    assert specr_dai.__version__ == version("specr-dai")

"""What `packs: [pickle]` finds, and what the reader says."""

from importlib.metadata import entry_points, version
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import specr_pickle
import yaml
from specr_pickle.reader import PickleReader


@pytest.fixture(scope="module")
def documents() -> dict[tuple[str, str], dict[str, Any]]:
    found = [path for path in files("specr_pickle.pack").iterdir() if path.name.endswith(".yaml")]
    loaded = [document for path in found for document in yaml.safe_load_all(path.read_text())]
    assert all(document["apiVersion"] == "specr/v1" for document in loaded)
    return {(document["kind"], document["metadata"]["name"]): document["spec"] for document in loaded}


def test_pack_and_reader_are_found_by_their_entry_points() -> None:
    (pack,) = entry_points(group="specr.packs", name="pickle")
    assert pack.load().__name__ == "specr_pickle.pack"
    (reader,) = entry_points(group="specr.readers", name="python/pickle")
    assert reader.load() is PickleReader


def test_the_documents_lead_from_the_artifact_to_the_runtime(documents: dict[tuple[str, str], Any]) -> None:
    processor, runtime = documents["Processor", "pickle"], documents["Runtime", "pickle"]
    assert documents["ArtifactType", "pickle"]["artifactType"] == "python/pickle"
    assert (processor["artifactType"], processor["modelType"]) == ("pickle", "python-pickle")
    assert ("ModelType", runtime["modelType"]) == ("ModelType", "python-pickle")
    assert processor["command"] == ["python", "-m", "specr_pickle.processor"]
    assert runtime["command"] == ["python", "-m", "specr_pickle.runtime"]


@pytest.mark.parametrize("kind", ["Processor", "Runtime"])
def test_images_are_of_the_packages_version(documents: dict[tuple[str, str], Any], kind: str) -> None:
    assert documents[kind, "pickle"]["image"] == f"specr/pickle-{kind.lower()}:{version('specr-pickle')}"
    assert specr_pickle.__version__ == version("specr-pickle")


def test_the_reader_says_where_the_schema_has_to_stand(tmp_path: Path) -> None:
    facts = PickleReader().read(tmp_path / "never opened")
    (finding,) = facts.diagnostics
    assert facts.schema is None
    assert not finding.is_error
    assert "Declare spec.schema in the experiment" in finding.remedy

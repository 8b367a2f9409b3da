"""Which reader is for which artifact type."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from specr.diagnostics import DiagnosticError
from specr.readers.catalog import reader_for
from specr.readers.mlflow import MlflowReader
from specr.readers.protocol import ArtifactFacts


class MojoReader:
    """A plug-in's reader."""

    def read(self, content: Path) -> ArtifactFacts:
        return ArtifactFacts()


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """No test sees what another one's plug-ins left."""
    reader_for.cache_clear()
    yield
    reader_for.cache_clear()


def test_mlflow_is_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: pytest.fail("looked for plug-ins"))
    assert isinstance(reader_for("python/mlflow"), MlflowReader)


def test_other_types_have_none() -> None:
    assert reader_for("some/thing") is None


def test_plug_ins_are_found_by_type_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()

    def installed(group: str) -> tuple[EntryPoint, ...]:
        asked.append(group)
        return (EntryPoint("h2o3/mojo", "x:y", group),)

    monkeypatch.setattr("importlib.metadata.entry_points", installed)
    monkeypatch.setattr(EntryPoint, "load", lambda self: MojoReader)
    assert isinstance(reader_for("h2o3/mojo"), MojoReader)
    assert isinstance(reader_for("h2o3/mojo"), MojoReader)
    assert asked == ["specr.readers"]


def test_a_broken_plug_in_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    points = (EntryPoint("h2o3/mojo", "no_such_package:Reader", "specr.readers"),)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)
    with pytest.raises(DiagnosticError, match="no_such_package") as caught:
        reader_for("h2o3/mojo")
    assert caught.value.diagnostics[0].remedy

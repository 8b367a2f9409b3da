"""From settings to backends, and what is said of settings that are wrong."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from specr.backends import catalog
from specr.backends.catalog import open_backend
from specr.backends.memory import MemoryBackend, MemoryState
from specr.backends.sqlite import SqliteBackend
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.resources.project import Project, TypedSettings


def refusal(settings: TypedSettings, root: Path) -> Diagnostic:
    with pytest.raises(DiagnosticError) as caught:
        open_backend(settings, root)
    (found,) = caught.value.diagnostics
    assert found.summary
    assert found.detail
    assert found.remedy
    return found


def test_the_default_is_a_file_in_the_work_folder(tmp_path: Path) -> None:
    backend = open_backend(Project(name="p").backend, tmp_path)
    assert isinstance(backend, SqliteBackend)
    assert list(tmp_path.iterdir()) == []
    backend.ensure()
    backend.close()
    assert (tmp_path / ".specr" / "state.db").is_file()
    assert (tmp_path / ".specr" / ".gitignore").read_text() == "*\n"
    assert (tmp_path / ".specr").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / ".specr" / "state.db").stat().st_mode & 0o777 == 0o600


def test_a_path_is_relative_to_the_project(tmp_path: Path) -> None:
    backend = open_backend(TypedSettings(type="sqlite", path="kept/here/prod.db"), tmp_path)
    backend.ensure()
    backend.close()
    assert (tmp_path / "kept" / "here" / "prod.db").is_file()
    assert not (tmp_path / "kept" / ".gitignore").exists()


def test_memory_takes_no_settings_and_is_new_each_time(tmp_path: Path) -> None:
    backend = open_backend(TypedSettings(type="memory"), tmp_path)
    assert isinstance(backend, MemoryBackend)
    backend.ensure()
    assert open_backend(TypedSettings(type="memory"), tmp_path).read().lineage == ""
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_type_gets_a_suggestion(tmp_path: Path) -> None:
    found = refusal(TypedSettings(type="sqllite"), tmp_path)
    assert found.summary == "Unknown type of backend"
    assert found.remedy == "Did you mean sqlite?"
    assert found.path == ("spec", "backend", "type")
    assert "memory, sqlite" in found.detail
    assert "plug-in" in refusal(TypedSettings(type="oracle"), tmp_path).remedy


def test_every_unknown_setting_is_told(tmp_path: Path) -> None:
    settings = TypedSettings(type="sqlite", pth="x", timeout=3)
    with pytest.raises(DiagnosticError) as caught:
        open_backend(settings, tmp_path)
    pth, timeout = caught.value.diagnostics
    assert (pth.remedy, pth.path) == ("Did you mean path?", ("spec", "backend", "pth"))
    assert "timeout" in timeout.detail
    assert "Remove timeout" in timeout.remedy
    assert "it has none" in refusal(TypedSettings(type="memory", path="x"), tmp_path).detail


@pytest.mark.parametrize("path", [7, "", None, ["a"], "a\0b"])
def test_a_path_has_to_be_a_path(path: object, tmp_path: Path) -> None:
    found = refusal(TypedSettings(type="sqlite", path=path), tmp_path)
    assert found.summary == "Wrong setting of the backend"
    assert found.path == ("spec", "backend", "path")


def open_kept(settings: dict[str, Any], root: Path) -> MemoryBackend:
    state = MemoryState()
    state.lineage = f"{settings['name']} in {root.name}"
    return MemoryBackend(state)


def offer(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    entry = EntryPoint("kept", value, catalog.GROUP)
    offered = {catalog.GROUP: [entry]}
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: offered.get(group, []))


def test_a_plugin_brings_a_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    offer(monkeypatch, f"{__name__}:open_kept")
    backend = open_backend(TypedSettings(type="kept", name="x"), tmp_path)
    assert backend.read().lineage == f"x in {tmp_path.name}"
    assert refusal(TypedSettings(type="kpt"), tmp_path).remedy == "Did you mean kept?"


@pytest.mark.parametrize("value", ["specr_no_such_module:open", f"{__name__}:no_such_name"])
def test_a_plugin_that_can_t_be_imported_is_named(
    value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    offer(monkeypatch, value)
    found = refusal(TypedSettings(type="kept"), tmp_path)
    assert found.summary == "Backend can't be loaded"
    assert "pip install" in found.remedy

"""Opening providers by type: specr's own, plug-ins' ones, and what is wrong with others."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.providers import catalog
from specr.providers.catalog import UNASKED, open_provider
from specr.providers.local.provider import LocalProvider
from specr.providers.memory import MemoryProvider
from specr.providers.memory_world import MemoryWorld
from specr.providers.protocol import Provider
from specr.providers.settings import ProviderContext
from specr.resources.project import TypedSettings
from specr.store.folder import FolderStore


def open_here(root: Path, type_: str, **settings: Any) -> Provider:
    store = FolderStore(root / "store")
    return open_provider("mine", TypedSettings(type=type_, **settings), lineage="one", root=root, store=store)


def problem(root: Path, type_: str, **settings: Any) -> Diagnostic:
    with pytest.raises(DiagnosticError) as caught:
        open_here(root, type_, **settings)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def test_specrs_own_types_open_without_settings(tmp_path: Path) -> None:
    assert isinstance(open_here(tmp_path, "local"), LocalProvider)
    assert isinstance(open_here(tmp_path, "memory"), MemoryProvider)
    assert {name: settings.type for name, settings in UNASKED.items()} == {
        "local": "local",
        "memory": "memory",
    }


def test_opening_touches_no_disk(tmp_path: Path) -> None:
    open_here(tmp_path, "local", folder="here", grace=1.5)
    open_here(tmp_path, "memory", path="there.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("type_", "settings", "told"),
    [
        ("locl", {}, ["of type locl", "Did you mean local?"]),
        ("slurm", {}, ["of type slurm", "Known types: local, memory"]),
        ("local", {"fodler": "x"}, ["no setting fodler", "Did you mean folder?"]),
        ("memory", {"zzz": 1}, ["no setting zzz", "Known settings: path"]),
        ("local", {"grace": -1}, ["setting grace", "SIGTERM"]),
        ("local", {"grace": "long"}, ["setting grace", "SIGTERM"]),
        ("memory", {"path": ""}, ["setting path", "file that keeps"]),
    ],
)
def test_mistakes_are_told_with_a_remedy(
    tmp_path: Path, type_: str, settings: dict[str, Any], told: list[str]
) -> None:
    diagnostic = problem(tmp_path, type_, **settings)
    assert diagnostic.path[:3] == ("spec", "providers", "mine")
    for words in told:
        assert words in f"{diagnostic.detail} {diagnostic.remedy}"


def open_plugin(context: ProviderContext, settings: dict[str, Any]) -> Provider:
    assert settings == {"size": 3}
    return MemoryProvider(MemoryWorld(), lineage=context.lineage)


def test_plugins_bring_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = EntryPoint("slurm", f"{__name__}:open_plugin", catalog.GROUP)
    broken = EntryPoint("nomad", "no_such_module:open", catalog.GROUP)
    monkeypatch.setattr(catalog, "entry_points", lambda group: [good, broken])
    monkeypatch.setattr(
        EntryPoint, "load", lambda self: open_plugin if self is good else __import__("no_such_module")
    )
    assert isinstance(open_here(tmp_path, "slurm", size=3), MemoryProvider)
    assert "no_such_module" in problem(tmp_path, "nomad").detail
    assert "Did you mean slurm?" in problem(tmp_path, "slrm").remedy

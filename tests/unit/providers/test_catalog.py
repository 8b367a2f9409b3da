"""Opening providers by type: specr's own, plug-ins' ones, and what is wrong with others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.providers.catalog import UNASKED, open_provider
from specr.providers.local.provider import LocalProvider
from specr.providers.memory import MemoryProvider
from specr.providers.protocol import Provider
from specr.resources.project import TypedSettings
from specr.spec.checks import BUILT_IN_PROVIDERS
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
        name: name for name in BUILT_IN_PROVIDERS
    }


def test_opening_touches_no_disk(tmp_path: Path) -> None:
    open_here(tmp_path, "local", folder="here", grace=1.5)
    open_here(tmp_path, "memory", path="there.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("type_", "settings", "told"),
    [
        ("locl", {}, ["of type locl", "Did you mean local?"]),
        ("slurm", {}, ["of type slurm", "Known types: docker"]),
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


PLUGIN = """
from specr.providers.memory import MemoryProvider
from specr.providers.memory_world import MemoryWorld

def open_slurm(context, settings):
    assert settings == {"size": 3}
    return MemoryProvider(MemoryWorld(), lineage=context.lineage)
"""

ENTRY_POINTS = """
[specr.providers]
slurm = specr_slurm_for_tests:open_slurm
nomad = specr_no_such_module:open_nomad
"""


def test_plugins_bring_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    metadata = site / "specr_slurm_for_tests-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: specr-slurm-for-tests\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    (site / "specr_slurm_for_tests.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(site)
    assert isinstance(open_here(tmp_path, "slurm", size=3), MemoryProvider)
    assert "specr_no_such_module" in problem(tmp_path, "nomad").detail
    assert "Did you mean slurm?" in problem(tmp_path, "slrm").remedy

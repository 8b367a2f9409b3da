"""The form of a reference decides who resolves it; plug-ins bring further forms."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.sources.catalog import SourceContext, Sources
from specr.sources.http import HttpSource
from specr.sources.path import PathSource
from specr.sources.protocol import Resolved


class Registry:
    """A plug-in's source."""

    def __init__(self, context: SourceContext) -> None:
        self.context = context

    def resolve(self, reference: str, base: Path) -> Resolved:
        return Resolved(None, described=reference)

    def fetch(self, resolved: Resolved, reference: str, target: Path) -> Path:
        return target


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path)


def install(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> None:
    installed = {"specr.sources": points}
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: installed.get(group, ()))


def refused(sources: Sources, reference: str) -> Diagnostic:
    with pytest.raises(DiagnosticError) as caught:
        sources.source_for(reference)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.remedy
    return diagnostic


@pytest.mark.parametrize(
    "reference",
    ["models/wine", "/models/wine", "file:///x", "File:///x", "c:/x", "a b", "./models:/x", "x:y", "~"],
)
def test_paths(sources: Sources, reference: str) -> None:
    assert isinstance(sources.source_for(reference), PathSource)


@pytest.mark.parametrize("reference", ["http://h/x", "https://h/x", "HTTPS://h/x"])
def test_urls(sources: Sources, reference: str) -> None:
    assert isinstance(sources.source_for(reference), HttpSource)


@pytest.mark.parametrize("reference", ["models:/wine/3", "Models:/wine@champion"])
def test_a_plug_in_is_loaded_once_for_its_scheme(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    install(monkeypatch, EntryPoint("models", f"{__name__}:Registry", "specr.sources"))
    monkeypatch.setattr(EntryPoint, "load", lambda self: Registry)
    source = sources.source_for(reference)
    assert isinstance(source, Registry)
    assert source.context.root == tmp_path
    assert sources.source_for(reference) is source


@pytest.mark.parametrize("reference", ["models:/wine/3", "models:/wine@champion"])
def test_without_its_plug_in_the_registry_of_mlflow_is_told_with_it(
    sources: Sources, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    install(monkeypatch)
    told = refused(sources, reference)
    assert told.detail.startswith(f"{reference} is of the kind models;")
    assert "specr-mlflow" in told.remedy


def test_runs_of_mlflow_are_told_with_a_way_out(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    told = refused(sources, "runs:/0123/model")
    assert "models:/name/version" in told.remedy
    assert "mlflow artifacts download -u runs:/0123/model -d" in told.remedy


def test_a_plug_in_gets_the_settings_of_its_scheme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, EntryPoint("models", "x:y", "specr.sources"))
    monkeypatch.setattr(EntryPoint, "load", lambda self: Registry)
    settings: dict[str, dict[str, object]] = {"models": {"trackingUri": "https://h"}, "other": {"x": 1}}
    source = Sources(tmp_path, settings=settings).source_for("models:/wine/3")
    assert isinstance(source, Registry)
    assert source.context.settings == {"trackingUri": "https://h"}


@pytest.mark.parametrize(("scheme", "hint"), [("modles", "Did you mean models?"), ("https", "takes none")])
def test_settings_that_no_source_takes_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, hint: str
) -> None:
    install(monkeypatch, EntryPoint("models", "x:y", "specr.sources"))
    (told,) = Sources(tmp_path, settings={scheme: {}}).check()
    assert told.path == ("spec", "sources", scheme)
    assert hint in told.detail + told.remedy
    monkeypatch.setattr(EntryPoint, "load", lambda self: Registry)
    assert not Sources(tmp_path, settings={"models": {}, "http": {}}).check()
    assert not Sources(tmp_path).check()


def test_a_plug_in_may_check_its_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Diagnostic("Wrong", "It is.", "Right it.", path=("spec", "sources", "models", "x"))
    install(monkeypatch, EntryPoint("models", "x:y", "specr.sources"))
    monkeypatch.setattr(Registry, "check", lambda self: (found,), raising=False)
    monkeypatch.setattr(EntryPoint, "load", lambda self: Registry)
    assert Sources(tmp_path, settings={"models": {"x": 1}}).check() == (found,)


@pytest.mark.parametrize(
    ("settings", "summary"),
    [
        ({"timeout": 0}, "Setting of the wrong type"),
        ({"timeout": True}, "Setting of the wrong type"),
        ({"timeout": "1h"}, "Setting of the wrong type"),
        ({"timout": 5}, "Unknown setting of a source"),
    ],
)
def test_settings_of_urls_are_checked(tmp_path: Path, settings: dict[str, object], summary: str) -> None:
    sources = Sources(tmp_path, settings={"http": settings})
    (told,) = sources.check()
    assert (told.summary, told.path) == (summary, ("spec", "sources", "http", *settings))
    assert refused(sources, "https://h/x") == told


def test_an_unknown_scheme_is_told_with_the_known(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, EntryPoint("s3", "nowhere", "specr.sources"))
    assert refused(sources, "htps://me:secret@h/x?token=secret").remedy == "Did you mean https?"
    told = refused(sources, "zz9://me:secret@h/x?token=secret")
    assert "file, http, https, s3" in told.detail
    assert "zz9" in told.detail
    assert "secret" not in told.detail + told.remedy
    assert "specr.sources" in told.remedy


def test_a_broken_plug_in_is_told(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, EntryPoint("models", "no_such_package:factory", "specr.sources"))
    told = refused(sources, "models:/wine/3")
    assert told.summary == "Broken source plug-in"
    assert "no_such_package" in told.detail


def test_making_sources_reads_and_writes_nothing(tmp_path: Path) -> None:
    Sources(tmp_path).source_for("models/wine")
    assert list(tmp_path.iterdir()) == []


def test_the_http_library_is_not_imported_before_it_is_used() -> None:
    program = (
        "import sys, pathlib; from specr.sources.catalog import Sources;"
        "Sources(pathlib.Path('.')).source_for('https://h/x'); sys.exit('httpx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_digests_are_kept_in_the_work_folder(sources: Sources, tmp_path: Path) -> None:
    (tmp_path / "model").write_text("x")
    resolved = sources.source_for("model").resolve("model", tmp_path)
    assert resolved.digest is not None

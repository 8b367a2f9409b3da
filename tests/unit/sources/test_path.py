"""Files and folders on this machine: what a reference means, and what is told of one that means nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.sources.path import PathSource
from specr.sources.protocol import Resolved, Source
from specr.store.cache import DigestCache
from specr.store.content import measure


@pytest.fixture
def source() -> PathSource:
    return PathSource(DigestCache(None))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    base = tmp_path / "project"
    (base / "models" / "wine").mkdir(parents=True)
    (base / "models" / "wine" / "MLmodel").write_text("flavors: {}\n")
    (base / "models" / "one file.bin").write_text("bytes")
    return base


def refused(source: PathSource, reference: str, base: Path) -> Diagnostic:
    with pytest.raises(DiagnosticError) as caught:
        source.resolve(reference, base)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.remedy
    return diagnostic


def test_it_is_a_source(source: PathSource) -> None:
    _: Source = source


@pytest.mark.parametrize("reference", ["models/wine", "./models/../models/wine/", "models/one file.bin"])
def test_relative_paths_start_at_the_base(source: PathSource, base: Path, reference: str) -> None:
    resolved = source.resolve(reference, base)
    assert (resolved.digest, resolved.size) == measure(base / reference)
    assert resolved.identity == {}
    assert resolved.described == reference
    assert source.fetch(resolved, reference, base / "unused") == resolved.path == base / reference
    assert not (base / "unused").exists()


def test_absolute_paths_and_file_urls(source: PathSource, base: Path, tmp_path: Path) -> None:
    plain = source.resolve(str(base / "models" / "one file.bin"), tmp_path)
    for url in (f"file://{base}/models/one%20file.bin", f"FILE://localhost{base}/models/one file.bin"):
        assert source.resolve(url, tmp_path).digest == plain.digest


def test_links_are_followed(source: PathSource, base: Path) -> None:
    (base / "latest").symlink_to("models/wine")
    assert source.resolve("latest", base).digest == measure(base / "models" / "wine").digest


@pytest.mark.parametrize(
    ("reference", "meant"),
    [
        ("models/wein", "models/wine"),
        ("models/WINE", "models/wine"),
        ("./model/wine", "models/wine"),
        ("Models/wine", "models/wine"),
        ("models/wine/MLModel", "models/wine/MLmodel"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    source: PathSource, base: Path, reference: str, meant: str
) -> None:
    told = refused(source, reference, base)
    assert told.summary == "Artifact source not found"
    assert told.detail == f"There is nothing at {reference}."
    assert told.remedy == f"Did you mean {meant}?"


def test_the_meant_path_of_an_absolute_reference_is_absolute(source: PathSource, base: Path) -> None:
    told = refused(source, f"file://{base}/models/wein", base / "elsewhere")
    assert told.remedy == f"Did you mean {base}/models/wine?"


@pytest.mark.parametrize(
    "reference", ["nothing/like/it", "/nowhere-at-all/x", "models/wine/MLmodel/below", "a\nb"]
)
def test_what_is_like_nothing_is_told_without_a_guess(source: PathSource, base: Path, reference: str) -> None:
    told = refused(source, reference, base)
    assert told.summary == "Artifact source not found"


@pytest.mark.parametrize("kind", ["file", "folder", "folder of empty files"])
def test_nothing_is_no_artifact(source: PathSource, base: Path, kind: str) -> None:
    if kind == "file":
        (base / "empty").touch()
    else:
        (base / "empty").mkdir()
    if kind == "folder of empty files":
        (base / "empty" / "f").touch()
    assert refused(source, "empty", base).summary == "Artifact source is empty"


@pytest.mark.parametrize("reference", ["~", "~/models/wine", "~me/models"])
def test_home_folders_are_not_expanded(source: PathSource, base: Path, reference: str) -> None:
    assert refused(source, reference, base).summary == "Home folders are not expanded"


def test_a_folder_that_begins_with_a_tilde_can_be_named(source: PathSource, base: Path) -> None:
    (base / "~x").write_text("bytes")
    assert source.resolve("./~x", base).size == 5


@pytest.mark.parametrize("reference", [".", "..", "models/.."])
def test_the_project_itself_is_no_artifact(source: PathSource, base: Path, reference: str) -> None:
    assert refused(source, reference, base).summary == "Artifact holds the project"


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("file://server/share/x", "names the machine server"),
        ("file:///x?y", "? or #"),
        ("file:///x#y", "? or #"),
        ("file:relative", "no absolute path"),
        ("file://", "no absolute path"),
        ("file://[::1", "malformed"),
    ],
)
def test_urls_that_name_no_file_here(source: PathSource, base: Path, reference: str, told: str) -> None:
    refusal = refused(source, reference, base)
    assert refusal.summary == "Not a file URL"
    assert told in refusal.detail


@pytest.mark.parametrize("reference", ["a\0b", "file:///a%00b"])
def test_nul_is_told(source: PathSource, base: Path, reference: str) -> None:
    assert refused(source, reference, base).summary == "Not a path"


def test_pipes_and_links_in_circles_are_told(source: PathSource, base: Path) -> None:
    os.mkfifo(base / "pipe")
    assert "a named pipe" in refused(source, "pipe", base).detail
    (base / "me").symlink_to("me")
    assert refused(source, "me", base).summary == "Content can't be read"


def test_what_vanished_since_it_was_looked_up_is_told(source: PathSource, base: Path) -> None:
    resolved = source.resolve("models/one file.bin", base)
    (base / "models" / "one file.bin").unlink()
    for gone in (resolved, Resolved("sha256:0")):
        with pytest.raises(DiagnosticError, match="no longer"):
            source.fetch(gone, "models/one file.bin", base / "unused")

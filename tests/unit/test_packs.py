from __future__ import annotations

import sys
from pathlib import Path

import pytest

from specr.packs import InstalledPacks
from specr.spec.load import load_specs
from tests.unit.spec.projects import ROOT, MemoryTree, document


def install(site: Path, distribution: str, entries: str) -> None:
    """Put an installed distribution with entry points of the group into a folder of the import path."""
    info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[specr.packs]\n{entries}\n")


def package(site: Path, name: str, init: str = "") -> Path:
    folder = site.joinpath(*name.split("."))
    folder.mkdir(parents=True)
    for part in [folder, *folder.parents]:
        if part == site:
            break
        (part / "__init__.py").write_text(init)
    return folder


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_packs_are_found_by_name(site: Path) -> None:
    install(site, "tried-one", "tried-first = tried_one.pack\ntried-second = tried_one.other")
    folder = package(site, "tried_one.pack")
    packs = InstalledPacks()
    assert {"tried-first", "tried-second"} <= set(packs.names())
    assert packs.names() == tuple(sorted(packs.names()))
    assert packs.folder("tried-first") == folder


def test_only_the_parent_package_is_imported(site: Path) -> None:
    install(site, "tried-two", "tried-two = tried_two.pack")
    package(site, "tried_two.pack")
    (site / "tried_two" / "pack" / "__init__.py").write_text("raise RuntimeError('imported')\n")
    assert InstalledPacks().folder("tried-two") == site / "tried_two" / "pack"
    assert "tried_two.pack" not in sys.modules


def test_what_is_installed_later_is_found_by_the_next_search(site: Path) -> None:
    before = InstalledPacks().names()
    install(site, "tried-three", "tried-three = tried_three")
    assert set(InstalledPacks().names()) - set(before) == {"tried-three"}


def test_an_unknown_pack_is_told(site: Path) -> None:
    with pytest.raises(LookupError, match="no installed package ships it"):
        InstalledPacks().folder("tried-none")


def test_a_package_that_is_gone_is_told(site: Path) -> None:
    install(site, "tried-four", "tried-four = tried_four_gone\ntried-deep = tried_four_gone.pack")
    with pytest.raises(LookupError, match="its package tried_four_gone is not there as a folder"):
        InstalledPacks().folder("tried-four")
    with pytest.raises(LookupError, match=r"tried_four_gone\.pack can't be imported \(ModuleNotFoundError"):
        InstalledPacks().folder("tried-deep")


def test_a_module_is_no_pack(site: Path) -> None:
    install(site, "tried-five", "tried-five = tried_five")
    (site / "tried_five.py").write_text("")
    with pytest.raises(LookupError, match="is not there as a folder"):
        InstalledPacks().folder("tried-five")


def test_a_package_that_fails_to_import_is_told_on_one_line(site: Path) -> None:
    install(site, "tried-six", "tried-six = tried_six.pack")
    package(site, "tried_six.pack", "raise OSError('no\\nlicence')\n")
    with pytest.raises(LookupError, match=r"^its package tried_six\.pack can't be imported \(OSError: no\)$"):
        InstalledPacks().folder("tried-six")


def test_one_name_for_two_packs_is_told(site: Path) -> None:
    install(site, "tried-seven", "tried-seven = tried_a")
    install(site, "tried-eight", "tried-seven = tried_b")
    with pytest.raises(LookupError, match="several packages ship it: tried_a, tried_b"):
        InstalledPacks().folder("tried-seven")


def test_a_project_uses_an_installed_pack(site: Path) -> None:
    install(site, "tried-nine", "tried-nine = tried_nine.pack")
    (package(site, "tried_nine.pack") / "types.yaml").write_text(document("ModelType", "from-pack"))
    text = document("Project", "p", "{packs: [tried-nine]}") + document(
        "Runtime", "r", "{modelType: from-pack}"
    )
    specs, diagnostics = load_specs(ROOT, packs=InstalledPacks(), tree=MemoryTree({"a.yaml": text}))
    assert diagnostics == ()
    assert specs is not None
    assert sorted(map(str, specs.resources)) == ["modeltype/from-pack", "runtime/r"]


def test_the_reason_reaches_the_finding(site: Path) -> None:
    install(site, "tried-ten", "tried-ten = tried_ten_gone")
    text = document("Project", "p", "{packs: [tried-ten]}")
    _, diagnostics = load_specs(ROOT, packs=InstalledPacks(), tree=MemoryTree({"a.yaml": text}))
    assert [d.summary for d in diagnostics] == ["Unknown pack"]
    assert "its package tried_ten_gone is not there as a folder" in diagnostics[0].detail

"""Importing: from a registry's models to files of specs that fit into a project.

Reads the project as far as it can be read, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from specr.address import Address
from specr.diagnostics import Diagnostic, DiagnosticError
from specr.importing.catalog import open_importer
from specr.importing.protocol import Found, Wanted
from specr.importing.specs import ImportedModel, make_specs
from specr.resources.base import Resource
from specr.resources.convert import convert
from specr.resources.project import Project
from specr.spec.decode import claimed_address
from specr.spec.read import read_tree
from specr.spec.tree import FolderTree
from specr.spec.write import render_specs

PROJECT_FILE: Final = "specr.yaml"


class Import(Struct, frozen=True):
    """What an import would write: texts by path. `lacking` is what the Project has not got yet."""

    files: Mapping[Path, str]
    models: tuple[ImportedModel, ...]
    lacking: Mapping[str, Any]
    diagnostics: tuple[Diagnostic, ...]


def prepare_import(root: Path, kind: str, wanted: Wanted, *, out: Path, deploy: str = "") -> Import:
    """Find models and make specs of them, for files in the folder `out`.

    Raises:
        DiagnosticError: the registry does not answer, has no such model, or a spec of this name is
            declared in another file of the project.
    """
    present = _Present.read(root)
    found = open_importer(kind).find(replace(wanted, settings=present.sources))
    made, warnings = make_specs(found, deploy=deploy)
    files = {out / f"{model.name}.yaml": model.resources for model in made}
    taken: dict[tuple[Path, Path], list[Address]] = {}
    for path, resources in files.items():
        for resource in resources:
            there = present.files.get(resource.address)
            if there is not None and there.resolve() != path.resolve():
                taken.setdefault((there, path), []).append(resource.address)
    if taken:
        raise DiagnosticError(*(_declared(root, *where, found) for where, found in sorted(taken.items())))
    lacking = present.lacking(found)
    texts = {path: render_specs(resources) for path, resources in files.items()}
    if not present.has_project and made:
        texts = {root / PROJECT_FILE: render_specs([_project(root, lacking)]), **texts}
        lacking = {}
    return Import(texts, made, lacking, (*found.diagnostics, *warnings))


class _Present(Struct, frozen=True):
    """What the project has already: the file of each declared address, and the Project's spec."""

    files: Mapping[Address, Path]
    project: Mapping[str, Any] | None

    @classmethod
    def read(cls, root: Path) -> _Present:
        if not root.is_dir():
            return cls({}, None)
        files: dict[Address, Path] = {}
        project = None
        for document in read_tree(FolderTree(root), {}).documents:
            address = claimed_address(document.value)
            if address is None:
                continue
            files[address] = root / document.file
            if address.kind == Project.kind.lower():
                spec = document.value.get("spec")
                project = spec if isinstance(spec, dict) else {}
        return cls(files, project)

    @property
    def has_project(self) -> bool:
        return self.project is not None

    @property
    def sources(self) -> Mapping[str, Mapping[str, Any]]:
        told = (self.project or {}).get("sources")
        return {k: v for k, v in told.items() if isinstance(v, dict)} if isinstance(told, dict) else {}

    def lacking(self, found: Found) -> Mapping[str, Any]:
        """What has to be in the Project for the specs to work."""
        packs = (self.project or {}).get("packs")
        has = packs if isinstance(packs, list) else []
        lacking: dict[str, Any] = {}
        if missing := [pack for pack in found.packs if pack not in has]:
            lacking["packs"] = missing
        if other := {k: dict(v) for k, v in found.sources.items() if not self._says(k, v)}:
            lacking["sources"] = other
        return lacking

    def _says(self, scheme: str, settings: Mapping[str, Any]) -> bool:
        """Whether the Project has these settings of a source, beside whatever else it says of it."""
        told = self.sources.get(scheme, {})
        return all(told.get(key) == value for key, value in settings.items())


def _project(root: Path, lacking: Mapping[str, Any]) -> Resource:
    from specr.importing.naming import fit_name  # noqa: PLC0415 - only where there is no project

    name = fit_name(root.resolve().name) or "models"
    return convert({"name": name, **lacking}, Project)


def _declared(root: Path, there: Path, path: Path, found: list[Address]) -> Diagnostic:
    """That a file has specs already which the import would write to another: once, whatever their number."""
    from specr.render.words import listed  # noqa: PLC0415 - for errors only

    remedy = (
        "Remove them there, or import into a folder that is a project of its own: `specr -C DIR import …`."
    )
    if there.name == path.name:
        folder = there.parent.relative_to(root).as_posix()
        again = f"Import to where that file is, with `--out {folder}`, and `--force` to write over it"
        remedy = f"{again}. Or r{remedy.removeprefix('R')}"
    return Diagnostic(
        "Already declared",
        f"{there} declares {listed(map(str, found), 3)}, which were to be written to {path}; "
        "nothing was written.",
        remedy,
    )

"""Projects that exist only in memory, for tests of loading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from specr.diagnostics import Diagnostic
from specr.spec.load import load_specs
from specr.spec.model import Specs
from specr.spec.tree import Entry, Skip, normalise

ROOT = Path("/project")


class MemoryTree:
    """Files by path."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self.files = {
            path: data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
            for path, data in files.items()
        }
        self.was_read: list[str] = []

    def entries(self, skip: Skip) -> Iterator[Entry]:
        for path, data in self.files.items():
            folders = path.split("/")[:-1]
            parents = ["/".join(folders[: n + 1]) for n in range(len(folders))]
            if not any(part.startswith(".") for part in folders) and not any(map(skip, parents)):
                yield Entry(path, len(data))

    def read(self, path: str) -> bytes:
        self.was_read.append(path)
        if path not in self.files:
            raise FileNotFoundError(2, "No such file")
        return self.files[path]

    def resolve(self, path: str) -> str | None:
        return normalise(path)


class Folders:
    """Packs by name, as folders."""

    def __init__(self, folders: Mapping[str, Path] | None = None) -> None:
        self.folders = dict(folders or {})

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.folders))

    def folder(self, name: str) -> Path:
        if name not in self.folders:
            raise LookupError("no installed package ships it")
        return self.folders[name]


def load(
    files: Mapping[str, str | bytes] | str,
    *,
    variables: Mapping[str, str] | None = None,
    packs: Mapping[str, Path] | None = None,
) -> tuple[Specs | None, tuple[Diagnostic, ...]]:
    """Load a project from text: files by path, or the one file `specs.yaml`."""
    tree = MemoryTree({"specs.yaml": files} if isinstance(files, str) else files)
    return load_specs(ROOT, packs=Folders(packs), variables=variables or {}, tree=tree)


def loaded(files: Mapping[str, str | bytes] | str, *, variables: Mapping[str, str] | None = None) -> Specs:
    """The specs of a project without errors."""
    specs, diagnostics = load(files, variables=variables)
    assert specs is not None, diagnostics
    return specs


def only(files: Mapping[str, str | bytes] | str, *, variables: Mapping[str, str] | None = None) -> Diagnostic:
    """The one finding of a project."""
    _, diagnostics = load(files, variables=variables)
    assert len(diagnostics) == 1, diagnostics
    return diagnostics[0]


def marked(diagnostic: Diagnostic) -> str:
    """The text that a finding's span marks."""
    span = diagnostic.span
    assert span is not None
    return diagnostic.excerpt[span.column - 1 : span.column - 1 + span.width]


def document(kind: str, name: str, spec: str = "{}") -> str:
    """One document, its spec given in YAML's flow style."""
    return f"---\napiVersion: specr/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from specr.diagnostics import Diagnostic, Severity
from specr.render.diagnostics import render_diagnostic
from specr.spec import discover as discovery
from specr.spec.discover import ArtifactFolders, Listing, discover, source_path
from specr.spec.load import load_specs
from specr.spec.tree import Entry, EntryType, FolderTree, Skip, normalise
from tests.unit.spec.projects import Folders, MemoryTree, document, load, loaded, only

EXPERIMENT = document("Experiment", "e")
FOREIGN = "flavors: {python_function: {env: conda.yaml}}\n"


def artifact(source: str, name: str = "a") -> str:
    return document("Artifact", name, f"{{experiment: e, type: t, source: '{source}'}}")


def paths(files: Mapping[str, str]) -> list[str]:
    return [entry.path for entry in discover(MemoryTree(files)).files]


def test_yaml_files_are_found_shallow_ones_first() -> None:
    assert paths(
        {"b/c/x.yml": "", "b/x.yaml": "", "z.yaml": "", "a.yaml": "", "b/notes.md": "", "x.YAML": ""}
    ) == [
        "a.yaml",
        "z.yaml",
        "b/x.yaml",
        "b/c/x.yml",
    ]


def test_names_with_a_dot_in_front_are_left_out() -> None:
    assert paths({".hidden/x.yaml": "", "a/.b/x.yaml": "", ".ci.yaml": "", "a.b.yaml": ""}) == ["a.b.yaml"]


INSTALLED = ["py/lib/a.yaml", "py/b.yaml", "web/node_modules/c/d.yml", "lib/python3.11/site-packages/e.yaml"]


def test_what_is_installed_is_left_out() -> None:
    """At the root, the file of an environment tells nothing: all would be left out."""
    files = dict.fromkeys([*INSTALLED, "py/pyvenv.cfg", "pyvenv.cfg", "py2/a.yaml", "a.yaml"], "")
    assert paths(files) == ["a.yaml", "py2/a.yaml"]
    assert paths({**files, "py/m/MLmodel": ""}) == ["a.yaml", "py2/a.yaml"]


def test_what_mlflow_keeps_of_runs_is_left_out_but_for_artifacts() -> None:
    """Its folders are full of `meta.yaml`; no word on models there that no artifact names."""
    kept = [
        "mlruns/0/meta.yaml",
        "a/mlartifacts/1/m/conda.yaml",
        "mlruns/0/m/MLmodel",
        "mlruns/0/m/conda.yaml",
    ]
    assert discover(MemoryTree(dict.fromkeys(kept, ""))) == Listing((), ())
    assert paths(dict.fromkeys([*kept, "mlruns.yaml", "mlruns2/a.yaml"], "")) == [
        "mlruns.yaml",
        "mlruns2/a.yaml",
    ]
    files = {**dict.fromkeys(kept, ""), "a.yaml": EXPERIMENT + artifact("mlruns/0/m")}
    assert sorted(map(str, loaded(files).resources)) == ["artifact/a", "experiment/e"]


def test_environments_and_packages_are_not_looked_into(tmp_path: Path) -> None:
    for name in [*INSTALLED, "py/pyvenv.cfg"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "node_modules").symlink_to(tmp_path / "web")
    tree = Watched(tmp_path)
    assert discover(tree) == Listing((), ())
    assert sorted(tree.seen) == ["linked/node_modules", "py/b.yaml", "py/pyvenv.cfg"]


class Watched(FolderTree):
    """Keeps the paths that it has yielded."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.seen: list[str] = []

    def entries(self, skip: Skip) -> Iterator[Entry]:
        for entry in super().entries(skip):
            self.seen.append(entry.path)
            yield entry


def test_ignored_names_are_left_out_as_git_does() -> None:
    files = dict.fromkeys(
        ["a.yaml", "keep/a.yaml", "drop/b.yaml", "x/drop/c.yaml", "x/only.yaml", "only.yaml"], ""
    )
    files[".specrignore"] = "# what is not ours\ndrop/\n/only.yaml\n*.yml\n\nkeep/*\n!keep/a.yaml\n"
    assert paths(files) == ["a.yaml", "keep/a.yaml", "x/only.yaml"]


def test_ignored_folders_are_not_looked_into(tmp_path: Path) -> None:
    (tmp_path / ".specrignore").write_text("big/\n")
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "pipe.yaml").mkdir()
    os.mkfifo(tmp_path / "big" / "fifo.yaml")
    assert discover(FolderTree(tmp_path)) == Listing((), ())


def test_a_bad_pattern_does_not_switch_the_others_off() -> None:
    listing = discover(MemoryTree({".specrignore": "[9-1]\ndrop/\n", "drop/a.yaml": "", "b.yaml": ""}))
    assert [entry.path for entry in listing.files] == ["b.yaml"]
    assert [d.summary for _, d in listing.findings] == ["Bad ignore pattern"]


def test_folders_that_artifacts_name_are_left_out() -> None:
    files: dict[str, str | bytes] = {
        "specs/a.yaml": EXPERIMENT + artifact("../models/fraud"),
        "models/fraud/conda.yaml": "name: env\n",
        "models/fraud/deep/broken.yaml": "a: [\n",
        "models/fraud/binary.yaml": b"\x00\xff",
        "models/other.yaml": document("ModelType", "t"),
    }
    specs = loaded(files)
    assert sorted(map(str, specs.resources)) == ["artifact/a", "experiment/e", "modeltype/t"]


@pytest.mark.parametrize("source", ["./models/x/", "models//x", "models/y/../x", "models/x"])
def test_folders_are_left_out_however_their_path_is_written(source: str) -> None:
    loaded({"a.yaml": EXPERIMENT + artifact(source), "models/x/c.yaml": FOREIGN})


def test_folders_are_left_out_when_a_variable_names_them() -> None:
    project = document("Project", "p", "{variables: {models: elsewhere}}")
    files = {
        "a.yaml": project + EXPERIMENT + artifact("${var.models}/x"),
        "elsewhere/x/c.yaml": FOREIGN,
    }
    loaded(files)
    files = {"a.yaml": files["a.yaml"], "here/x/c.yaml": FOREIGN}
    loaded(files, variables={"models": "here"})
    assert only(files).summary == "Document has no apiVersion"


def test_folders_are_left_out_although_their_artifact_has_errors() -> None:
    found = only(
        {"a.yaml": EXPERIMENT + artifact("m").replace("type: t", "typ: t, type: t"), "m/c.yaml": FOREIGN}
    )
    assert found.summary == "Unknown argument"


def test_a_folder_named_by_what_lies_in_another_artifact_counts_not() -> None:
    files = {
        "a.yaml": EXPERIMENT + artifact("m"),
        "m/inner.yaml": artifact("../specs", "inner"),
        "specs/b.yaml": document("ModelType", "t"),
    }
    assert sorted(map(str, loaded(files).resources)) == ["artifact/a", "experiment/e", "modeltype/t"]


def test_files_below_an_artifact_that_is_already_known_are_not_read() -> None:
    tree = MemoryTree({"a.yaml": EXPERIMENT + artifact("m"), "m/x/conda.yaml": FOREIGN})
    specs, _ = load_specs(Path("/p"), packs=Folders(), tree=tree)
    assert specs is not None
    assert "m/x/conda.yaml" not in tree.was_read


@pytest.mark.parametrize("source", [".", "..", "../specs", "../..", "../../.."])
def test_an_artifact_can_not_hold_its_own_document(source: str) -> None:
    _, diagnostics = load({"specs/a.yaml": EXPERIMENT + artifact(source)})
    assert [d.summary for d in diagnostics] == ["Artifact holds its own spec"]


@pytest.mark.parametrize("form", ["{}", "file://{}", "file://localhost{}"])
def test_absolute_paths_into_the_project_are_left_out_too(form: str, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "conda.yaml").write_text(FOREIGN)
    (tmp_path / "a.yaml").write_text(EXPERIMENT + artifact(form.format(tmp_path / "m")))
    specs, _ = load_specs(tmp_path, packs=Folders())
    assert specs is not None


@pytest.mark.parametrize(
    ("file", "source", "expected"),
    [
        ("a.yaml", "m", "m"),
        ("specs/a.yaml", "m", "specs/m"),
        ("specs/a.yaml", "../m/./x/", "m/x"),
        ("a.yaml", "../m", "../m"),
        ("a.yaml", "/abs/./m/", "/abs/m"),
        ("a.yaml", "file:///abs/my%20m", "/abs/my m"),
        ("a.yaml", "https://example.org/m", None),
        ("a.yaml", "models:/fraud/3", None),
        ("a.yaml", "http://[::1", None),
        ("a.yaml", "file:///a%00b", None),
        ("a.yaml", ".", "."),
        ("s/a.yaml", "..", "."),
    ],
)
def test_sources_are_relative_to_the_file_that_names_them(
    file: str, source: str, expected: str | None
) -> None:
    assert source_path(file, source) == expected


def test_links_to_a_source_are_followed(tmp_path: Path) -> None:
    (tmp_path / "models" / "v3").mkdir(parents=True)
    (tmp_path / "models" / "v3" / "conda.yaml").write_text(FOREIGN)
    (tmp_path / "models" / "latest").symlink_to("v3")
    (tmp_path / "a.yaml").write_text(EXPERIMENT + artifact("models/latest"))
    specs, diagnostics = load_specs(tmp_path, packs=Folders())
    assert specs is not None
    assert diagnostics == ()


def test_folders_cover_what_lies_in_them_only() -> None:
    folders = ArtifactFolders(MemoryTree({}))
    assert folders.add("a.yaml", "m/x")
    assert folders.cover("m/x")
    assert folders.cover("m/x/y/z.yaml")
    assert not folders.cover("m/xy.yaml")
    assert not folders.cover("m")
    assert folders.lie_below("m")
    assert not folders.lie_below("m/x")


def rendered(findings: tuple[tuple[str, Diagnostic], ...]) -> str:
    return "\n".join(render_diagnostic(d) for _, d in findings)


def test_what_can_not_be_read_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    os.mkfifo(tmp_path / "pipe.txt")
    assert (
        rendered(discover(FolderTree(tmp_path)).findings)
        == """\
Error: Not a regular file
  on pipe.yaml:1:1
  pipe.yaml is a pipe, socket or device.
  Remove it, or rename it.
"""
    )


class Unlistable(MemoryTree):
    def entries(self, skip: Skip) -> Iterator[Entry]:
        skip("")
        yield Entry("secret", 0, EntryType.UNREADABLE_FOLDER)


def test_a_folder_that_can_not_be_listed_is_an_error() -> None:
    assert (
        rendered(discover(Unlistable({})).findings)
        == """\
Error: Folder can't be read
  on secret:1:1
  secret is a folder that can't be listed.
  Allow reading it, or name it in .specrignore.
"""
    )


class Vanishing(MemoryTree):
    def read(self, path: str) -> bytes:
        if path.endswith(".yaml"):
            raise PermissionError(13, "Permission denied")
        return super().read(path)


def test_a_file_that_can_not_be_read_is_an_error() -> None:
    _, diagnostics = load_specs(Path("/p"), packs=Folders(), tree=Vanishing({"a.yaml": EXPERIMENT}))
    assert (
        "".join(map(render_diagnostic, diagnostics))
        == """\
Error: File can't be read
  on a.yaml:1:1
  a.yaml: Permission denied.
"""
    )


class Sealed(MemoryTree):
    def read(self, path: str) -> bytes:
        if path == ".specrignore":
            raise PermissionError(13, "Permission denied")
        return super().read(path)


def test_an_ignore_file_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".specrignore")
    ((path, finding),) = discover(FolderTree(tmp_path)).findings
    assert (path, finding.detail) == (".specrignore", "it is no regular file.")


def test_an_ignore_file_that_can_not_be_read_is_an_error() -> None:
    _, diagnostics = load_specs(Path("/p"), packs=Folders(), tree=Sealed({"a.yaml": EXPERIMENT}))
    assert [(d.summary, d.detail) for d in diagnostics] == [("File can't be read", "Permission denied.")]


def test_a_root_that_is_a_file_can_not_be_listed(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(EXPERIMENT)
    _, diagnostics = load_specs(tmp_path / "a.yaml", packs=Folders())
    assert [d.summary for d in diagnostics] == ["Folder can't be read"]


@pytest.mark.parametrize("source", ["models:/fraud/3", "https://example.org/m.zip", "s3://bucket/m"])
def test_sources_elsewhere_leave_nothing_out(source: str) -> None:
    files = {"a.yaml": EXPERIMENT + artifact(source), "models/fraud/3/x.yaml": document("ModelType", "t")}
    assert "modeltype/t" in map(str, loaded(files).resources)


def test_large_files_are_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specr.spec.read.FILE_LIMIT", 300)
    tree = MemoryTree({"a.yaml": EXPERIMENT + "#" * 300, "b.yaml": EXPERIMENT})
    _, diagnostics = load_specs(Path("/p"), packs=Folders(), tree=tree)
    assert (
        "".join(map(render_diagnostic, diagnostics))
        == f"""\
Error: File is too large
  on a.yaml:1:1
  a.yaml has {len(EXPERIMENT) + 300} bytes; a file may have 300.
  Split it, or name it in .specrignore.
"""
    )
    assert "a.yaml" not in tree.was_read


def test_large_projects_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specr.spec.read.PROJECT_LIMIT", 100)
    _, diagnostics = load_specs(
        Path("/p"),
        packs=Folders(),
        tree=MemoryTree({"a.yaml": EXPERIMENT, "b.yaml": document("ModelType", "t")}),
    )
    assert [d.summary for d in diagnostics] == ["Project is too large"]
    assert discovery.FILE_LIMIT == 32 * 2**20


def test_links_to_folders_are_a_warning_unless_an_artifact_lies_behind(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x.yaml").write_text(EXPERIMENT)
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "link").symlink_to("/usr")
    (tmp_path / "a.yaml").write_text(artifact("link/model"))
    specs, diagnostics = load_specs(tmp_path, packs=Folders())
    assert specs is not None
    assert [(d.severity, d.span and d.span.file) for d in diagnostics] == [(Severity.WARNING, "loop")]


def test_links_to_files_inside_are_read_and_others_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(EXPERIMENT)
    root = tmp_path / "project"
    (root / "..data").mkdir(parents=True)
    (root / "..data" / "a.yaml").write_text(EXPERIMENT)
    (root / "a.yaml").symlink_to("..data/a.yaml")
    (root / "b.yaml").symlink_to("../outside.yaml")
    (root / "c.yaml").symlink_to("nowhere")
    found = {e.path: e.type for e in FolderTree(root).entries(lambda _: False)}
    assert found == {
        "a.yaml": EntryType.FILE,
        "b.yaml": EntryType.ESCAPING_LINK,
        "c.yaml": EntryType.BROKEN_LINK,
    }


def test_a_folder_that_is_not_there_has_no_specs(tmp_path: Path) -> None:
    _, diagnostics = load_specs(tmp_path / "gone", packs=Folders())
    assert [d.summary for d in diagnostics] == ["No specs found"]


def test_a_deep_tree_is_walked_without_recursion(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(300):
        folder /= "d"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text(EXPERIMENT)
    assert [e.path.count("/") for e in FolderTree(tmp_path).entries(lambda _: False)] == [300]


def test_names_that_are_no_utf_8_are_read_and_shown(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.yaml")).write_text("a: [")
    _, diagnostics = load_specs(tmp_path, packs=Folders())
    assert "on caf\\xe9.yaml:1:5" in render_diagnostic(diagnostics[0])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b", "a/b"),
        ("a//b/", "a/b"),
        ("./a", "a"),
        ("a/..", "."),
        ("..", None),
        ("a/../..", None),
        ("/a", None),
    ],
)
def test_paths_are_normal_or_outside(path: str, expected: str | None) -> None:
    assert normalise(path) == expected


MODEL = {"m/MLmodel": "", "m/conda.yaml": FOREIGN, "m/code/setup.yml": "{", "m/inner/MLmodel": ""}


def test_a_model_that_no_artifact_names_is_left_out_with_one_warning() -> None:
    tree = MemoryTree({"a.yaml": EXPERIMENT, **MODEL})
    specs, diagnostics = load_specs(Path("/project"), packs=Folders(), tree=tree)
    assert specs is not None
    (warning,) = diagnostics
    assert warning.severity is Severity.WARNING
    assert warning.summary == "Model folder that no artifact names"
    assert warning.span is not None
    assert warning.span.file == "m"
    assert ".specrignore" in warning.remedy
    assert set(tree.was_read) <= {"a.yaml", ".specrignore"}


@pytest.mark.parametrize("source", ["m", "m/", "./m", ".", "file:/project/m"])
def test_nothing_is_said_of_a_model_that_an_artifact_names_or_holds(source: str, tmp_path: Path) -> None:
    root = tmp_path / "project"
    for path, text in {**MODEL, "specs/a.yaml": EXPERIMENT}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    named = source.replace("/project", str(root)) if ":" in source else f"../{source}"
    if source == ".":
        (root / "all").mkdir()
        (root / "m").rename(root / "all" / "m")
        named = "../all"
    (root / "specs" / "b.yaml").write_text(artifact(named))
    assert loaded_from(root) == []


def loaded_from(root: Path) -> list[str]:
    """What is said of a project on disk, but for what is undeclared."""
    _, diagnostics = load_specs(root, packs=Folders())
    return [d.summary for d in diagnostics if d.summary != "Reference to an undeclared resource"]


def test_an_ignored_model_is_not_told_of() -> None:
    _, diagnostics = load({"a.yaml": EXPERIMENT, ".specrignore": "m/\n", **MODEL})
    assert diagnostics == ()


def test_the_project_itself_is_no_model() -> None:
    assert paths({"MLmodel": "", "a.yaml": ""}) == ["a.yaml"]
    assert discover(MemoryTree({"MLmodel": "", "a.yaml": ""})).models == ()


def test_a_model_in_which_all_is_read_wrong_says_nothing_else() -> None:
    class Odd(MemoryTree):
        def entries(self, skip: Skip) -> Iterator[Entry]:
            yield from super().entries(skip)
            yield Entry("m/gone.yaml", 0, EntryType.BROKEN_LINK)

    listing = discover(Odd({"a.yaml": "", **MODEL}))
    assert (listing.findings, listing.models) == ((), ("m",))

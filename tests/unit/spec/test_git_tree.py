"""The files of a revision: the same as a checkout would give, and what is told where there are none."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.spec.git_tree import GitTree
from specr.spec.tree import Entry, EntryType, FolderTree, Tree


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, message: str = "x") -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(autouse=True, scope="module")
def no_settings_of_this_machine() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            patch.delenv(name)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Someone")
            patch.setenv(f"GIT_{role}_EMAIL", "someone@example.org")
        yield


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    made = tmp_path / "repository"
    made.mkdir()
    git(made, "init", "-q", "-b", "main")
    return made


def listing(tree: Tree) -> list[Entry]:
    return sorted(tree.entries(lambda _: False), key=attrgetter("path"))


def told(folder: Path, revision: str) -> Diagnostic:
    with pytest.raises(DiagnosticError) as caught:
        GitTree(folder, revision)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.remedy
    return diagnostic


def test_it_is_a_tree(repository: Path) -> None:
    commit(repository)
    _: Tree = GitTree(repository, "main")


def test_an_earlier_revision_is_read_while_the_folder_holds_another(repository: Path) -> None:
    (repository / "a.yaml").write_text("one")
    first = commit(repository)
    (repository / "a.yaml").write_text("second")
    (repository / "b.yaml").write_text("new")
    commit(repository)
    (repository / "a.yaml").write_text("not committed")
    for revision in (first, first[:10], "HEAD~1", "main^"):
        tree = GitTree(repository, revision)
        assert tree.commit == first
        assert listing(tree) == [Entry("a.yaml", 3)]
        assert tree.read("a.yaml") == b"one"
    assert [e.path for e in listing(GitTree(repository, "HEAD"))] == ["a.yaml", "b.yaml"]
    assert git(repository, "status", "--porcelain") == "M a.yaml"


def test_a_tag_and_a_branch_name_a_revision(repository: Path) -> None:
    commit(repository)
    git(repository, "tag", "-a", "v1", "-m", "x")
    git(repository, "branch", "feature/x")
    assert GitTree(repository, "v1").commit == GitTree(repository, "feature/x").commit


def test_a_project_may_be_a_part_of_its_repository(repository: Path) -> None:
    project = repository / "deploy" / "models"
    project.mkdir(parents=True)
    (project / "a.yaml").write_text("a")
    (project / "out").symlink_to("../other.yaml")
    (repository / "deploy" / "other.yaml").write_text("b")
    commit(repository)
    tree = GitTree(project, "HEAD")
    assert listing(tree) == [Entry("a.yaml", 1), Entry("out", 0, EntryType.ESCAPING_LINK)]
    with pytest.raises(FileNotFoundError):
        tree.read("other.yaml")


def test_a_project_that_a_revision_has_not_is_empty(repository: Path) -> None:
    (repository / "deploy").write_text("a file, then")
    first = commit(repository)
    (repository / "deploy").unlink()
    (repository / "deploy").mkdir()
    (repository / "deploy" / "a.yaml").write_text("a")
    commit(repository)
    assert listing(GitTree(repository / "deploy", first)) == []
    with pytest.raises(FileNotFoundError):
        GitTree(repository / "deploy", first).read("a.yaml")


def test_what_is_skipped_is_not_looked_into(repository: Path) -> None:
    for path in (
        "a.yaml",
        ".github/b.yaml",
        "models/wine/MLmodel",
        "models/c.yaml",
        "x/.y/d.yaml",
        "x/.e.yaml",
    ):
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).touch()
    commit(repository)
    asked = list[str]()

    def skip(folder: str) -> bool:
        asked.append(folder)
        return folder == "models"

    assert sorted(e.path for e in GitTree(repository, "HEAD").entries(skip)) == ["a.yaml", "x/.e.yaml"]
    assert sorted(asked) == ["models", "x"]


def test_what_is_no_file_cannot_be_read(repository: Path) -> None:
    (repository / "folder").mkdir()
    (repository / "folder" / "f").touch()
    (repository / "broken").symlink_to("nothing")
    (repository / "circle").symlink_to("circle")
    (repository / "out").symlink_to("/etc/hostname")
    commit(repository)
    tree = GitTree(repository, "HEAD")
    for path in ("folder", "."):
        with pytest.raises(IsADirectoryError):
            tree.read(path)
    for path in ("gone", "broken", "circle", "out", "../x", "folder/f/x"):
        with pytest.raises(FileNotFoundError):
            tree.read(path)
    types = {e.path: e.type for e in listing(tree)}
    assert types["broken"] is types["circle"] is EntryType.BROKEN_LINK
    assert types["out"] is EntryType.ESCAPING_LINK


def test_a_submodule_is_told_as_a_folder_elsewhere(repository: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    (other / "a.yaml").write_text("a")
    commit(other)
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "sub")
    commit(repository)
    assert Entry("sub", 0, EntryType.LINKED_FOLDER) in listing(GitTree(repository, "HEAD"))


def test_a_shallow_clone_is_enough_for_what_it_holds(repository: Path, tmp_path: Path) -> None:
    (repository / "a.yaml").write_text("one")
    first = commit(repository)
    (repository / "a.yaml").write_text("two")
    second = commit(repository)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", str(clone))
    assert GitTree(clone, second).read("a.yaml") == b"two"
    diagnostic = told(clone, first)
    assert diagnostic.summary == "Unknown git revision"
    assert "only a part of the history" in diagnostic.detail
    command = diagnostic.remedy.split("`")[1]
    assert command == f"git fetch --depth=1 origin {first}"
    git(clone, *command.split()[1:])
    assert GitTree(clone, first).read("a.yaml") == b"one"


@pytest.mark.parametrize(
    ("revision", "remedy"),
    [
        ("HEAD~3", "Fetch the history: `git fetch --unshallow`."),
        ("v9", "Fetch it: `git fetch --depth=1 origin v9`, and name FETCH_HEAD instead."),
        ("a b", "Fetch it: `git fetch --depth=1 origin 'a b'`, and name FETCH_HEAD instead."),
        ("origin/x/y", "Fetch it: `git fetch --depth=1 origin x/y:refs/remotes/origin/x/y`."),
    ],
)
def test_a_shallow_clone_says_how_to_get_more(
    repository: Path, tmp_path: Path, revision: str, remedy: str
) -> None:
    commit(repository)
    commit(repository)
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", "clone")
    assert told(tmp_path / "clone", revision).remedy == remedy


def test_a_branch_that_only_the_remote_has_is_told(repository: Path, tmp_path: Path) -> None:
    commit(repository)
    git(repository, "branch", "release")
    git(tmp_path, "clone", "-q", str(repository), "clone")
    assert told(tmp_path / "clone", "release").remedy == "Did you mean origin/release?"
    assert told(tmp_path / "clone", "mian").remedy == "Did you mean main?"
    assert "git fetch" in told(tmp_path / "clone", "zzz").remedy


@pytest.mark.parametrize("revision", ["", "--help", "-x", "a\0b", "HEAD:a.yaml", "0" * 40, "x\n", "\udcff"])
def test_what_is_no_revision_is_told(repository: Path, revision: str) -> None:
    (repository / "a.yaml").touch()
    commit(repository)
    assert told(repository, revision).summary == "Unknown git revision"


@pytest.mark.parametrize(
    ("revision", "ends"),
    [("v1..v2", "v1 v2"), ("main...", "main HEAD"), ("..main", "HEAD main")],
)
def test_a_range_is_told_as_its_ends(repository: Path, revision: str, ends: str) -> None:
    commit(repository)
    diagnostic = told(repository, revision)
    assert "a range of revisions" in diagnostic.detail
    assert diagnostic.remedy.endswith(f": {ends}")


def test_a_repository_without_commits_is_told(repository: Path) -> None:
    assert "no commits yet" in told(repository, "HEAD").detail


def test_a_folder_outside_of_repositories_is_told(tmp_path: Path) -> None:
    assert told(tmp_path, "HEAD").summary == "Not a git repository"
    assert told(tmp_path / "gone", "HEAD").summary == "Folder not found"


def test_a_machine_without_git_is_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repository)
    monkeypatch.setenv("PATH", str(repository))
    assert told(repository, "HEAD").summary == "Git can't be run"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_repository_of_someone_else_is_told(repository: Path) -> None:
    commit(repository)
    for path in (repository, repository / ".git"):
        os.chown(path, 65534, 65534)
    diagnostic = told(repository, "HEAD")
    assert diagnostic.summary == "Git distrusts the repository"
    assert f"safe.directory {repository}" in diagnostic.remedy


def test_a_damaged_repository_is_told(repository: Path) -> None:
    (repository / "a.yaml").write_text("a")
    commit(repository)
    tree = GitTree(repository, "HEAD")
    assert listing(tree)
    shutil.rmtree(repository / ".git" / "objects")
    with pytest.raises(OSError, match="has not got the object"):
        tree.read("a.yaml")


def test_a_hook_of_another_repository_does_not_lead_away(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "a.yaml").write_text("a")
    commit(repository)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert GitTree(repository, "HEAD").read("a.yaml") == b"a"


def test_threads_may_read_at_once(repository: Path) -> None:
    for number in range(30):
        (repository / f"{number}.yaml").write_bytes(str(number).encode() * 5_000)
    commit(repository)
    tree = GitTree(repository, "HEAD")
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda n: tree.read(f"{n % 30}.yaml"), range(120)))
    assert read == [str(n % 30).encode() * 5_000 for n in range(120)]


def test_no_process_outlives_its_tree(repository: Path) -> None:
    (repository / "a.yaml").write_text("a")
    commit(repository)
    before = set(psutil.Process().children())
    tree = GitTree(repository, "HEAD")
    tree.read("a.yaml")
    assert set(psutil.Process().children()) - before
    del tree
    gc.collect()
    assert not set(psutil.Process().children()) - before


names = st.one_of(
    st.sampled_from(
        ["a.yaml", "b", "models", "deep", ".hidden", "äöü.yaml", "tab\there", "line\nbreak", '"quoted"']
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=4),
    st.binary(min_size=1, max_size=3).map(os.fsdecode),
).filter(lambda n: n not in (".", "..") and "/" not in n and "\0" not in n and n.lower() != ".git")
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
targets = st.lists(st.sampled_from(["..", ".", "a.yaml", "b", "models", "deep"]), min_size=1, max_size=4)


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(paths, st.binary(max_size=20), max_size=5),
    st.dictionaries(paths, targets.map("/".join), max_size=4),
)
def test_a_revision_reads_like_its_checkout(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], links: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("same")
    git(folder, "init", "-q")
    made = list[str]()
    for path, data in files.items():
        if (
            not any((folder / p).is_file() for p in made if path.startswith(p + "/"))
            and not (folder / path).exists()
        ):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
            made.append(path)
    for path, target in links.items():
        parent = (folder / path).parent
        if not os.path.lexists(folder / path) and parent.is_dir() and parent.resolve() == parent:
            (folder / path).symlink_to(target)
            made.append(path)
    commit(folder)
    revision, checkout = GitTree(folder, "HEAD"), FolderTree(folder)

    def comparable(tree: Tree) -> dict[str, Entry]:
        entries = tree.entries(lambda folder: folder.startswith("models"))
        return {e.path: e if e.type is EntryType.FILE else replace(e, size=0) for e in entries}

    there, here = comparable(revision), comparable(checkout)
    assert there.keys() == here.keys()
    for path, entry in there.items():
        if entry.type is EntryType.ESCAPING_LINK:
            assert checkout.resolve(path) is None  # what lies there only the disk knows
            continue
        assert entry == here[path]
        if entry.type is not EntryType.BROKEN_LINK:
            assert revision.resolve(path) == checkout.resolve(path)
        if entry.type is EntryType.FILE:
            assert revision.read(path) == checkout.read(path)


def test_an_absolute_path_leads_out_of_a_revision(repository: Path) -> None:
    (repository / "a.yaml").write_text("a")
    commit(repository)
    tree = GitTree(repository, "HEAD")
    assert tree.resolve("/a.yaml") is None
    assert tree.resolve(str(repository / "a.yaml")) is None
    assert tree.resolve("a.yaml") == "a.yaml"

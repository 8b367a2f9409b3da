from __future__ import annotations

import gc
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.address import Address
from specr.diagnostics import Diagnostic, Severity, Span
from specr.resources.deployment import Deployment
from specr.resources.project import Project
from specr.spec.load import load_specs
from specr.spec.model import Origin, reference_graph
from tests.unit.spec.projects import ROOT, Folders, MemoryTree, document, load, loaded, marked, only

EXPERIMENT = document("Experiment", "fraud")
MODEL = document("Model", "fraud", "{versions: {1: fraud}, aliases: {champion: 1}}")
DEPLOYMENT = document("Deployment", "api", "{model: fraud, alias: champion, replicas: 3}")
SMALL = EXPERIMENT + MODEL + DEPLOYMENT


def test_a_project_is_loaded() -> None:
    specs = loaded(SMALL)
    assert specs.root == ROOT
    assert specs.project == Project(name="project")
    assert list(map(str, specs.resources)) == ["deployment/api", "experiment/fraud", "model/fraud"]
    deployment = specs.resources[Address("deployment", "api")]
    assert isinstance(deployment, Deployment)
    assert (deployment.model, deployment.alias, deployment.replicas) == ("fraud", "champion", 3)
    assert specs.origins[Address("deployment", "api")] == Origin("specs.yaml", 2)


def findings(files: dict[str, str]) -> tuple[Diagnostic, ...]:
    return load(files)[1]


def test_a_folder_of_foreign_yaml_is_told_as_that() -> None:
    foreign = {f"ci/{n}.yaml": f"{{apiVersion: v1, kind: Pod, n: {n}}}\n---\njobs: []\n" for n in range(40)}
    foreign["broken.yaml"] = "a: [1\n"
    told = only(foreign)
    assert (told.summary, told.span) == ("No specs found", None)
    assert told.detail == "/project holds 41 YAML files, and none of them can be read as a spec."
    # One that may be meant as a spec, broken or not, makes it a project, in which each of them is wrong.
    assert len(findings({**foreign, "a.yaml": EXPERIMENT})) > 40
    assert len(findings({**foreign, "a.yaml": EXPERIMENT.replace("{", "[")})) > 40
    # And so does being few.
    assert len(findings(dict(list(foreign.items())[:5]))) == 10


def test_the_graph_holds_what_resources_need() -> None:
    specs = loaded(SMALL)
    assert specs.graph == {
        Address("deployment", "api"): (Address("model", "fraud"),),
        Address("experiment", "fraud"): (),
        Address("model", "fraud"): (Address("experiment", "fraud"),),
    }
    assert reference_graph({}) == {}


def test_the_project_document_is_no_resource() -> None:
    specs = loaded(document("Project", "risk", "{defaultProvider: memory}") + SMALL)
    assert specs.project.default_provider == "memory"
    assert Address("project", "risk") not in specs.resources


@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_files_and_their_order_do_not_matter(random: random.Random, parts: int) -> None:
    documents = [EXPERIMENT, MODEL, DEPLOYMENT, document("Project", "p"), document("ModelType", "t")]
    random.shuffle(documents)
    files: dict[str, str | bytes] = {}
    for position, text in enumerate(documents):
        name = f"{'deep/' * (position % 2)}{position % parts}.yaml"
        files[name] = str(files.get(name, "")) + text
    names = list(files)
    random.shuffle(names)
    specs = loaded({name: files[name] for name in names})
    expected = loaded("".join(sorted(documents)))
    assert specs.resources == expected.resources
    assert list(specs.resources) == list(expected.resources)
    assert specs.project == expected.project


def test_findings_are_sorted_by_place_and_all_told_at_once() -> None:
    files = {
        "b.yaml": document("Deployment", "d", "{model: nope, version: 1}"),
        "a.yaml": document("Model", "m", "{versoins: {}, versions: {}}") + document("Runtime", "r"),
    }
    _, diagnostics = load(files)
    assert [(d.span and d.span.file, d.summary) for d in diagnostics] == [
        ("a.yaml", "Unknown argument"),
        ("a.yaml", "Missing argument"),
        ("b.yaml", "Reference to an undeclared resource"),
    ]


def test_a_reference_to_a_document_with_errors_is_not_undeclared() -> None:
    broken = document("Experiment", "fraud", "{stats: {}}")
    assert only(broken + MODEL + DEPLOYMENT).summary == "Unknown argument"


def test_a_reference_to_a_document_that_can_not_be_read_is_not_undeclared() -> None:
    broken = "---\napiVersion: specr/v1\nkind: Experiment\nmetadata:\n  name: fraud\nspec: [\n"
    found = only(broken + MODEL + DEPLOYMENT + document("Model", "other", "{versions: {}}"))
    assert found.summary == "Invalid YAML"
    _, diagnostics = load(broken + document("Model", "m", "{versions: {1: other}}"))
    assert [d.summary for d in diagnostics] == ["Invalid YAML", "Reference to an undeclared resource"]


def test_nothing_is_undeclared_while_a_document_may_be_anything() -> None:
    assert only("a: [\n" + MODEL).summary == "Invalid YAML"
    assert only(document("Artefact", "x") + MODEL).summary == "Unknown kind"
    assert only({"a.yaml": b"\xff", "b.yaml": MODEL}).summary == "File is not UTF-8"


def test_files_of_another_kind_hide_no_findings() -> None:
    _, diagnostics = load({"compose.yaml": "services: {}\n", "b.yaml": MODEL})
    assert [d.summary for d in diagnostics] == [
        "Reference to an undeclared resource",
        "Document has no apiVersion",
    ]


def test_a_broken_project_hides_what_depends_on_it() -> None:
    project = document("Project", "p", "{variables: {a: 1}, pakcs: [x]}")
    uses = document("Experiment", "e", "{parameters: {a: '${var.b}'}}")
    deployment = document("Deployment", "d", "{model: m, version: 1, provider: gpu, runtime: in-pack}")
    model = document("Model", "m", "{versions: {1: e}}")
    assert only(project + uses + deployment + model).summary == "Unknown argument"


def test_a_project_that_can_not_be_told_hides_them_too() -> None:
    uses = document("Experiment", "e", "{parameters: {a: '${var.b}'}}")
    assert only(document("Projct", "p", "{variables: {b: 1}}") + uses).summary == "Unknown kind"
    assert (
        only("---\napiVersion: specr/v1\nkind: Project\nmetadata: {name: p\n" + uses).summary
        == "Invalid YAML"
    )


def test_packs_add_their_resources(tmp_path: Path) -> None:
    (tmp_path / "catalogue.yaml").write_text(document("ModelType", "from-pack"))
    project = document("Project", "p", "{packs: [extra]}")
    runtime = document("Runtime", "r", "{modelType: from-pack}")
    specs, _ = load(project + runtime, packs={"extra": tmp_path})
    assert specs is not None
    assert specs.origins[Address("modeltype", "from-pack")] == Origin("catalogue.yaml", 0, "extra")
    assert specs.origins[Address("runtime", "r")] == Origin("specs.yaml", 1)


def test_packs_are_not_asked_for_where_none_is_named() -> None:
    class Refusing(Folders):
        def names(self) -> tuple[str, ...]:
            raise AssertionError

        def folder(self, name: str) -> Path:
            raise AssertionError

    specs, _ = load_specs(ROOT, packs=Refusing(), tree=MemoryTree({"a.yaml": EXPERIMENT}))
    assert specs is not None


def test_an_unknown_pack_hides_what_it_may_hold() -> None:
    project = document("Project", "p", "{packs: [extra]}")
    assert only(project + document("Runtime", "r", "{modelType: from-pack}")).summary == "Unknown pack"


def test_packs_have_no_variables(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(document("ModelType", "t", "{readableName: '${var.x}'}"))
    _, diagnostics = load(
        document("Project", "p", "{packs: [extra], variables: {x: a}}"), packs={"extra": tmp_path}
    )
    assert [d.summary for d in diagnostics] == ["Reference to an undeclared variable"]


def test_two_packs_can_not_declare_one_address(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text(document("ModelType", "t"))
    packs = {name: tmp_path / name for name in ("one", "two")}
    _, diagnostics = load(document("Project", "p", "{packs: [one, two]}"), packs=packs)
    assert [d.summary for d in diagnostics] == ["Name is taken by a pack"]
    assert "declared by the pack two, and by the pack one in <pack one>/a.yaml" in diagnostics[0].detail
    assert diagnostics[0].remedy == "Leave one of the two packs out."


def test_a_warning_leaves_the_specs_usable(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(EXPERIMENT)
    (tmp_path / "link").symlink_to("/usr")
    specs, diagnostics = load_specs(tmp_path, packs=Folders())
    assert specs is not None
    assert [d.severity for d in diagnostics] == [Severity.WARNING]


def test_specs_find_places_for_later_findings() -> None:
    specs = loaded("# head\n\n" + SMALL)
    address = Address("deployment", "api")
    found = specs.locate(Diagnostic("a", "b", address=address, path=("spec", "replicas")))
    assert marked(found) == "3"
    assert found.span is not None
    assert (found.span.file, found.span.line) == ("specs.yaml", 17)
    deeper = specs.locate(Diagnostic("a", "b", address=address, path=("spec", "runtime", "name")))
    assert marked(deeper) == "spec"
    misnamed = specs.locate(Diagnostic("a", "b", address=address, path=("spec", "replicas"), at_key=True))
    assert marked(misnamed) == "replicas"
    as_a_whole = specs.locate(Diagnostic("a", "b", address=address))
    assert marked(as_a_whole) == "api"


def test_what_an_unwritten_spec_lacks_is_told_at_the_name() -> None:
    specs = loaded("apiVersion: specr/v1\nkind: Experiment\nmetadata: {name: bare}\n")
    address = Address("experiment", "bare")
    found = specs.locate(Diagnostic("a", "b", address=address, path=("spec", "schema")))
    assert marked(found) == "bare"


def test_a_build_is_told_at_the_source_of_its_artifact() -> None:
    specs = loaded(
        EXPERIMENT + document("Artifact", "fraud", "{experiment: fraud, type: a/b, source: m.bin}")
    )
    found = specs.locate(Diagnostic("a", "b", address=Address("build", "fraud.mlflow")))
    assert (found.address, found.path, marked(found)) == (Address("build", "fraud.mlflow"), (), "m.bin")


def test_findings_without_a_document_keep_no_place() -> None:
    specs = loaded(SMALL)
    for finding in (
        Diagnostic("a", "b"),
        Diagnostic("a", "b", address=Address("build", "x.y")),
        Diagnostic("a", "b", address=Address("deployment", "api"), span=Span("x", 1, 1)),
    ):
        assert specs.locate(finding) is finding


def test_the_collector_is_left_as_it_was() -> None:
    assert gc.isenabled()
    loaded(SMALL)
    assert gc.isenabled()
    gc.disable()
    try:
        loaded(SMALL)
        assert not gc.isenabled()
    finally:
        gc.enable()

    class Failing(MemoryTree):
        def read(self, path: str) -> bytes:
            raise RuntimeError(path)

    with pytest.raises(RuntimeError):
        load_specs(ROOT, packs=Folders(), tree=Failing({}))
    assert gc.isenabled()


def test_many_findings_are_told_without_parsing_all_documents_again(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    monkeypatch.setattr("specr.spec.locate.parse_nodes", parsed.append)
    monkeypatch.setattr("specr.spec.locate.EXACT_LIMIT", 3)
    _, diagnostics = load("".join(document("Runtime", f"r{n}") for n in range(10)))
    assert len(diagnostics) == 10
    assert len(parsed) == 3
    assert [d.span and d.span.line for d in diagnostics] == [2 + 5 * n for n in range(10)]


def test_a_document_too_long_to_parse_again_is_told_by_its_first_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("specr.spec.locate._LONGEST_TEXT", 50)
    assert marked(only("# a comment\n" + document("Runtime", "r"))) == "apiVersion: specr/v1"


def test_loading_imports_nothing_slow() -> None:
    slow = ("ruamel.yaml", "jsonschema", "deepdiff", "rich", "httpx", "pathspec")
    program = (
        "import sys; from specr.spec.load import load_specs; import specr.packs;"
        f"print([m for m in {slow} if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


@pytest.mark.parametrize(
    ("target", "remedy"),
    [
        ("build/x.y", "Builds are derived from deployments, never declared"),
        ("deploymant/x", "Did you mean deployment?"),
        ("potato/x", "There is no such kind; there are: "),
        ("artifact/x", "Declare it, in a document of kind Artifact."),
    ],
)
def test_what_to_do_about_a_target_fits_its_kind(target: str, remedy: str) -> None:
    found = only(document("Experiment", "e", f"{{dependsOn: [{target}]}}"))
    assert found.summary == "Reference to an undeclared resource"
    assert remedy in found.remedy

"""From a registry's models to specs: names that stay apart, files that are read as what was found."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specr.address import is_name
from specr.cli.program import run
from specr.diagnostics import DiagnosticError
from specr.importing.catalog import known_importers, open_importer
from specr.importing.naming import assign_names
from specr.importing.protocol import Found, FoundModel, FoundVersion, Wanted
from specr.importing.specs import make_specs
from specr.packs import InstalledPacks
from specr.resources.base import Resource
from specr.spec.load import load_specs
from specr.spec.write import render_specs

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Co", "Cn")), max_size=30)


class TestNames:
    @given(st.lists(TEXTS, max_size=8))
    def test_they_are_names_and_stay_apart(self, texts: list[str]) -> None:
        names = assign_names(texts)
        assert names.keys() == set(texts)
        assert len(set(names.values())) == len(names)
        assert all(is_name(f"{name}-v1234567") for name in names.values())

    @given(st.lists(TEXTS, max_size=8))
    def test_the_order_does_not_matter(self, texts: list[str]) -> None:
        assert assign_names(texts) == assign_names(reversed(texts))

    def test_what_fits_stays(self) -> None:
        assert assign_names(["fraud", "Fraud Model_1"]) == {
            "fraud": "fraud",
            "Fraud Model_1": "fraud-model-1",
        }
        both = assign_names(["fraud-1", "Fraud 1", "fraud_1"])
        assert both["fraud-1"] == "fraud-1"
        assert both["Fraud 1"].startswith("fraud-1-")
        assert both["Fraud 1"] == assign_names(["Fraud 1", "fraud-1"])["Fraud 1"]

    def test_what_has_no_letters_gets_a_name_too(self) -> None:
        assert assign_names(["模型"])["模型"].startswith("model-")


def found(*models: FoundModel) -> Found:
    return Found(models, "python/mlflow", ("mlflow",), {"models": {"trackingUri": "https://h"}})


def model(name: str = "Fraud", **more: object) -> FoundModel:
    version = FoundVersion(
        2,
        f"models:/{name}/2",
        description="no: ${var.x} # 'quoted'",
        metadata={"note": "$${var.y} ${var.z}", "1": "no", "tricky": "1_000"},
        parameters={"depth": "3", "": " x\n y "},
        statistics={"auc": 0.93, "val/loss": 1e-12, "n": 3},
    )
    first = FoundVersion(1, f"models:/{name}/1")
    return FoundModel(name, (first, version), **{"aliases": {"champion": 2, "Best_One": 1}, **more})  # type: ignore[arg-type]


def resources(text: str, folder: Path) -> dict[str, Resource]:
    folder.joinpath("a.yaml").write_text(text, encoding="utf-8")
    specs, problems = load_specs(folder, packs=InstalledPacks(), variables={})
    assert specs is not None, problems
    return {str(address): resource for address, resource in specs.resources.items()}


class TestSpecs:
    def test_they_are_read_as_what_was_found(self, tmp_path: Path) -> None:
        (made,), warnings = make_specs(found(model()), deploy="champion")
        assert not warnings
        read = resources(render_specs(made.resources), tmp_path)
        assert read.keys() == {
            *("experiment/fraud-v1", "experiment/fraud-v2", "artifact/fraud-v1", "artifact/fraud-v2"),
            *("model/fraud", "deployment/fraud"),
        }
        assert read == {str(r.address): r for r in made.resources}

    @given(TEXTS, TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=3))
    def test_any_text_is_kept(self, name: str, description: str, tags: dict[str, str]) -> None:
        from tempfile import TemporaryDirectory

        version = FoundVersion(1, f"models:/{name}/1", description=description, metadata=tags)
        (made,), _ = make_specs(found(FoundModel(name, (version,))))
        with TemporaryDirectory() as folder:
            read = resources(render_specs(made.resources), Path(folder))
        assert read == {str(r.address): r for r in made.resources}

    @pytest.mark.parametrize("text", ["\0", "\x85"])
    def test_a_text_that_can_not_be_kept_is_refused(self, text: str) -> None:
        (made,), _ = make_specs(
            found(FoundModel("m", (FoundVersion(1, "models:/m/1", metadata={"k": text}),)))
        )
        with pytest.raises(DiagnosticError) as caught:
            render_specs(made.resources)
        (told,) = caught.value.diagnostics
        assert told.summary == "Specs can't be written"
        assert "experiment/m-v1" in told.detail

    def test_aliases_that_can_not_be_told_apart(self) -> None:
        (made,), warnings = make_specs(found(model(aliases={"A": 1, "a": 2, "模": 1})))
        assert made.resources[-1].arguments()["aliases"] == {"a": 2}
        assert [w.summary for w in warnings] == ["Alias left out", "Alias left out"]
        assert not any(w.is_error for w in warnings)

    def test_what_a_registry_tells_twice_is_imported_once(self, tmp_path: Path) -> None:
        one, again = FoundVersion(1, "models:/m/1"), FoundVersion(1, "models:/m/1", description="changed")
        two = FoundVersion(2, "models:/m/2")
        told = FoundModel("m", (one, two, one, two))
        (made,), warnings = make_specs(found(told, told))
        assert not warnings
        assert resources(render_specs(made.resources), tmp_path).keys() >= {"model/m", "artifact/m-v2"}
        (other,), warnings = make_specs(found(FoundModel("m", (one, two, again))))
        assert other == made
        (warning,) = warnings
        assert (warning.summary, warning.is_error) == ("Version told twice", False)

    def test_no_deployment_without_the_alias(self) -> None:
        (made,), _ = make_specs(found(model()), deploy="other")
        assert not any(r.kind == "Deployment" for r in made.resources)


class FakeImporter:
    """A plug-in's importer."""

    answer = found(model())
    asked: Wanted | None = None

    def find(self, wanted: Wanted) -> Found:
        type(self).asked = wanted
        return self.answer


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    points = {"specr.importers": (EntryPoint("fake", "x:y", "specr.importers"),)}
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points.get(group, ()))
    monkeypatch.setattr(EntryPoint, "load", lambda self: FakeImporter)
    FakeImporter.answer, FakeImporter.asked = found(model()), None


@pytest.mark.usefixtures("installed")
class TestCommand:
    def specr(self, capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> SimpleNamespace:
        code = run(["-C", str(folder), *words])
        captured = capsys.readouterr()
        return SimpleNamespace(code=code, out=captured.out, err=captured.err)

    def test_files_that_are_formatted_and_valid(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        told = self.specr(capsys, tmp_path, "import", "fake", "https://h", "--deploy", "champion")
        assert told.code == 0, told.err
        assert told.out.splitlines() == [str(tmp_path / "fraud.yaml"), str(tmp_path / "specr.yaml")]
        assert "1 model with 2 versions" in told.err
        assert "declare a Deployment" not in told.err
        assert self.specr(capsys, tmp_path, "fmt", "--check").code == 0
        assert "trackingUri: https://h" in (tmp_path / "specr.yaml").read_text()
        again = self.specr(capsys, tmp_path, "import", "fake", "https://h", "--deploy", "champion")
        assert again.out == "Nothing to write: the specs are there already.\n"

    def test_nothing_is_written_over_unasked(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.specr(capsys, tmp_path, "import", "fake")
        path = tmp_path / "fraud.yaml"
        path.write_text(path.read_text() + "# mine\n")
        told = self.specr(capsys, tmp_path, "import", "fake")
        assert told.code == 1
        assert "File exists already" in told.err
        assert "--force" in told.err
        assert "# mine" in path.read_text()
        assert self.specr(capsys, tmp_path, "import", "fake", "--force").code == 0
        assert "# mine" not in path.read_text()

    def test_what_is_declared_elsewhere_is_not_declared_again(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.specr(capsys, tmp_path, "import", "fake")
        told = self.specr(capsys, tmp_path, "import", "fake", "--out", "more", "--force")
        assert told.code == 1
        assert told.err.count("Error: Already declared") == 1
        words = " ".join(told.err.split())
        assert f"{tmp_path / 'fraud.yaml'} declares experiment/fraud-v1, artifact/fraud-v1" in words
        assert f"were to be written to {tmp_path / 'more' / 'fraud.yaml'}; nothing was written." in words
        assert "with `--out .`, and `--force` to write over it." in words
        assert not (tmp_path / "more").exists()
        assert self.specr(capsys, tmp_path, "import", "fake", "--out", ".", "--force").code == 0

    def test_what_is_declared_by_hand_is_told_once_a_file(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        spec = "apiVersion: specr/v1\nkind: {}\nmetadata: {{name: {}}}\nspec: {}\n---\n"
        (tmp_path / "own.yaml").write_text(
            spec.format("Experiment", "fraud-v1", "{}")
            + spec.format("Model", "fraud", "{versions: {1: fraud-v1}}")
        )
        told = self.specr(capsys, tmp_path, "import", "fake")
        assert told.code == 1
        words = " ".join(told.err.split())
        assert f"{tmp_path / 'own.yaml'} declares experiment/fraud-v1 and model/fraud, which" in words
        assert "--out" not in words
        assert "Remove them there" in words
        assert told.err.count("Error:") == 1

    def test_a_project_that_is_there_stays_and_is_told_what_it_lacks(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = (
            "apiVersion: specr/v1\nkind: Project\nmetadata: {name: mine}\nspec: {sources: {models: {a: b}}}\n"
        )
        (tmp_path / "specr.yaml").write_text(before)
        told = self.specr(capsys, tmp_path, "import", "fake", "https://h", "--out", "models")
        assert (tmp_path / "specr.yaml").read_text() == before
        assert '{packs: ["mlflow"], sources: {models: {trackingUri: "https://h"}}}' in told.err
        assert "declare a Deployment" in told.err
        assert (tmp_path / "models" / "fraud.yaml").exists()
        assert FakeImporter.asked is not None
        assert FakeImporter.asked.settings == {"models": {"a": "b"}}

    def test_a_project_may_say_more_of_a_source(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        settings = '{packs: [mlflow], sources: {models: {trackingUri: "https://h", timeout: 60}}}'
        (tmp_path / "specr.yaml").write_text(
            f"apiVersion: specr/v1\nkind: Project\nmetadata: {{name: mine}}\nspec: {settings}\n"
        )
        told = self.specr(capsys, tmp_path, "import", "fake", "https://h")
        assert told.code == 0, told.err
        assert "sources" not in told.err

    def test_an_empty_registry(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        FakeImporter.answer = found()
        assert self.specr(capsys, tmp_path, "import", "fake").out == "No models.\n"
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("kind", "words"),
        [("fakes", "Did you mean fake?"), ("zz", "There are: fake"), ("deployment/x", "can't take over")],
    )
    def test_unknown_registries(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, words: str
    ) -> None:
        told = self.specr(capsys, tmp_path, "import", kind)
        assert told.code == 1
        assert words in told.err

    def test_a_folder_that_can_not_be_written(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "file").write_text("")
        told = self.specr(capsys, tmp_path, "import", "fake", "--out", "file/below")
        assert told.code == 1
        assert "could not be written" in " ".join(told.err.split())

    def test_kinds_are_completed(self) -> None:
        from specr.cli.parameters import IMPORTER

        assert known_importers() == ("fake",)
        found = IMPORTER.shell_complete(None, None, "fa")  # type: ignore[arg-type]  # neither is looked at
        assert [item.value for item in found] == ["fake"]


def test_a_broken_plug_in_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    points = (EntryPoint("bad", "no_such_package:x", "specr.importers"),)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)
    with pytest.raises(DiagnosticError) as caught:
        open_importer("bad")
    assert caught.value.diagnostics[0].summary == "Broken import plug-in"

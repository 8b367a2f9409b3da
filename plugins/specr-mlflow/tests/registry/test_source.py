"""`models:/…`: which version it is, its files, and what is told where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from specr_mlflow.registry import library
from specr_mlflow.registry.client import MlflowServer
from specr_mlflow.registry.place import server_at
from specr_mlflow.registry.source import ModelsSource

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.sources.catalog import SourceContext
from specr.sources.limits import HttpLimits
from specr.sources.protocol import Previewer, Source


def told(source: Source, reference: str = "models:/fraud@champion") -> Diagnostic:
    """The finding about a reference that can't be resolved."""
    with pytest.raises(DiagnosticError) as caught:
        source.resolve(reference, Path())
    return the_finding(caught.value)


def the_finding(error: DiagnosticError) -> Diagnostic:
    (found,) = error.diagnostics
    assert found.summary
    assert found.detail
    assert found.remedy
    return found


def fetch(source: ModelsSource, target: Path, reference: str = "models:/fraud/2") -> Path:
    return source.fetch(source.resolve(reference, Path()), reference, target)


def fetch_refused(source: ModelsSource, target: Path, reference: str = "models:/fraud/2") -> Diagnostic:
    with pytest.raises(DiagnosticError) as caught:
        fetch(source, target, reference)
    assert not target.exists()
    return the_finding(caught.value)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class TestResolve:
    @pytest.mark.parametrize(
        ("reference", "number"),
        [
            ("models:/fraud/1", "1"),
            ("models:/fraud/003", "3"),
            ("models:/fraud@champion", "2"),
            ("models:/fraud/latest", "3"),
            ("models:/fraud/Latest", "3"),
            ("models:/fraud/production", "2"),
            ("Models:/fraud/Archived", "1"),
        ],
    )
    def test_forms(self, registry: Any, source: ModelsSource, reference: str, number: str) -> None:
        resolved = source.resolve(reference, Path())
        assert resolved.pinned == f"models:/fraud/{number}" == resolved.described
        assert resolved.origin == {"source_model_name": "fraud", "source_model_version": number}
        assert resolved.digest is None

    def test_the_newest_of_a_stage_is_by_number(self, registry: Any, source: ModelsSource) -> None:
        registry.register("10")
        registry.register("9")
        assert source.resolve("models:/fraud/latest", Path()).pinned == "models:/fraud/10"

    def test_the_identity_stays_while_the_version_is_edited(
        self, registry: Any, source: ModelsSource
    ) -> None:
        before = source.resolve("models:/fraud@champion", Path()).identity
        registry.versions["2"] |= {
            "last_updated_timestamp": 99_999,
            "current_stage": "None",
            "description": "x",
        }
        assert source.resolve("models:/fraud/2", Path()).identity == before

    def test_a_model_that_was_registered_anew_is_another(self, registry: Any, source: ModelsSource) -> None:
        before = source.resolve("models:/fraud/2", Path()).identity
        registry.versions["2"]["creation_timestamp"] += 1
        assert source.resolve("models:/fraud/2", Path()).identity != before

    @pytest.mark.parametrize(
        "reference",
        ["models:/", "models:/fraud", "models:/a/b/c", "models:/a/", "models://h/fraud/1"],
    )
    def test_what_is_no_reference(self, source: ModelsSource, reference: str) -> None:
        assert "models:/NAME@ALIAS" in told(source, reference).remedy

    def test_a_logged_model_is_told_to_be_none(self, source: ModelsSource) -> None:
        assert "logged model" in told(source, f"models:/m-{'0' * 32}").detail

    def test_an_unknown_model(self, registry: Any, source: ModelsSource) -> None:
        found = told(source, "models:/froud/1")
        assert found.summary == "Registered model not found"
        assert registry.url in found.detail
        assert found.remedy == "Did you mean fraud?"

    def test_an_unknown_version_names_those_there_are(self, registry: Any, source: ModelsSource) -> None:
        del registry.versions["2"]
        found = told(source, "models:/fraud/2")
        assert found.summary == "Model version not found"
        assert "there are: 1, 3" in found.remedy

    def test_an_alias_whose_version_was_deleted(self, registry: Any, source: ModelsSource) -> None:
        del registry.versions["2"]
        assert told(source).summary == "Model alias not found"

    def test_an_unknown_alias(self, registry: Any, source: ModelsSource) -> None:
        found = told(source, "models:/fraud@champoin")
        assert found.summary == "Model alias not found"
        assert found.remedy == "Did you mean champion?"
        assert "there are: champion" in told(source, "models:/fraud@zzz").remedy

    def test_an_alias_at_a_server_that_has_none(self, registry: Any, source: ModelsSource) -> None:
        registry.knows_aliases = False
        found = told(source)
        assert found.summary == "Registry without aliases"
        assert "2.3" in found.detail

    def test_an_empty_stage(self, registry: Any, source: ModelsSource) -> None:
        found = told(source, "models:/fraud/Staging")
        assert found.summary == "No version in this stage"
        assert "Archived, Production" in found.remedy
        assert "models:/fraud@Staging" in found.remedy

    def test_a_version_that_is_not_ready(self, registry: Any, source: ModelsSource) -> None:
        registry.register("4", status="FAILED_REGISTRATION", status_message="copy broke")
        found = told(source, "models:/fraud/4")
        assert found.summary == "Model version is not ready"
        assert "copy broke" in found.detail


class TestServer:
    def test_no_server_is_named(self, source: ModelsSource) -> None:
        found = told(source)
        assert found.summary == "Unknown MLflow registry"
        assert "MLFLOW_TRACKING_URI" in found.remedy

    @pytest.mark.parametrize("uri", ["sqlite:///m.db", "./mlruns", "/mlruns", "file:///mlruns", "databricks"])
    def test_a_place_that_is_no_server(
        self, source: ModelsSource, monkeypatch: pytest.MonkeyPatch, uri: str
    ) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        found = told(source)
        assert found.summary == "MLflow registry is no server"
        assert "mlflow server" in found.remedy

    def test_a_malformed_address(self, source: ModelsSource, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@[::1")
        found = told(source)
        assert found.summary == "Malformed address of an MLflow registry"
        assert "MLFLOW_TRACKING_URI is malformed: " in found.detail
        assert "secret" not in found.detail

    def test_the_registry_comes_before_tracking_and_the_project_before_the_environment(
        self, registry: Any, make: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"{registry.url}/")
        assert make().resolve("models:/fraud/1", Path()).pinned
        monkeypatch.setenv("MLFLOW_REGISTRY_URI", "http://127.0.0.1:9")
        assert make(registryUri=registry.url).resolve("models:/fraud/1", Path()).pinned

    @pytest.mark.parametrize(
        ("settings", "words"),
        [({"trakingUri": "http://h"}, "Did you mean trackingUri?"), ({"trackingUri": 5}, "Write it as text")],
    )
    def test_wrong_settings(self, make: Any, settings: dict[str, Any], words: str) -> None:
        found = told(make(**settings))
        assert words in found.remedy
        assert found.path == ("spec", "sources", "models", next(iter(settings)))

    def test_a_login_in_a_spec_is_refused(self, make: Any) -> None:
        found = told(make(trackingUri="https://me:secret@h"))
        assert "secret" not in f"{found.summary}{found.detail}{found.remedy}"
        assert "login" in found.detail

    def test_nobody_there(self, source: ModelsSource, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
        found = told(source)
        assert found.summary == "MLflow registry does not answer"
        assert "127.0.0.1:9: no connection" in found.detail
        assert found.remedy.startswith("Check MLFLOW_TRACKING_URI, and that the server runs;")
        assert "secret" not in f"{found.detail}{found.remedy}"

    def test_whoever_names_the_server_is_told(self, make: Any) -> None:
        found = told(make(trackingUri="http://127.0.0.1:9"))
        assert found.remedy.startswith("Check the project's setting sources.models.trackingUri, and that")
        server = MlflowServer(server_at("http://127.0.0.1:9"), HttpLimits(attempts=1))
        with pytest.raises(DiagnosticError) as refused:
            server.ask("registered-models/search")
        assert refused.value.diagnostics[0].remedy.startswith("Check the address given, and that the server")

    def test_silence(self, registry: Any, tmp_path: Path) -> None:
        registry.stalls = True
        limits = HttpLimits(read=0.05, attempts=2)
        quick = ModelsSource(SourceContext(tmp_path, None), limits, lambda _: None)  # type: ignore[arg-type]
        assert "no sign of life for 0.05 seconds" in told(quick).detail
        assert len(registry.asked) == 2

    def test_it_tries_again(self, registry: Any, source: ModelsSource) -> None:
        registry.refusals = [(503, {"Retry-After": "1"}), (502, {})]
        assert source.resolve("models:/fraud@champion", Path()).pinned == "models:/fraud/2"

    def test_it_gives_up(self, registry: Any, source: ModelsSource) -> None:
        registry.refusals = [(503, {})] * 3
        found = told(source)
        assert "is not available now (HTTP status 503)" in found.detail
        assert len(registry.asked) == 3

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_login_is_asked_for(self, registry: Any, source: ModelsSource, status: int) -> None:
        registry.refusals = [(status, {})]
        found = told(source)
        assert found.summary == "MLflow registry does not answer"
        assert str(status) in found.detail
        assert "MLFLOW_TRACKING_TOKEN" in found.remedy

    @pytest.mark.parametrize(
        ("environment", "sent"),
        [
            ({"MLFLOW_TRACKING_TOKEN": "t0"}, "Bearer t0"),
            ({"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "pw"}, "Basic bWU6cHc="),
            (
                {
                    "MLFLOW_TRACKING_TOKEN": "t0",
                    "MLFLOW_TRACKING_USERNAME": "me",
                    "MLFLOW_TRACKING_PASSWORD": "pw",
                },
                "Basic bWU6cHc=",
            ),
        ],
    )
    def test_logins_of_the_environment(
        self,
        registry: Any,
        source: ModelsSource,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        environment: dict[str, str],
        sent: str,
    ) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        fetch(source, tmp_path / "target")
        assert {login for _, _, login in registry.asked} == {sent}

    def test_a_login_in_the_environments_address(
        self, registry: Any, source: ModelsSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.url.replace("://", "://me:pw@"))
        resolved = source.resolve("models:/fraud/1", Path())
        assert registry.asked[0][2] == "Basic bWU6cHc="
        assert "pw" not in repr(resolved)

    def test_mlflows_file_of_credentials(self, registry: Any, source: ModelsSource, tmp_path: Path) -> None:
        path = tmp_path / "home" / ".mlflow" / "credentials"
        path.parent.mkdir(parents=True)
        path.write_text("[mlflow]\nmlflow_tracking_username = me\nmlflow_tracking_password = pw\n")
        source.resolve("models:/fraud/1", Path())
        assert registry.asked[0][2] == "Basic bWU6cHc="
        path.write_text("pw without a section")
        found = told(source)
        assert found.summary == "Logins can't be read"
        assert "pw" not in found.detail

    def test_something_else_answers(
        self, registry: Any, source: ModelsSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(registry, "told", lambda *_: (404, None))
        assert told(source, "models:/fraud/latest").summary == "Not an MLflow registry"
        for answer in (
            {"registered_model": {}},
            {"registered_model": {"name": "fraud", "latest_versions": [5]}},
        ):
            monkeypatch.setattr(registry, "told", lambda *_, answer=answer: (200, answer))
            assert told(source, "models:/fraud/latest").summary == "Not an MLflow registry"


class TestPreview:
    def test_a_file_before_the_whole(self, registry: Any, source: ModelsSource, tmp_path: Path) -> None:
        resolved = source.resolve("models:/fraud@champion", Path())
        assert isinstance(source, Previewer)
        assert source.preview(resolved, {"MLmodel"}, tmp_path)
        assert b"signature" in (tmp_path / "MLmodel").read_bytes()

    @pytest.mark.parametrize("status", [401, 500, 503])
    def test_what_is_refused_is_no_failure(
        self, registry: Any, source: ModelsSource, tmp_path: Path, status: int
    ) -> None:
        resolved = source.resolve("models:/fraud@champion", Path())
        registry.refusals, registry.refuse_path = [(status, {})], "/get-artifact"
        asked = len(registry.asked)
        assert not source.preview(resolved, {"MLmodel"}, tmp_path)
        assert len(registry.asked) == asked + 1


class TestFetch:
    @pytest.mark.parametrize("sizes_told", [True, False])
    def test_the_whole_folder(
        self, registry: Any, source: ModelsSource, tmp_path: Path, sizes_told: bool
    ) -> None:
        registry.sizes_told = sizes_told
        assert fetch(source, tmp_path / "target") == tmp_path / "target"
        got = files(tmp_path / "target")
        assert got.keys() == {"MLmodel", "model.pkl", "code/__init__.py"}
        assert got["model.pkl"] == b"the bytes of 2"
        assert got["code/__init__.py"] == b""

    def test_it_goes_on_where_it_broke_off(self, registry: Any, make: Any, tmp_path: Path) -> None:
        registry.refusals, registry.refuse_path = [(503, {})] * 3, "/model.pkl"
        assert "503" in fetch_refused(make(), tmp_path / "target").detail
        registry.asked.clear()
        fetch(make(), tmp_path / "target")
        brought = [path.rpartition("/")[2] for path, _, _ in registry.asked if "/artifacts/0" in path]
        assert "MLmodel" not in brought
        assert "model.pkl" in brought
        assert (tmp_path / "target" / "MLmodel").exists()

    def test_a_file_of_another_size_than_listed(
        self, registry: Any, source: ModelsSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listing = {"files": [{"path": "MLmodel", "is_dir": False, "file_size": "3"}]}
        monkeypatch.setattr(registry, "listing", lambda _: listing)
        assert fetch_refused(source, tmp_path / "target").summary == "Artifact source has changed"

    @pytest.mark.parametrize("name", ["..", "../x", "/etc/passwd", "a/b", ""])
    def test_names_that_lead_out(
        self, registry: Any, source: ModelsSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        listing = {"files": [{"path": name, "is_dir": False, "file_size": "3"}]}
        monkeypatch.setattr(registry, "listing", lambda _: listing)
        assert fetch_refused(source, tmp_path / "target").summary == "Not an MLflow registry"

    def test_files_at_an_address_that_is_none(
        self, registry: Any, source: ModelsSource, tmp_path: Path
    ) -> None:
        registry.download_uri = "mlflow-artifacts://[::1"
        assert "a malformed address" in fetch_refused(source, tmp_path / "target").detail

    def test_files_that_are_gone(self, registry: Any, source: ModelsSource, tmp_path: Path) -> None:
        registry.files.clear()
        assert fetch_refused(source, tmp_path / "target").summary == "Artifact source is empty"

    def test_files_on_this_machine_are_used_where_they_lie(
        self, registry: Any, make: Any, tmp_path: Path
    ) -> None:
        model = tmp_path / "runs" / "a model"
        model.mkdir(parents=True)
        for uri in (str(model), model.as_uri()):
            registry.download_uri = uri
            assert fetch(make(localFolders=[str(tmp_path / "runs")]), tmp_path / "target") == model

    @pytest.mark.parametrize("uri", ["/etc", "file:///etc", "FILE:///etc", "{runs}/../other", "{runs}/link"])
    @pytest.mark.parametrize("allowed", [[], ["{runs}"], ["{runs}", "/etc/x"]])
    def test_a_registry_names_no_folder_that_the_project_does_not(
        self, registry: Any, make: Any, tmp_path: Path, uri: str, allowed: list[str]
    ) -> None:
        runs = tmp_path / "runs"
        runs.mkdir()
        (tmp_path / "other").mkdir()
        (runs / "link").symlink_to(tmp_path / "other")
        registry.download_uri = uri.replace("{runs}", str(runs))
        found = fetch_refused(
            make(localFolders=[folder.replace("{runs}", str(runs)) for folder in allowed]),
            tmp_path / "target",
        )
        assert found.summary == "Registry names a folder of this machine"
        assert "localFolders" in found.remedy

    @pytest.mark.parametrize("uri", ["runs:/0123/model", "models:/other/1"])
    def test_a_registry_sends_mlflow_nowhere_to_ask_again(
        self, registry: Any, source: ModelsSource, tmp_path: Path, uri: str
    ) -> None:
        registry.download_uri = uri
        assert fetch_refused(source, tmp_path / "target").summary == "Not an MLflow registry"

    def test_all_files_together_have_a_time(self, registry: Any, make: Any, tmp_path: Path) -> None:
        found = fetch_refused(make(timeout=1e-9), tmp_path / "target")
        assert found.summary == "Artifact can't be fetched in time"

    @pytest.mark.parametrize("uri", ["./mlruns/0/x", "/no/such/folder", "file:///no/such/folder"])
    def test_files_on_the_servers_disk(
        self, registry: Any, source: ModelsSource, tmp_path: Path, uri: str
    ) -> None:
        registry.download_uri = uri
        found = fetch_refused(source, tmp_path / "target")
        assert found.summary == "Artifact lies on the server's disk"
        assert "--serve-artifacts" in found.remedy

    def test_the_login_goes_to_no_other_server(
        self, registry: Any, source: ModelsSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0")
        other = registry.url.replace("http://127.0.0.1", "mlflow-artifacts://localhost")
        registry.download_uri = other + "/0/{version}/artifacts/model"
        fetch(source, tmp_path / "target")
        assert {login for path, _, login in registry.asked if "artifacts/0" in path} == {""}

    def test_stores_that_need_mlflow(
        self, registry: Any, source: ModelsSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registry.download_uri = "s3://key:secret@bucket/model"
        monkeypatch.setattr(library, "find_spec", lambda _: None)
        found = fetch_refused(source, tmp_path / "target")
        assert found.summary == "Artifact lies in a store that needs MLflow"
        assert "mlflow-skinny" in found.remedy
        assert "secret" not in found.detail

    def test_stores_that_mlflow_can_not_read(
        self, registry: Any, source: ModelsSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registry.download_uri = "s3://bucket/model"
        answer = SimpleNamespace(returncode=1, stdout="", stderr="Traceback\nBotoError: no login\n")
        monkeypatch.setattr(library.subprocess, "run", lambda *_, **__: answer)
        assert "BotoError: no login" in fetch_refused(source, tmp_path / "target").detail

    def test_a_store_that_never_ends(
        self, registry: Any, source: ModelsSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def run(*_: Any, timeout: float, **__: Any) -> None:
            raise subprocess.TimeoutExpired("mlflow", timeout)

        registry.download_uri = "s3://bucket/model"
        monkeypatch.setattr(library.subprocess, "run", run)
        found = fetch_refused(source, tmp_path / "target")
        assert "sources: {models: {timeout: …}}" in found.remedy

    @pytest.mark.slow
    def test_what_mlflow_itself_brings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        model = tmp_path / "store" / "model"
        (model / "code").mkdir(parents=True)
        (model / "MLmodel").write_text("x")
        (model / "code" / "a.py").write_text("y")
        (tmp_path / "folder").mkdir()
        library.fetch_by_mlflow(model.as_uri(), tmp_path / "folder", "http://127.0.0.1:9", "models:/m/1", 300)
        assert files(tmp_path / "folder") == {"MLmodel": b"x", "code/a.py": b"y"}


def test_the_plug_in_is_found_and_imports_no_mlflow(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from specr.sources.catalog import Sources;"
        "source = Sources(pathlib.Path('.')).source_for('models:/x/1');"
        "print(type(source).__name__, sorted({'mlflow', 'httpx', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.stdout == "ModelsSource []\n"

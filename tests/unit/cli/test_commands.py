from __future__ import annotations

import errno
import json
import os
import shlex
import subprocess
import threading
from pathlib import Path

import pytest

from specr.address import Address
from specr.backends.sqlite import SqliteBackend
from specr.cli.plans import PLAN_START
from specr.diagnostics import Diagnostic, Severity
from specr.plan.codec import plan_from_text
from specr.providers.memory import MemoryProvider
from specr.providers.memory_world import FileWorld
from specr.providers.protocol import ScorerRequest, ScorerResponse, TransientError
from specr.render.events import check_stream
from specr.state.model import ObjectRef
from specr.workflow import Workspace
from specr.workfolder import Kept
from tests.unit.cli.conftest import SPECS, Project


def test_validate(project: Project) -> None:
    assert SPECS.count("\nkind: ") == 9
    answer = project.specr("validate")
    assert (answer.code, answer.out, answer.err) == (0, "Valid: 9 resources in 1 file.\n", "")
    told = json.loads(project.specr("validate", "--json").out)
    assert told == {"valid": True, "resources": 9, "diagnostics": []}


def test_validate_finds_a_missing_route(project: Project) -> None:
    project.edit("spec: {artifactType: blob}", "spec: {artifactType: other}")
    answer = project.specr("validate")
    assert answer.code == 1
    assert answer.out == ""
    assert "in deployment/fraud" in answer.err
    told = json.loads(project.specr("validate", "--json").out)
    assert told["valid"] is False
    assert told["diagnostics"][0]["address"] == "deployment/fraud"
    assert told["diagnostics"][0]["span"]["file"] == "specr.yaml"


def ask_for_one_port_twice(project: Project, provider: str, *, replicas: int = 1) -> None:
    project.edit("defaultProvider: memory", f"defaultProvider: {provider}")
    project.edit('replicas: "${var.replicas}"', "endpoint: {port: 24733}")
    project.write(
        "another.yaml",
        "apiVersion: specr/v1\nkind: Deployment\nmetadata: {name: zebra}\n"
        f"spec: {{model: fraud, version: 1, provider: {provider}, replicas: {replicas}, "
        "endpoint: {port: 24733}}\n",
    )


@pytest.mark.parametrize("provider", ["local", "docker"])
def test_a_fixed_port_for_two_deployments_is_an_error_at_the_second(project: Project, provider: str) -> None:
    ask_for_one_port_twice(project, provider)
    for words in (["validate"], ["plan"], ["apply", "--auto-approve"]):
        answer = project.specr(*words)
        assert answer.code == 1
        assert "on specr.yaml:50:" in answer.err
        assert "as does deployment/zebra" in answer.err
        assert "another.yaml, line 4" in " ".join(answer.err.split())
    (told,) = json.loads(project.specr("validate", "--json").out)["diagnostics"]
    assert (told["address"], told["path"]) == ("deployment/fraud", ["spec", "endpoint", "port"])


@pytest.mark.parametrize("provider", ["kubernetes", "memory"])
def test_deployments_with_addresses_of_their_own_may_have_the_same_port(
    project: Project, provider: str
) -> None:
    ask_for_one_port_twice(project, provider)
    assert project.specr("validate").code == 0


def test_a_deployment_without_replicas_leaves_its_port_to_another(project: Project) -> None:
    ask_for_one_port_twice(project, "local", replicas=0)
    assert project.specr("validate").code == 0
    assert project.specr("plan").code == 0


def test_wrong_settings_of_a_provider_are_told_once_where_a_port_is_asked_for_twice(project: Project) -> None:
    project.edit("defaultProvider: memory", "defaultProvider: here\n  providers: {here: {type: local, x: 1}}")
    project.edit("defaultProvider: here", "defaultProvider: memory")
    ask_for_one_port_twice(project, "here")
    (told,) = json.loads(project.specr("validate", "--json").out)["diagnostics"]
    assert told["path"][:3] == ["spec", "providers", "here"]


def test_errors_in_specs_are_told_with_their_place(project: Project) -> None:
    project.edit("model: fraud, alias", "model: frau, alias")
    for words in (["validate"], ["plan"], ["apply", "--auto-approve"]):
        answer = project.specr(*words)
        assert answer.code == 1
        assert "specr.yaml:" in answer.err
        assert "Did you mean model/fraud?" in answer.err
    assert json.loads(project.specr("validate", "--json").out)["valid"] is False


def test_plan_answers_on_stdout_alone(project: Project) -> None:
    answer = project.specr("plan")
    assert answer.code == 0
    assert answer.out.startswith("Plan: 9 to create.\n")
    assert answer.err == ""
    assert not (project.root / ".specr" / "state.db").exists()


def test_detailed_exitcode(project: Project) -> None:
    assert project.specr("plan", "-detailed-exitcode").code == 2
    project.applied()
    answer = project.specr("plan", "--detailed-exitcode")
    assert answer.code == 0
    assert answer.out == "No changes. Everything runs as declared.\n"


def test_what_does_not_answer_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """By plan and its exit code, by an apply that has nothing else to do, and beside logs."""
    project.applied()
    told = "process 12 gave no answer at http://127.0.0.1:1/readyz within 2 s"
    silent = {Address("deployment", "fraud"): told}
    monkeypatch.setattr(MemoryProvider, "probe", lambda *_: silent, raising=False)
    answer = project.specr("plan", "--detailed-exitcode")
    assert answer.code == 2
    assert answer.out == (
        "No changes are planned, but not everything that runs answers.\n\n"
        "Runs, but does not answer:\n\n"
        f"  ! deployment/fraud: {told} (to start it anew: `specr apply --replace deployment/fraud`)\n\n"
    )
    assert told in project.specr("apply", "--auto-approve").err
    logs = project.specr("logs", "deployment/fraud").err
    assert "Deployment does not answer" in logs
    assert "specr apply --replace deployment/fraud" in logs
    anew = project.specr("plan", "--replace", "deployment/fraud")
    assert f"{told} (this plan puts it right)" in anew.out
    assert project.specr("plan", "--detailed-exitcode", "--no-refresh").code == 0


def test_what_runs_for_a_lost_state_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """By plan and apply, once, and not where nobody is to be asked."""
    stray = Diagnostic("Processes of another state run here", "2 processes run on.", "", Severity.WARNING)
    monkeypatch.setattr(MemoryProvider, "check_strays", lambda _: [stray, stray], raising=False)
    told = "Warning: Processes of another state run here"
    assert project.specr("plan").err.count(told) == 1
    assert project.specr("apply", "--auto-approve").err.count(told) == 1
    answer = project.specr("plan", "--detailed-exitcode")
    assert (answer.code, answer.err.count(told)) == (0, 1)
    assert told not in project.specr("plan", "--no-refresh").err


def test_plan_as_json_and_markdown(project: Project) -> None:
    by_format = project.specr("plan", "--format", "json").out
    assert by_format == project.specr("plan", "-json").out
    assert len(plan_from_text(by_format).steps) == 9
    assert project.specr("plan", "--format", "markdown").out.startswith("<!-- specr plan -->\n### Plan: 9")
    project.edit("schema:\n", f"metadata: {{{', '.join(f'k{n}: {n}' for n in range(150))}}}\n  schema:\n")
    short = project.specr("plan", "--format", "markdown", "--limit", "4000").out
    assert len(short) <= 4000
    assert "2 more detailed changes not shown here" in short


def test_variables_and_targets(project: Project) -> None:
    text = project.specr("plan", "--var", "replicas=3").out
    assert "replicas    = 3" in text
    text = project.specr("plan", "--target", "model/fraud").out
    assert text.startswith("Plan: 2 to create.\n")
    assert "Only model/fraud and what belongs to it (--target).\n" in text
    answer = project.specr("plan", "--target", "model/frau")
    assert answer.code == 1
    assert "Did you mean model/fraud?" in answer.err
    assert "replica" in project.specr("plan", "--var", "replica=3").err


def test_variables_may_come_from_the_environment(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECR_VAR_replicas", "3")
    monkeypatch.setenv("SPECR_VAR_of_another_project", "x")
    answer = project.specr("plan")
    assert answer.code == 0, answer.err
    assert "replicas    = 3" in answer.out
    assert "replicas    = 4" in project.specr("plan", "--var", "replicas=4").out
    monkeypatch.setenv("SPECR_VAR_replicas", "many")
    assert "Value of the wrong type for a variable" in project.specr("validate").err


def test_a_saved_plan_is_shown_and_carried_out(project: Project) -> None:
    saved = project.root / "my.plan"
    answer = project.specr("plan", "--out", str(saved))
    assert "Saved to" in answer.err
    assert f"specr -C {project.root} apply {saved}\n" in answer.err
    assert list(project.root.glob(".my.plan*")) == []
    assert project.specr("show", str(saved)).out == answer.out
    assert project.specr("show", str(saved), "--json").out == saved.read_text()
    carried_out = project.specr("apply", str(saved))
    assert carried_out.code == 0
    assert "Apply complete in" in carried_out.err
    again = project.specr("apply", str(saved))
    assert again.code == 1
    assert "Plan is stale" in again.err


def test_a_saved_plan_is_stale_once_other_specs_or_bytes_are_there(project: Project) -> None:
    saved = project.root / "my.plan"
    project.specr("plan", "--out", str(saved))
    (project.root / "model.bin").write_bytes(b"other")
    told = " ".join(project.specr("apply", str(saved)).err.split())
    assert "artifact/fraud-1: model.bin was sha256:" in told
    project.specr("plan", "--out", str(saved))
    project.edit("command: [serve]", "command: [serve, it]")
    told = " ".join(project.specr("apply", str(saved)).err.split())
    assert "The specs, their variables or their artifacts have changed" in told


def test_a_plan_with_variables_says_how_it_is_carried_out(project: Project) -> None:
    saved = project.root / "my.plan"
    answer = project.specr("plan", "--out", str(saved), "--var", "replicas=2")
    command = shlex.split(answer.err.strip().rpartition(": ")[2])
    assert command[-2:] == ["--var", "replicas=2"]
    assert project.specr(*command[3:]).code == 0


def test_a_saved_plan_takes_no_options_that_it_has_settled(project: Project) -> None:
    answer = project.specr("apply", "my.plan", "--target", "model/fraud")
    assert answer.code == 1
    assert "settled in a saved plan" in answer.err


@pytest.mark.parametrize(
    ("content", "told"), [(None, "can't be read"), ("hello", "Not a saved plan"), ("{}", "Not a saved plan")]
)
def test_a_plan_file_that_is_none_is_refused(project: Project, content: str | None, told: str) -> None:
    path = project.root / "my.plan"
    if content is not None:
        path.write_text(content)
    for words in (["apply", str(path)], ["show", str(path)], ["graph", "--plan", str(path)]):
        answer = project.specr(*words)
        assert answer.code == 1
        assert told in answer.err
        assert "my.plan" in answer.err


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("absent/deep/my.plan", ["There is no folder", "Make it: mkdir -p"]),
        ("model.bin/my.plan", ["model.bin is no folder.", "Choose a file in a folder"]),
        ("model.bin", ["model.bin is there, and holds no saved plan", "Choose another name"]),
        ("specr.yaml", ["specr.yaml is there, and holds no saved plan"]),
        ("fresh.yml", ["would be read as a spec", "does not end in .yaml or .yml"]),
        ("n" * 300, ["could not be written: File name too long."]),
        ("loop", ["loop is a link that leads back to itself."]),
    ],
)
def test_where_a_plan_cant_be_saved_none_is_made(
    project: Project, monkeypatch: pytest.MonkeyPatch, place: str, told: list[str]
) -> None:
    monkeypatch.delattr("specr.workflow.workspace.Workspace.plan")
    (project.root / "loop").symlink_to("loop")
    answer = project.specr("plan", "--out", str(project.root / place))
    assert answer.code == 1
    assert "Plan can't be saved" in answer.err
    assert all(words in " ".join(answer.err.split()) for words in told)


def test_a_saved_plan_may_be_saved_again(project: Project) -> None:
    path = project.root / "my.plan"
    path.touch()
    for _ in range(2):
        assert project.specr("plan", "--out", str(path)).code == 0
        assert path.read_bytes().startswith(PLAN_START)


def test_a_name_that_no_file_can_have_is_no_bug(project: Project) -> None:
    for words in (["init", "n" * 300], ["diff", "n" * 300, "."]):
        answer = project.specr(*words)
        assert answer.code == 1
        assert "bug" not in answer.err
        assert "too long" in " ".join(answer.err.split())


def test_a_plan_that_finds_no_room_says_why(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path, _content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("specr.cli.plans.write_whole", refuse)
    answer = project.specr("plan", "--out", str(project.root / "my.plan"))
    assert answer.code == 1
    assert "my.plan could not be written: No space left on device." in " ".join(answer.err.split())


def test_a_plan_can_be_saved_to_a_device(project: Project) -> None:
    assert project.specr("plan", "--out", "/dev/null").code == 0


@pytest.mark.parametrize("words", ["plan", "apply --auto-approve", "state list", "history", "gc", "show"])
def test_what_is_in_the_way_of_the_work_folder_is_told(project: Project, words: str) -> None:
    project.write(".specr", "in the way")
    answer = project.specr(*words.split())
    assert answer.code == 1
    assert "No place for the work folder" in answer.err
    assert "Move it away" in answer.err
    assert project.specr("validate").code == 0


def test_apply_answers_with_the_endpoints(project: Project) -> None:
    answer = project.specr("apply", "--auto-approve")
    assert answer.code == 0
    assert answer.out == "fraud  memory://deployment/fraud  fraud version 1\n"
    assert "deployment/fraud: created" in answer.err
    assert "Apply complete in" in answer.err
    again = project.specr("apply")
    assert again.code == 0
    assert again.out == answer.out
    assert "No changes." in again.err


def test_apply_without_a_terminal_asks_nobody(project: Project) -> None:
    answer = project.specr("apply")
    assert answer.code == 1
    assert answer.err.startswith("Error: Nobody to ask\n"), "and no plan before it"
    assert "--auto-approve" in answer.err
    assert "`specr plan --out FILE`" in answer.err
    assert project.specr("state", "list").out == ""


def test_apply_tells_events_as_json_lines(project: Project) -> None:
    answer = project.specr("apply", "--auto-approve", "-json")
    report = check_stream(answer.out.splitlines())
    assert report.complete
    assert report.problems == ()
    nothing = project.specr("apply", "--auto-approve", "--json")
    assert check_stream(nothing.out.splitlines()).complete


def test_apply_points_at_a_misspelt_column_of_a_golden_row(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rehearsal serves whatever golden rows expect; a true runtime does not."""
    asked = MemoryProvider.request

    def ask(provider: MemoryProvider, ref: ObjectRef, request: ScorerRequest) -> ScorerResponse:
        answer = asked(provider, ref, request)
        return ScorerResponse(answer.status, answer.body.replace(b'"predicton"', b'"prediction_2"'))

    monkeypatch.setattr(MemoryProvider, "request", ask)
    project.edit('replicas: "${var.replicas}"', "verify: [{row: {amount: 1}, expect: {predicton: 0.5}}]")
    answer = project.specr("apply", "--auto-approve")
    assert answer.code == 1
    error = answer.err[
        answer.err.index("Error: Golden row expects a column that is not served") :
    ].splitlines()
    assert error[2][error[3].index("^") :].startswith("predicton: 0.5")
    assert error[3].count("^") == len("predicton")
    assert "  Did you mean prediction?" in error


def test_a_failure_is_told_with_what_it_left_out(project: Project) -> None:
    project.edit("defaultProvider: memory", "defaultProvider: local")
    project.edit("command: [process]", 'command: ["false"]')
    answer = project.specr("apply", "--auto-approve")
    assert answer.code == 1
    assert answer.out == ""
    lines = answer.err[answer.err.index("Error: Processor failed") :].splitlines()
    assert lines[1].endswith(", in build/fraud-1.blob")
    assert lines[2][lines[3].index("^") :].startswith("model.bin")
    assert "7 created, 1 failed, 1 skipped.\n" in answer.err
    assert "  skipped  deployment/fraud    because build/fraud-1.blob failed\n" in answer.err


def test_specs_that_are_gone_leave_what_was_applied(project: Project) -> None:
    project.specr("apply", "--auto-approve")
    (project.root / "specr.yaml").unlink()
    for command in (["plan"], ["destroy"], ["state", "list"]):
        answer = project.specr(*command)
        assert answer.code == 1
        assert "Error: No specs found" in answer.err
        assert ".specr/state.db records what was applied from here" in " ".join(answer.err.split())
        assert "Put the specs back" in answer.err
        assert "specr init" not in answer.err


def test_replace_and_destroy(project: Project) -> None:
    project.applied()
    text = project.specr("plan", "--replace", "deployment/fraud").out
    assert "deployment/fraud must be replaced" in text
    assert "because --replace asks for it" in text
    assert project.specr("plan", "--destroy").out.startswith("Plan: 9 to delete.\n")
    answer = project.specr("destroy", "--auto-approve")
    assert answer.code == 0
    assert "Destroy complete" in answer.err
    assert answer.out == ""
    assert project.specr("destroy", "--auto-approve").err.startswith(
        "No changes. There is nothing to destroy."
    )


def test_a_protected_deployment_needs_consent_by_name(project: Project) -> None:
    project.edit('replicas: "${var.replicas}"', "protect: true")
    project.applied()
    answer = project.specr("destroy", "--auto-approve")
    assert answer.code == 1
    assert "--allow-delete deployment/fraud" in answer.err
    assert project.specr("destroy", "--auto-approve", "--allow-delete", "deployment/fraud").code == 0


def test_state(project: Project) -> None:
    nothing = project.specr("state", "list")
    assert (nothing.out, nothing.err) == ("", "Nothing is recorded yet.\n")
    project.applied()
    listed = project.specr("state", "list").out.splitlines()
    assert len(listed) == 9
    assert "deployment/fraud    memory  fraud version 1, memory://deployment/fraud" in listed
    shown = project.specr("state", "show", "deployment/fraud").out
    assert shown.startswith("deployment/fraud on memory\n")
    told = json.loads(project.specr("state", "show", "deployment/fraud", "--json").out)
    assert told["arguments"]["version"] == 1
    pulled = json.loads(project.specr("state", "pull").out)
    assert pulled["serial"] > 0
    assert "Did you mean deployment/fraud?" in project.specr("state", "show", "deployment/frau").err
    assert project.specr("show").out.count("\n  fingerprint ") == 9
    assert project.specr("show", "--json").out == project.specr("state", "pull").out


def test_half_an_address_is_completed(project: Project) -> None:
    for words in (["state", "show", "fraud"], ["logs", "fraud"], ["plan", "--target", "fraud"]):
        answer = project.specr(*words)
        assert answer.code == 1
        assert "'fraud' is not an address" in answer.err
        assert "Did you mean deployment/fraud or model/fraud?" in " ".join(answer.err.split())
    assert "Did you mean" not in project.specr("logs", "nobody").err
    project.write("specr.yaml", "kind: [")
    assert "is not an address" in project.specr("logs", "fraud").err


def test_state_rm(project: Project) -> None:
    project.applied()
    refused = project.specr("state", "rm", "model/fraud", "--auto-approve")
    assert refused.code == 1
    assert "deployment/fraud" in refused.err
    unasked = project.specr("state", "rm", "deployment/fraud")
    assert unasked.code == 1
    assert "Approve beforehand with --auto-approve." in unasked.err
    assert "specr plan" not in unasked.err
    answer = project.specr("state", "rm", "deployment/fraud", "--auto-approve")
    assert answer.code == 0
    assert "Forgot deployment/fraud." in answer.err
    assert len(project.specr("state", "list").out.splitlines()) == 8


def test_of_very_many_findings_the_first_are_shown(project: Project) -> None:
    """Errors come before warnings, however many there are of these; --json gives all."""
    wrong = "---\napiVersion: specr/v1\nkind: Model\nmetadata: {name: m%d}\nspec: {versions: {1: e%d}}\n"
    project.write("wrong.yaml", "".join(wrong % (n, n) for n in range(40)))
    for n in range(40):
        folder = project.root / f"m{n}"
        folder.mkdir()
        (folder / "MLmodel").write_text("")
    for words in ("validate", "plan"):
        err = project.specr(words).err
        assert (err.count("Error: "), err.count("Warning: ")) == (40, 10)
        assert "And 30 more findings: `specr validate --json` tells all of them.\n" in err
    assert len(json.loads(project.specr("validate", "--json").out)["diagnostics"]) == 80


@pytest.mark.parametrize(
    "words",
    [
        ["apply", ""],
        ["show", ""],
        ["plan", "--out", ""],
        ["fmt", ""],
        ["init", ""],
        ["import", "mlflow", "--out", ""],
        ["graph", "--plan", ""],
        ["diff", ""],
        ["diff", "HEAD", ""],
        ["-C", "", "plan"],
    ],
    ids=" ".join,
)
def test_an_empty_text_is_not_the_current_folder(project: Project, words: list[str]) -> None:
    answer = project.specr(*words)
    assert answer.code == 1
    assert "empty" in answer.err or "does not exist" in answer.err


@pytest.mark.parametrize("command", ["apply", "show"])
def test_a_device_is_no_plan(project: Project, command: str) -> None:
    answer = project.specr(command, "/dev/zero")
    assert answer.code == 1
    assert "/dev/zero is a device or socket, which holds no plan." in answer.err


def test_a_plan_may_come_through_a_pipe(project: Project) -> None:
    project.specr("plan", "--out", str(project.root / "my.plan"))
    os.mkfifo(project.root / "pipe")
    writer = threading.Thread(
        target=lambda: (project.root / "pipe").write_bytes((project.root / "my.plan").read_bytes())
    )
    writer.start()
    assert project.specr("apply", str(project.root / "pipe")).code == 0
    writer.join()


def test_history(project: Project) -> None:
    answer = project.specr("history")
    assert (answer.code, answer.out) == (0, "")
    assert "Nothing was applied yet." in answer.err
    project.applied()
    project.specr("destroy", "--auto-approve")
    lines = project.specr("history").out.splitlines()
    assert lines[0].split()[:2] == ["RUN", "STARTED"]
    assert [line.split()[0] for line in lines[1:]] == ["2", "1"]
    runs = json.loads(project.specr("history", "--json").out)
    assert [run["operation"] for run in runs] == ["apply", "destroy"]


def test_output(project: Project) -> None:
    nothing = project.specr("output")
    assert (nothing.out, nothing.err) == ("", "No deployment is recorded yet.\n")
    project.applied()
    assert project.specr("output").out == "fraud  memory://deployment/fraud  fraud version 1\n"
    assert project.specr("output", "deployment/fraud").out.startswith("deployment  fraud\n")
    assert project.specr("output", "fraud", "--url").out == "memory://deployment/fraud\n"
    assert json.loads(project.specr("output", "--json").out)["fraud"]["version"] == 1
    assert json.loads(project.specr("output", "fraud", "--json").out)["modelId"] == "fraud-v1"
    answer = project.specr("output", "frau")
    assert answer.code == 1
    assert "Did you mean fraud?" in answer.err


@pytest.mark.parametrize(
    "words", [[], ["fraud"], ["--json"], ["fraud", "--json"], ["fraud", "--url"]], ids=" ".join
)
def test_output_is_answered_from_state_alone(
    project: Project, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("a provider was asked")

    project.applied()
    monkeypatch.setattr("specr.workflow.workspace.Workspace.provider", fail)
    answer = project.specr("output", *words)
    assert (answer.code, answer.err) == (0, "")
    assert "memory://deployment/fraud" in answer.out


def test_that_it_runs_no_more_is_told_beside_a_log(project: Project) -> None:
    words = ["logs", "deployment/fraud"]
    alive = project.applied().specr(*words)
    state = SqliteBackend(project.root / ".specr" / "state.db").read()
    token = state.objects[Address("deployment", "fraud")].token
    FileWorld(project.root / ".specr" / "memory.db").remove(state.lineage, token)
    dead = project.specr(*words)
    assert alive.err == ""
    assert dead.code == 0
    assert "Warning: Deployment does not run as it was applied" in dead.err
    assert "deployment/fraud: it is no longer in memory." in dead.err


def test_a_log_is_shown_though_it_is_not_known_whether_it_runs(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise TransientError("connection refused")

    project.applied()
    shown = project.specr("logs", "deployment/fraud")
    monkeypatch.setattr("specr.providers.memory.MemoryProvider.read", fail)
    answer = project.specr("logs", "deployment/fraud")
    assert (answer.code, answer.out) == (0, shown.out)
    assert "Not known whether it runs" in answer.err
    assert "connection refused" in answer.err


def test_logs(project: Project) -> None:
    assert "Not applied yet" in project.specr("logs", "deployment/fraud").err
    assert "Not in the state" in project.specr("logs", "deployment/other").err
    project.applied()
    answer = project.specr("logs", "deployment/fraud", "--tail", "1")
    assert answer.code == 0
    assert answer.out.count("\n") == 1
    assert "No log" in project.specr("logs", "model/fraud").err


def test_a_log_without_lines_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.applied()
    monkeypatch.setattr("specr.workflow.logs.read_log", lambda *_, **__: [])
    answer = project.specr("logs", "deployment/fraud")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == "deployment/fraud has printed nothing, or nothing that is still kept.\n"
    assert project.specr("logs", "deployment/fraud", "--tail", "0").err == ""


def test_what_failed_is_gone_and_its_log_is_not(project: Project) -> None:
    """The first build, and then one where an older one is recorded; a success ends it."""
    processor = """command: [sh, -c, 'seq -f "line %g" 30; exit 3']"""
    project.edit("defaultProvider: memory", "defaultProvider: local")
    project.edit("command: [process]", processor)
    build = "build/fraud-1.blob"
    told = project.specr("apply", "--auto-approve").err
    assert "line 11\n" in told
    assert "line 10\n" not in told
    assert f"`specr logs {build} --failed` shows all of it" in told
    first = project.specr("logs", build)
    assert first.code == 0
    assert first.out.splitlines() == [f"line {n}" for n in range(1, 31)]
    assert "failed at 20" in first.err
    assert project.specr("logs", build, "--failed", "--tail", "1").out == "line 30\n"
    project.edit(processor, "command: [sh, -c, 'echo works; cp $SOURCE_PATH $TARGET_PATH']")
    project.edit("command: [serve]", "command: [sh, -c, 'echo serves not; exit 4']")
    project.specr("apply", "--auto-approve")
    assert project.specr("logs", build).out == "works\n"
    assert "No failed attempt" in project.specr("logs", build, "--failed").err
    assert project.specr("logs", "deployment/fraud", "--follow").out == "serves not\n"
    project.edit("echo works", "echo worse; exit 5")
    project.specr("apply", "--auto-approve")
    again = project.specr("logs", build)
    assert again.out == "works\n"
    assert f"`specr logs {build} --failed`" in again.err
    assert project.specr("logs", build, "--failed").out == "worse\n"
    project.specr("destroy", "--auto-approve")
    assert "Not in the state" in project.specr("logs", build).err


def test_a_failed_log_can_not_be_followed(project: Project) -> None:
    answer = project.specr("logs", "deployment/fraud", "--failed", "--follow")
    assert answer.code == 1
    assert "nothing to follow" in answer.err


def test_a_log_that_can_not_be_kept_is_told(project: Project) -> None:
    project.edit("defaultProvider: memory", "defaultProvider: local")
    project.edit("command: [process]", "command: [sh, -c, 'echo words; exit 3']")
    (project.root / ".specr").mkdir()
    (project.root / ".specr" / "failed").write_text("in the way")
    told = project.specr("apply", "--auto-approve").err
    assert "  words\n" in told
    assert "the log could not be kept: " in told


def test_force_unlock(project: Project) -> None:
    project.applied()
    answer = project.specr("force-unlock", "nobody", "--auto-approve")
    assert answer.code == 1
    assert "The state is not locked." in answer.err


def test_a_log_is_followed_until_the_user_has_enough(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.applied()
    rest = [["one"], ["one", "two", "three"], ["fresh"]]

    def pause(_seconds: float) -> None:
        if not rest:
            raise KeyboardInterrupt

    monkeypatch.setattr("specr.workflow.logs.read_log", lambda *_, **__: rest.pop(0))
    monkeypatch.setattr("time.sleep", pause)
    answer = project.specr("logs", "deployment/fraud", "-f")
    assert answer.code == 130
    assert answer.out == "one\ntwo\nthree\nfresh\n"


def test_a_provider_that_does_not_answer_is_no_bug(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise TransientError("connection refused")

    project.applied()
    monkeypatch.setattr("specr.workflow.logs.read_log", fail)
    answer = project.specr("logs", "deployment/fraud")
    assert answer.code == 1
    assert "Provider does not answer" in answer.err
    assert "connection refused" in answer.err


def test_force_unlock_breaks_the_lock_that_is_named(project: Project) -> None:
    project.applied()
    with Workspace.open(project.root) as workspace:
        lease = workspace.backend.lock(holder="eve@elsewhere", operation="apply", seconds=3600)
        refused = project.specr("destroy", "--auto-approve")
        assert refused.code == 1
        assert f"specr force-unlock {lease.info.id}" in " ".join(refused.err.split())
        other = project.specr("force-unlock", "other", "--auto-approve")
        assert lease.info.id in other.err
        unasked = project.specr("force-unlock", lease.info.id)
        assert unasked.code == 1
        assert f"specr force-unlock {lease.info.id} --force" in unasked.err
        assert "specr plan" not in unasked.err
        answer = project.specr("force-unlock", lease.info.id, "--auto-approve")
        assert answer.code == 0, answer.err
    assert project.specr("destroy", "--auto-approve").code == 0


def test_gc(project: Project) -> None:
    project.applied()
    answer = project.specr("gc", "--dry-run")
    assert answer.code == 0
    assert answer.err == "Would free 0 items, 0 B.\n"
    assert project.specr("gc").err == "Freed 0 items, 0 B.\n"
    project.specr("destroy", "--auto-approve")
    why = "used within the last hour, or in use"
    assert project.specr("gc").err == f"Freed 0 items, 0 B.\nSpared 1 item, 5 B: {why}.\n"


def test_graph(project: Project) -> None:
    drawn = project.specr("graph").out
    assert '"deployment/fraud" -> "build/fraud-1.blob";' in drawn
    assert '"deployment/fraud" -> "experiment/fraud-1"' not in drawn
    saved = project.root / "my.plan"
    project.specr("plan", "--out", str(saved))
    marked = project.specr("graph", "--format", "mermaid", "--plan", str(saved)).out
    assert '{{"+ deployment/fraud"}}:::create' in marked


def test_schema_of_plans(project: Project) -> None:
    schema = json.loads(project.specr("schema", "--plan").out)
    assert schema["title"].startswith("Saved plan of specr")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(project: Project, shell: str) -> None:
    assert "_SPECR_COMPLETE" in project.specr("completion", shell).out


def test_completion_knows_addresses(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_SPECR_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_CWORD", "5")
    monkeypatch.setenv("COMP_WORDS", f"specr -C {project.root} state show m")
    with pytest.raises(SystemExit):
        project.specr()
    assert project.capture.readouterr().out == "plain,model/fraud\nplain,modeltype/blob\n"


@pytest.mark.parametrize(("named", "instead"), [("plan", "specr schema --plan"), ("Model", "specr schema")])
def test_schema_says_how_to_ask_for_what_is_named(project: Project, named: str, instead: str) -> None:
    answer = project.specr("schema", named)
    assert answer.code == 1
    assert answer.err.endswith(f": {instead}\n")


def test_schema_of_specs(project: Project) -> None:
    schema = json.loads(project.specr("schema").out)
    assert "Deployment" in json.dumps(schema)


def test_several_errors_are_counted(project: Project) -> None:
    project.edit("model: fraud, alias", "model: frau, nonsense: 1, alias")
    project.edit("spec: {experiment: fraud-1, type", "spec: {experiment: fraud-2, type")
    assert project.specr("plan").err.endswith("2 errors.\n")


def test_diff_of_two_folders(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "specr.yaml").write_text((project.root / "specr.yaml").read_text())
    same = project.specr("diff", str(project.root), str(other))
    assert (same.code, same.out) == (0, "No differences.\n")
    project.edit("command: [serve]", "command: [serve, --fast]")
    answer = project.specr("diff", str(other))
    assert answer.out.startswith("Diff: 1 changed. 1 more deployment affected.\n")
    assert "deployment/fraud will be rolled out again" in answer.out
    told = json.loads(project.specr("diff", str(other), "--json").out)
    assert told["after"] == "working tree"
    assert project.specr("diff", str(other), "--format", "markdown").out.startswith("<!-- specr diff -->")
    (other / "specr.yaml").write_text("kind: Nothing\n")
    answer = project.specr("diff", str(other))
    assert answer.code == 1
    assert "Specs can't be compared" in answer.err


def git(project: Project, *arguments: str) -> None:
    identity = ["-c", "user.name=Eve", "-c", "user.email=eve@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=project.root, check=True, capture_output=True)


def test_diff_of_revisions(project: Project) -> None:
    git(project, "init", "-b", "main")
    git(project, "add", "specr.yaml")
    git(project, "commit", "-m", "one")
    assert project.specr("diff").out == "No differences.\n"
    project.edit("metadata: {name: fraud}\nspec: {model", "metadata: {name: fraud-eu}\nspec: {model")
    text = project.specr("diff").out
    assert text.startswith("Diff: 1 added, 1 removed.\n")
    assert "+ deployment/fraud-eu  # specr.yaml\n" in text
    assert "- deployment/fraud  # specr.yaml\n" in text
    git(project, "commit", "-am", "two")
    assert project.specr("diff").out == "No differences.\n"
    assert project.specr("diff", "HEAD~1", "main").out == text
    answer = project.specr("diff", "absent")
    assert answer.code == 1
    assert "absent" in answer.err


def test_init_writes_a_project_that_is_valid_but_for_its_pack(nowhere: Project) -> None:
    folder = nowhere.root / "My Models!"
    answer = nowhere.specr("init", "My Models!")
    assert answer.code == 0, answer.err
    files = [".gitignore", ".specrignore", "specr.yaml", "train.py"]
    assert sorted(path.name for path in folder.iterdir()) == files
    assert "name: my-models\n" in (folder / "specr.yaml").read_text()
    assert "  cd 'My Models!'\n  python train.py\n  specr plan\n" in answer.err
    compile((folder / "train.py").read_text(), "train.py", "exec")
    again = nowhere.specr("init", "My Models!")
    assert again.code == 1
    assert "--force" in again.err
    assert nowhere.specr("init", "My Models!", "--force").code == 0


def test_init_adds_to_a_gitignore(nowhere: Project) -> None:
    folder = nowhere.root / "new"
    folder.mkdir()
    (folder / ".gitignore").write_text("*.log\nmodels/")
    nowhere.specr("init", "new")
    (folder / ".specrignore").write_text("drafts/\n")
    assert (folder / ".gitignore").read_text() == "*.log\nmodels/\n.specr/\n*.plan\n"
    nowhere.specr("init", "new", "--force")
    assert (folder / ".gitignore").read_text() == "*.log\nmodels/\n.specr/\n*.plan\n"
    assert (folder / ".specrignore").read_text() == "drafts/\nmodels/\n"


def test_init_says_what_is_missing_and_no_more(nowhere: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"pandas", "mlflow"}
    monkeypatch.setattr("specr.cli.commands.init.find_spec", lambda name: object() if name in there else None)
    told = nowhere.specr("init", "one").err
    assert "  pip install scikit-learn\n" in told
    assert "./plugins/specr-processor ./plugins/specr-scorer './plugins/specr-mlflow[runtime]'" in told
    assert "specr[mlflow]" not in told
    there |= {"sklearn", "specr_mlflow"}
    assert "pip install" not in nowhere.specr("init", "two").err


def test_init_where_nothing_can_be_written(nowhere: Project) -> None:
    (nowhere.root / "file").write_text("")
    answer = nowhere.specr("init", "file/below")
    assert answer.code == 1
    assert "Project can't be written" in answer.err


def test_no_secret_is_ever_shown(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FRAUD_TOKEN", "s3cr3t-v4lue")
    project.edit("command: [serve]}", "command: [serve], env: {TOKEN: {valueFrom: {env: FRAUD_TOKEN}}}}")
    saved = tmp_path / "my.plan"
    said = [project.specr("plan", "--out", str(saved)), project.specr("plan", "--format", "markdown")]
    said += [project.specr("apply", "--auto-approve", "--json"), project.specr("state", "pull")]
    said += [project.specr("state", "show", "deployment/fraud"), project.specr("logs", "deployment/fraud")]
    assert all(answer.code == 0 for answer in said)
    assert '(secret from env "FRAUD_TOKEN")' in said[0].out
    texts = [*(answer.out + answer.err for answer in said), saved.read_text()]
    assert not any("s3cr3t-v4lue" in text for text in texts)


def test_a_missing_secret_is_told_with_its_place_before_anything_begins(project: Project) -> None:
    project.edit("defaultProvider: memory", "defaultProvider: local")
    project.edit("model: fraud,", "model: fraud, env: {TOKEN: {valueFrom: {file: nowhere}}},")
    answer = project.specr("apply", "--auto-approve")
    assert answer.code == 1
    assert "Error: Missing secret\n  on specr.yaml:" in answer.err
    assert "nowhere, which does not exist" in " ".join(answer.err.split())
    assert "Nothing was applied yet." in project.specr("history").err


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ('backend: {type: ""}', "Unknown type of backend"),
        ('backend: {type: sqlite, path: ""}', "Wrong setting of the backend"),
        ('store: {type: folder, path: ""}', "A store's path is no text"),
        ('providers: {far: {type: kubernetes, context: ""}}', "Wrong provider setting"),
        ('providers: {far: {type: kubernetes, store: {type: volume, claim: ""}}}', "Wrong provider setting"),
        ('providers: {far: {type: kubernetes, helperImage: ""}}', "Wrong provider setting"),
        ('providers: {near: {type: docker, host: ""}}', "Wrong provider setting"),
        ('providers: {near: {type: docker, network: " "}}', "Wrong provider setting"),
        ("providers: {near: {type: docker, host: nonsense}}", "Wrong provider setting"),
        ("providers: {near: {type: locale}}", "Unknown provider type"),
        ('backend: {type: sqlite, path: " "}', "Wrong setting of the backend"),
        ("backend: {type: sqlite, path: .specr/store}", "State has no place of its own"),
        ("backend: {type: sqlite, path: ./.specr}", "State has no place of its own"),
        ("store: {type: folder, path: x/../.specr/state.db}", "State has no place of its own"),
        ('store: {type: folder, path: " "}', "A store's path is no text"),
    ],
)
def test_settings_of_the_project_are_checked_at_their_place(
    project: Project, setting: str, told: str
) -> None:
    project.edit("  defaultProvider: memory", f"  {setting}")
    answer = project.specr("validate")
    assert answer.code == 1
    assert f"Error: {told}\n  on specr.yaml:6:" in answer.err


def test_settings_are_checked_without_acting_on_them(project: Project) -> None:
    project.edit(
        "  defaultProvider: memory",
        "  providers: {far: {type: kubernetes, context: absent}, near: {type: docker, host: tcp://absent}}\n"
        "  backend: {type: sqlite, path: kept/state.db}\n"
        "  store: {type: folder, path: kept/store}",
    )
    before = sorted(project.root.iterdir())
    answer = project.specr("validate")
    assert (answer.code, answer.err) == (0, "")
    assert sorted(project.root.iterdir()) == before


def test_what_is_wrong_with_the_backend_has_its_place_in_every_command(project: Project) -> None:
    project.edit("  defaultProvider: memory", '  backend: {type: sqlite, path: ""}')
    for words in (["plan"], ["state", "list"], ["history"]):
        assert "on specr.yaml:6:33, in project/demo" in project.specr(*words).err


@pytest.mark.parametrize("kept", [kept for kept in Kept if kept is not Kept.STATE])
def test_state_can_not_lie_where_anything_else_of_a_work_folder_does(project: Project, kept: Kept) -> None:
    project.edit("  defaultProvider: memory", f"  backend: {{type: sqlite, path: {kept.path}}}")
    answer = project.specr("validate")
    assert "State has no place of its own" in answer.err
    assert f"specr keeps {kept.described} in" in " ".join(answer.err.split())


def test_nothing_lies_in_a_work_folder_but_what_is_known_to(project: Project) -> None:
    project.edit("  defaultProvider: memory", "  defaultProvider: mine\n  providers: {mine: {type: local}}")
    project.specr("apply", "--auto-approve")  # fails: there is no such program
    project.edit("  defaultProvider: mine\n  providers: {mine: {type: local}}", "  defaultProvider: memory")
    project.applied()
    found = {
        f".specr/{path.name.removesuffix('-wal').removesuffix('-shm')}"  # SQLite's own, beside its files
        for path in (project.root / ".specr").iterdir()
    }
    assert found <= {kept.path for kept in Kept}
    assert {Kept.IGNORED.path, Kept.STATE.path, Kept.STORE.path, Kept.LOCAL.path} <= found


def test_a_state_in_the_place_of_something_else_is_told_before_anything_is_made(project: Project) -> None:
    project.edit("  defaultProvider: memory", "  backend: {type: sqlite, path: .specr/store}")
    for words in (["plan"], ["apply", "--auto-approve"], ["destroy", "--auto-approve"]):
        told = project.specr(*words).err
        assert "on specr.yaml:6:33, in project/demo" in told
        assert "specr keeps artifacts and builds in" in " ".join(told.split())
    assert not (project.root / ".specr").exists()

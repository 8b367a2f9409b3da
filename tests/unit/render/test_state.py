from __future__ import annotations

from specr.address import Address
from specr.render.outputs import encode_outputs, render_output, render_outputs
from specr.render.state import render_history, render_state_list, render_state_show
from specr.state.model import Pending, RecordedObject, Run, State

MODEL = RecordedObject(Address("model", "fraud"), {"versions": {"1": "f"}}, {}, "sha256:m")
FRAUD = RecordedObject(
    Address("deployment", "fraud"),
    {
        "model": "fraud",
        "version": 2,
        "modelId": "fraud-v2",
        "replicas": 1,
        "runtime": {"command": ["serve", "\x1b[31m"], "env": {}},
    },
    {"endpoint": "http://127.0.0.1:4312/", "pids": [7]},
    "sha256:d",
    (MODEL.address,),
    "local",
    "token-1",
    tainted=True,
)
STOPPED = RecordedObject(
    Address("deployment", "stopped"),
    {"model": "fraud", "version": 1, "modelId": "fraud-v1", "replicas": 0},
    {"endpoint": None},
    "sha256:e",
    provider="memory",
    token="token-2",
)
BEGUN = Pending(Address("build", "fraud.skops"), "create", "local", "token-3", "e", "p")
STATE = State(
    "lineage",
    5,
    {o.address: o for o in (FRAUD, MODEL, STOPPED)},
    {BEGUN.address: BEGUN, FRAUD.address: Pending(FRAUD.address, "update", "local", "t", "e", "p")},
)


def test_the_list_has_one_object_a_line() -> None:
    assert render_state_list(STATE).splitlines() == [
        (
            "deployment/fraud    local   fraud version 2, http://127.0.0.1:4312/, damaged, will be replaced, "
            "change begun, not finished"
        ),
        "deployment/stopped  memory  fraud version 1, no endpoint",
        "model/fraud         -",
        "build/fraud.skops   local   begun, not finished",
    ]
    assert render_state_list(State("", 0, {})) == ""


def test_one_object_in_full() -> None:
    assert render_state_show(FRAUD, STATE.pending[FRAUD.address]).splitlines() == [
        "deployment/fraud on local",
        "  fingerprint   sha256:d",
        "  token         token-1",
        "  needs         model/fraud",
        "  damaged       will be replaced by the next apply",
        "  unfinished    update with token t",
        "",
        "arguments",
        '  model    = "fraud"',
        "  version  = 2",
        '  modelId  = "fraud-v2"',
        "  replicas = 1",
        "  runtime {",
        '      command = ["serve", "\\u001b[31m"]',
        "      env     = {}",
        "  }",
        "",
        "attributes",
        '  endpoint = "http://127.0.0.1:4312/"',
        "  pids     = [7]",
    ]


def test_the_history_begins_with_the_newest() -> None:
    runs = [
        Run(
            1,
            "apply",
            "p",
            "eve@host (pid 3)",
            "2026-11-21T10:00:00+00:00",
            0,
            4,
            "2026-11-21T10:01:05+00:00",
            "succeeded",
            {"done": 4, "failed": 0},
        ),
        Run(2, "destroy", "p", "eve\x1b@host", "2026-11-21T11:00:00Z", 4, 5),
        Run(3, "apply", "p", "eve@host", "2026-11-21T12:00:00Z", 5, 9, "2026-11-21T12:00:04Z", "failed"),
        Run(
            4,
            "apply",
            "p",
            "e",
            "2026-11-21T12:00:00Z",
            9,
            9,
            "",
            "interrupted",
            {},
            frozenset([MODEL.address]),
        ),
    ]
    assert render_history(runs).splitlines() == [
        "RUN  STARTED               TOOK       OPERATION  STATUS       CHANGES  SERIAL  BY",
        "4    2026-11-21 12:00:00Z  -          apply      interrupted  1 done   9..9    e",
        "3    2026-11-21 12:00:00Z  4 s        apply      failed       -        5..9    eve@host",
        "2    2026-11-21 11:00:00Z  -          destroy    running      -        4..5    eve\\u001b@host",
        "1    2026-11-21 10:00:00Z  1 min 5 s  apply      succeeded    4 done   0..4    eve@host (pid 3)",
    ]
    assert render_history([]) == ""


def test_outputs_say_where_deployments_answer() -> None:
    outputs = encode_outputs(STATE)
    assert render_outputs(outputs).splitlines() == [
        "fraud    http://127.0.0.1:4312/  fraud version 2",
        "stopped  -                       fraud version 1",
    ]
    assert outputs["stopped"]["curl"] is None


def test_one_output_comes_with_a_command_to_try() -> None:
    text = render_output("fraud", encode_outputs(STATE)["fraud"])
    assert "model       fraud version 2 (fraud-v2)\n" in text
    assert (
        "  curl -s http://127.0.0.1:4312/model/sample_request | curl -s http://127.0.0.1:4312/model/score "
        "-H 'Content-Type: application/json' -d @-\n"
    ) in text
    assert "Try it" not in render_output("stopped", encode_outputs(STATE)["stopped"])


def test_further_replicas_are_told_with_their_addresses() -> None:
    urls = [f"http://127.0.0.1:{port}" for port in (4312, 4313, 4314)]
    several = RecordedObject(FRAUD.address, FRAUD.arguments, {"endpoint": urls[0], "endpoints": urls}, "f")
    output = encode_outputs(State("l", 1, {several.address: several}))["fraud"]
    assert output["urls"] == urls
    text = render_output("fraud", output)
    assert f"also at     {urls[1]}\n            {urls[2]}\n" in text
    assert "also at" not in render_output("fraud", encode_outputs(STATE)["fraud"])


def test_a_passphrase_is_named_and_never_shown() -> None:
    secret = {"SPECR_PASSPHRASE": {"valueFrom": {"env": "FRAUD_PASSPHRASE"}}}
    guarded = RecordedObject(
        FRAUD.address, {**FRAUD.arguments, "env": secret}, FRAUD.attributes, "f", provider="local"
    )
    curl = encode_outputs(State("l", 1, {guarded.address: guarded}))["fraud"]["curl"]
    for elsewhere in ({"file": "/run/secrets/it"}, {"env": "$(reboot)"}):
        secret["SPECR_PASSPHRASE"] = {"valueFrom": elsewhere}
        other = encode_outputs(State("l", 1, {guarded.address: guarded}))["fraud"]["curl"]
        assert other.count('-H "Authorization: Bearer $SPECR_PASSPHRASE"') == 2
    assert curl.count('-H "Authorization: Bearer $FRAUD_PASSPHRASE"') == 2


def test_no_long_text_is_cut() -> None:
    command = ["serve", "--option", "x" * 300]
    long = RecordedObject(Address("runtime", "r"), {"command": command, "note": "y" * 300}, {}, "s")
    shown = render_state_show(long)
    assert "x" * 300 in shown
    assert "y" * 300 in shown
    assert "…" not in shown


def test_no_column_of_a_wide_schema_is_left_out() -> None:
    columns = [{"name": f"column_{number}", "type": "Float64"} for number in range(30)]
    wide = RecordedObject(Address("experiment", "f"), {"schema": {"input": columns, "output": []}}, {}, "s")
    shown = render_state_show(wide)
    assert [column["name"] for column in columns if f"{column['name']}: Float64\n" not in shown] == []
    assert "more" not in shown

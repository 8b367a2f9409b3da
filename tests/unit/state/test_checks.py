"""Each finding of check_state, one damaged state a finding, and none in a sound one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from specr.address import Address, parse_address
from specr.canonical import digest_of
from specr.state.checks import check_state
from specr.state.model import ObjectRef, Pending, RecordedObject, Run, State

MODEL = Address("model", "fraud")
RUNTIME = Address("runtime", "python")
BUILD = Address("build", "fraud.1")
DEPLOYMENT = Address("deployment", "fraud")


def recorded(address: Address, *needs: Address, provider: str = "", token: str = "") -> RecordedObject:
    arguments = {"name": str(address)}
    return RecordedObject(address, arguments, {}, digest_of(arguments), needs, provider, token)


def intent(address: Address, *, provider: str = "local", token: str = "t9") -> Pending:
    return Pending(address, "create", provider, token, "sha256:e", "sha256:p")


RUN = Run(3, "apply", "sha256:p", "ann", "2025-01-02T03:04:05Z", first=4, last=7)
OBJECTS = (
    recorded(MODEL),
    recorded(RUNTIME),
    recorded(BUILD, MODEL, provider="local", token="t1"),
    recorded(DEPLOYMENT, BUILD, RUNTIME, provider="local", token="t2"),
)
SOUND = State("abc", 7, {entry.address: entry for entry in OBJECTS}, {DEPLOYMENT: intent(DEPLOYMENT)}, RUN)


def with_object(entry: RecordedObject) -> State:
    return replace(SOUND, objects={**SOUND.objects, entry.address: entry})


def with_pending(entry: Pending) -> State:
    return replace(SOUND, pending={entry.address: entry})


def with_run(**changes: object) -> State:
    return replace(SOUND, run=replace(RUN, **changes))


def test_a_sound_state_has_no_findings() -> None:
    assert check_state(SOUND) == ()
    assert check_state(State("", 0, {})) == ()
    assert check_state(State("abc", 0, {})) == ()


def test_a_dependency_may_be_pending() -> None:
    state = State("abc", 1, {DEPLOYMENT: recorded(DEPLOYMENT, BUILD)}, {BUILD: intent(BUILD)})
    assert check_state(state) == ()


def test_a_pending_record_may_share_the_token_of_its_own_object() -> None:
    assert check_state(with_pending(intent(DEPLOYMENT, token="t2"))) == ()


LEFTOVER = ObjectRef(DEPLOYMENT, "local", "t0")

DAMAGED = {
    "State entry under another address": replace(SOUND, objects={**SOUND.objects, MODEL: recorded(RUNTIME)}),
    "Fingerprint does not fit": with_object(replace(recorded(MODEL), arguments={"other": 1})),
    "Object that can't be found": with_object(
        replace(recorded(BUILD, provider="local", token="t1"), token="")
    ),
    "Record with a provider": with_object(recorded(MODEL, provider="local", token="t5")),
    "Pending record without its object": with_pending(intent(DEPLOYMENT, provider="")),
    "Leftover of another address": with_pending(
        replace(intent(DEPLOYMENT), leftovers=(LEFTOVER, replace(LEFTOVER, address=BUILD)))
    ),
    "Token of two objects": with_object(recorded(BUILD, provider="local", token="t2")),
    "Dependency that is not recorded": with_object(recorded(MODEL, parse_address("experiment/gone"))),
    "Recorded objects depend on each other": with_object(recorded(MODEL, MODEL)),
    "Serial below zero": State("abc", -1, {}),
    "State without lineage": replace(SOUND, lineage=""),
    "Content that nobody wrote": replace(SOUND, serial=0, run=None),
    "Run without a number": with_run(number=0),
    "Run outside the history": with_run(first=8),
    "Unknown status of a run": with_run(status="finished"),
    "Run neither open nor closed": with_run(status="failed"),
    "Run that fell behind": with_run(last=6),
}


@pytest.mark.parametrize("summary", DAMAGED)
def test_each_kind_of_damage_is_found_and_nothing_else(summary: str) -> None:
    findings = check_state(DAMAGED[summary])
    assert {finding.summary for finding in findings} == {summary}
    assert all(finding.is_error and finding.detail and finding.remedy for finding in findings)


def test_the_serials_of_a_run_lie_within_the_history() -> None:
    assert [d.summary for d in check_state(with_run(last=8))] == [
        "Run outside the history",
        "Run that fell behind",
    ]


def test_a_run_that_was_interrupted_may_lack_its_end() -> None:
    assert check_state(with_run(status="interrupted", last=5)) == ()
    assert check_state(with_run(status="interrupted", last=5, finished="2025-01-02T03:04:06Z")) == ()
    assert check_state(with_run(finished="2025-01-02T03:04:06Z")) != ()


def test_a_cycle_is_told_as_a_path() -> None:
    state = State("abc", 1, {MODEL: recorded(MODEL, RUNTIME), RUNTIME: recorded(RUNTIME, MODEL)})
    (finding,) = check_state(state)
    assert "model/fraud -> runtime/python -> model/fraud" in finding.detail


def test_a_leftover_without_a_token_is_found() -> None:
    damaged = with_pending(replace(intent(DEPLOYMENT), leftovers=(replace(LEFTOVER, token=""),)))
    (finding,) = check_state(damaged)
    assert finding.summary == "Pending record without its object"
    assert finding.address == DEPLOYMENT

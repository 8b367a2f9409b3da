"""What writes come to, for what the conformance suite can't see from outside."""

from __future__ import annotations

import pytest

from specr.address import Address
from specr.backends.changeset import Changeset, fold_writes, needs_run
from specr.backends.protocol import Begin, Done, FinishRun, Put, Remove, Settle, StartRun, Write
from specr.state.model import Run
from specr.testing.backend_site import make_object, make_pending

A = make_object("a")
P = make_pending("p")
RUNNING = Run(4, "apply", "sha256:p", "ann", "then", first=6, last=8)


def test_nothing_comes_to_nothing() -> None:
    assert fold_writes([], None, serial=3, now="now") == Changeset()


def test_only_writes_about_runs_need_the_newest_run() -> None:
    assert not needs_run([Put(A), Remove(A.address), Begin(P), Settle(P.address)])
    about_runs: list[Write] = [StartRun("apply", "p", "ann"), Done(A.address), FinishRun("failed", {})]
    for write in about_runs:
        assert needs_run([Put(A), write])


def test_each_address_comes_once_as_last_written() -> None:
    changes = fold_writes(
        [Put(A), Remove(A.address), Settle(P.address), Begin(P), Remove(Address("model", "m"))],
        None,
        serial=3,
        now="now",
    )
    assert changes == Changeset({A.address: None, Address("model", "m"): None}, {P.address: P})


def test_what_is_done_goes_to_the_run_that_runs_at_that_point() -> None:
    writes: list[Write] = [Done(A.address), StartRun("destroy", "sha256:q", "bob"), Done(P.address)]
    changes = fold_writes(writes, RUNNING, serial=9, now="now")
    assert changes.done == ((4, A.address), (5, P.address))
    assert changes.runs == {
        4: Run(4, "apply", "sha256:p", "ann", "then", first=6, last=9, status="interrupted"),
        5: Run(5, "destroy", "sha256:q", "bob", "now", first=9, last=10),
    }


def test_a_summary_is_copied() -> None:
    summary = {"create": 1}
    changes = fold_writes([FinishRun("succeeded", summary)], RUNNING, serial=9, now="now")
    summary["create"] = 2
    assert changes.runs[4].summary == {"create": 1}
    assert changes.runs[4].last == 10


@pytest.mark.parametrize("status", ["running", "", "SUCCEEDED"])
def test_an_unknown_ending_is_refused(status: str) -> None:
    with pytest.raises(ValueError, match="failed, interrupted, succeeded"):
        fold_writes([FinishRun(status, {})], RUNNING, serial=9, now="now")

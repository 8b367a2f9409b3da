"""Questions to runtimes that answer, that are slow, and that hang; and what is said of each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import pytest

from specr.address import Address
from specr.apply import questions
from specr.apply.means import Task
from specr.apply.questions import LISTENING, PATIENCE, Questions
from specr.diagnostics import Diagnostic
from specr.plan.observed import Observation
from specr.providers.protocol import ProviderError, Reachable, ScorerRequest, ScorerResponse, TransientError
from specr.state.model import ObjectRef

API = Address("deployment", "api")
REF = ObjectRef(API, "here", "t1")
GET = ScorerRequest("GET", "/model/schema")
ANSWER = ScorerResponse(200, b"{}")
SILENT = "process 12 gave no answer at http://127.0.0.1:1/readyz within 2 s"


class Runtime:
    """A provider with one runtime, which takes so many seconds for each answer, one after the other."""

    def __init__(self, *seconds: float, observation: Observation | None = None) -> None:
        self.now = 0.0
        self.stopping = False
        self.told: list[str] = []
        self.asked: list[ScorerRequest] = []
        self._seconds: Iterator[float] = iter(seconds)
        self._observation = observation or Observation(exists=True)

    def request(self, ref: ObjectRef, request: ScorerRequest) -> ScorerResponse:
        assert ref == REF
        self.asked.append(request)
        seconds = next(self._seconds)
        if seconds > request.timeout:
            self.now += request.timeout
            raise TransientError("it took too long")
        self.now += seconds
        return ANSWER

    def read(self, refs: Sequence[ObjectRef]) -> Mapping[Address, Observation]:
        return {ref.address: self._observation for ref in refs}

    def pause(self, seconds: float) -> None:
        self.now += seconds


class Probed(Runtime):
    """One whose provider tells what it lacks, one look after the other."""

    lacks: Callable[[], str] = staticmethod(lambda: SILENT)

    def probe(self, asked: Sequence[tuple[ObjectRef, str]], seconds: float) -> Mapping[Address, str]:
        assert asked == [(REF, "/readyz")]
        lack = self.lacks()
        self.now += seconds if lack else 0.0
        return {API: lack} if lack else {}


def task(runtime: Runtime, *, recorded: bool = False) -> Task:
    class Desk:
        @property
        def is_stopping(self) -> bool:
            return runtime.stopping

        def tell(self, _stage: str, message: str) -> None:
            runtime.told.append(message)

    return cast(
        "Task",
        SimpleNamespace(
            change=SimpleNamespace(address=API, provider="here"),
            recorded=SimpleNamespace(token="t1") if recorded else None,
            means=SimpleNamespace(clock=lambda: runtime.now, pause=runtime.pause),
            desk=Desk(),
        ),
    )


def questions_to(runtime: Runtime, *, recorded: bool = False) -> Questions:
    order = cast("Any", SimpleNamespace(readiness_path="/readyz"))
    return Questions(task(runtime, recorded=recorded), cast("Any", runtime), REF, order)


def ask(runtime: Runtime, *, recorded: bool = False) -> ScorerResponse:
    return questions_to(runtime, recorded=recorded).ask(cast("Reachable", runtime), GET)


def refused(act: Callable[[], object]) -> Diagnostic:
    with pytest.raises(ProviderError) as caught:
        act()
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def test_an_answer_is_an_answer() -> None:
    runtime = Runtime(29.0)
    assert ask(runtime) == ANSWER
    assert runtime.asked == [GET]


def raising(error: BaseException) -> Callable[..., NoReturn]:
    def act(*_: object) -> NoReturn:
        raise error

    return act


def test_one_that_was_slow_is_asked_again() -> None:
    runtime = Runtime(31.0, 5.0)
    assert ask(runtime) == ANSWER
    assert len(runtime.asked) == 2


def test_one_that_hangs_is_given_up_within_the_limit() -> None:
    runtime = Runtime(*[999.0] * 9)
    told = refused(lambda: ask(runtime))
    assert len(runtime.asked) == 2
    assert 59 < runtime.now <= PATIENCE
    assert told.summary == "Runtime does not answer"
    assert (
        told.detail == "deployment/api did not answer GET /model/schema, waited for 60 s: it took too long."
    )
    assert "--failed" in told.remedy
    assert told.address == API


def test_what_refuses_at_once_is_asked_for_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Runtime()
    monkeypatch.setattr(runtime, "request", raising(TransientError("refused")))
    assert "waited for 3 s: refused." in refused(lambda: ask(runtime)).detail


def test_what_is_known_of_a_silent_runtime_is_told() -> None:
    told = refused(lambda: ask(Probed(*[999.0] * 9), recorded=True))
    assert told.detail.endswith(f"it took too long; {SILENT}.")
    assert told.remedy == (
        "`specr logs deployment/api` shows what it printed; "
        "`specr apply --replace deployment/api` starts it anew."
    )
    ready = Probed(*[999.0] * 9)
    ready.lacks = lambda: ""
    assert refused(lambda: ask(ready)).detail.endswith("it is ready at /readyz all the same.")
    gone = Probed(*[999.0] * 9, observation=Observation(exists=False, message="process 12 has exited"))
    assert refused(lambda: ask(gone)).detail.endswith("process 12 has exited.")


def test_a_platform_that_is_silent_too_is_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Runtime(*[999.0] * 9)
    monkeypatch.setattr(runtime, "read", raising(TransientError("the daemon is down")))
    assert refused(lambda: ask(runtime)).summary == "Provider does not answer"


def test_nothing_is_asked_again_once_the_run_is_to_stop() -> None:
    runtime = Runtime(*[999.0] * 9)
    runtime.stopping = True
    refused(lambda: ask(runtime))
    assert len(runtime.asked) == 1


def test_an_answer_is_left_behind_once_the_run_is_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "_STOPPING", 0.3)
    runtime, begun, over = Runtime(), threading.Event(), threading.Event()

    def request(*_: object) -> ScorerResponse:
        begun.set()
        over.wait(60)
        return ANSWER

    def stop() -> None:
        begun.wait(60)
        runtime.stopping = True

    monkeypatch.setattr(runtime, "request", request)
    thread = threading.Thread(target=stop)
    thread.start()
    told = refused(lambda: ask(runtime))  # while the answer is still under way
    assert "the apply is to stop" in told.detail
    over.set()
    thread.join()


def test_an_answer_on_its_way_is_taken_though_the_run_is_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Runtime()

    def request(*_: object) -> ScorerResponse:
        time.sleep(0.3)
        return ANSWER

    runtime.stopping = True
    monkeypatch.setattr(runtime, "request", request)
    assert ask(runtime) == ANSWER


@pytest.mark.parametrize("error", [KeyError("a bug"), KeyboardInterrupt()])
def test_any_other_error_is_raised_as_it_is(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Runtime()
    monkeypatch.setattr(runtime, "request", raising(error))
    with pytest.raises(type(error)):
        ask(runtime)


def test_a_runtime_that_is_only_busy_is_waited_for() -> None:
    runtime = Probed()
    lacks = iter([SILENT, SILENT, ""])
    runtime.lacks = lambda: next(lacks)
    questions_to(runtime).listen()
    assert runtime.told == [SILENT, SILENT]


def test_a_runtime_that_never_gets_ready_is_not_waited_for_long() -> None:
    runtime = Probed()
    told = refused(lambda: questions_to(runtime, recorded=True).listen())
    assert runtime.now <= LISTENING + 3
    assert told.summary == "Runtime does not answer"
    assert SILENT in told.detail
    assert "--replace deployment/api" in told.remedy
    stopped = Probed()
    stopped.stopping = True
    assert "waited for 2 s" in refused(lambda: questions_to(stopped).listen()).detail
    assert stopped.now <= 2


def test_nobody_listens_where_the_platform_looks_after_it() -> None:
    questions_to(Runtime()).listen()

"""Measures specr's runtimes beside `mlflow models serve` and MLServer, in one run on one machine.

    python -m bench.scorer --short                          # a try: one round, a second for each load
    python -m bench.scorer                                  # all models, 3 rounds
    python -m bench.scorer --models xgboost --rounds 5 --seconds 5

The same models, the same rows, one worker each, one thread each; needs wrk. Each system has an environment
of its own with the same libraries, made once and kept in the user's cache folder.

For each model, first each system alone: how long it takes to start, what it answers (which must be what the
library itself predicts), how much memory it needs. Then all systems run, and are pressed one after the other,
load by load and round by round, so that a machine whose speed drifts treats all alike; figures are medians of
the rounds. A system that fails is told, with its log's last lines, and the others go on. Results go to
standard output, and as JSON to bench/out/.

Beside them stands a server that only looks answers up: what takes it long, takes any server long. At half
load it is asked as often as specr.

Everything, wrk too, runs on one processor, on Linux, which is kept from sleeping: waking one goes through
the host on a virtual machine, and takes as long as a prediction or longer. `--spread` leaves that to the
scheduler.
"""

import argparse
import json
import re
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psutil

from bench.scorer_answers import ask_all, post
from bench.scorer_environments import python_of, trained_models
from bench.scorer_load import Load, half, press
from bench.scorer_processor import one_processor
from bench.scorer_results import FEW, HALF, LOADS, MANY, Measured, Taken, render, render_targets
from bench.scorer_servers import Running, ServerError, System, ask, start
from bench.scorer_systems import ALL, ROOT, SYSTEMS

_BODIES = 64
_CLOSE = 1e-4
_HALF_TAKES = 3
"""How often half load is measured a round: a moment in which the host is elsewhere makes the p99 its own."""
_SAME = 3000
"""Answers of 64 connections that are compared with those of one."""


@dataclass(frozen=True)
class Data:
    """The rows that a model is asked about, and what its library predicts for them."""

    columns: list[str]
    rows: list[list[float]]
    predicted: list[float]


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int
    seconds: int
    starts: int


@dataclass(frozen=True)
class Subject:
    """A model with all systems that serve it and what they took."""

    model: Path
    data: Data
    systems: Sequence[System]
    taken: dict[str, Taken]
    scratch: Path

    @classmethod
    def of(cls, model: Path, systems: Sequence[System], scratch: Path) -> "Subject":
        """The systems that serve a model."""
        serving = [system for system in systems if model.name in system.serves]
        data = Data(**json.loads((model / "rows.json").read_text()))
        return cls(model, data, serving, {system.name: Taken() for system in serving}, scratch)

    def bodies(self, system: System, rows: int) -> list[str]:
        """Requests of so many rows."""
        starts = range(_BODIES if rows == 1 else 1)
        parts = (self.data.rows[number : number + rows] for number in starts)
        return [json.dumps(system.body(self.model.name, self.data.columns, part)) for part in parts]

    def start(self, system: System) -> Running:
        """Start a system."""
        return start(system, python_of(system.environment), self.model, self.scratch, _free_port())

    def press(self, running: Running, connections: int, rows: int, seconds: int, pause: float = 0) -> Load:
        """Ask as much as is answered, or less, by pauses of so many milliseconds after each answer."""
        url = f"http://127.0.0.1:{running.port}{running.system.path}"
        bodies = self.bodies(running.system, rows)
        came = press(url, bodies, connections, seconds, self.scratch, pause)
        running.settle()
        return came

    def failing(self, name: str, do: Callable[[], None], running: Running | None = None) -> bool:
        """Do something with a system; if it fails, keep the reason, and end it."""
        try:
            do()
        except (ServerError, OSError, HTTPException, ValueError, KeyError) as problem:
            log = f"\nIts log's last lines:\n{running.tail()}" if running else ""
            self.taken[name].failure = f"{type(problem).__name__}: {problem}{log}"
            print(f"{self.model.name}, {name}: {self.taken[name].failure}", file=sys.stderr, flush=True)
            if running:
                running.stop()
            return True
        return False


def measure(subject: Subject, plan: Plan, keep: Callable[[], None]) -> None:
    """Measure all systems of one model."""
    # the first start fills the machine's caches, and isn't counted
    for number in range(plan.starts + 1 if plan.starts else 0):
        for system in subject.systems:
            if not subject.taken[system.name].failure:
                subject.failing(system.name, partial(_alone, subject, system, counts=number > 0))
        keep()
        _say(f"{subject.model.name}: start {number} of {plan.starts}")
    running: dict[str, Running] = {}
    try:
        for system in subject.systems if plan.rounds else ():
            if not subject.taken[system.name].failure:
                subject.failing(system.name, partial(_begin, subject, system, running))
        for number in range(plan.rounds):
            for load in LOADS:
                _round(subject, running, load, plan.seconds, number)
                keep()
            _say(f"{subject.model.name}: round {number + 1} of {plan.rounds}")
    finally:
        for one in running.values():
            one.stop()


def _begin(subject: Subject, system: System, running: dict[str, Running]) -> None:
    """Start a system to be pressed, if it answers as the library does."""
    one = subject.start(system)
    try:
        _compare(subject, one)
    except BaseException:
        one.stop()
        raise
    running[system.name] = one


def _alone(subject: Subject, system: System, *, counts: bool) -> None:
    """Start a system with nothing beside it, see what it answers, and stop it."""
    running = subject.start(system)
    try:
        _compare(subject, running)
        if counts:
            subject.press(running, 4, 1, 1)
            subject.press(running, 1, 1000, 1)
            taken = subject.taken[system.name]
            taken.start_seconds.append(running.start_seconds)
            taken.megabytes.append(running.megabytes())
    finally:
        running.stop()


def _compare(subject: Subject, running: Running) -> None:
    """See that a system predicts what the library does."""
    data, system = subject.data, running.system
    for rows in (1, len(data.rows)):
        body = system.body(subject.model.name, data.columns, data.rows[:rows])
        status, answer = ask(running.port, "POST", system.path, body)
        if status != 200:
            raise ServerError(f"it answered {status}: {answer[:500].decode(errors='replace')}")
        got = system.predictions(json.loads(answer))
        off = max(abs(a - b) / max(1, abs(b)) for a, b in zip(got, data.predicted[:rows], strict=True))
        if off > _CLOSE:
            raise ServerError(f"it predicts otherwise than the library: off by {off:g}")


def _round(subject: Subject, running: dict[str, Running], load: str, seconds: int, number: int) -> None:
    """A load on all systems, one after the other; each round begins with another system."""
    names = list(running)
    turn = number % len(names) if names else 0
    for name in (*names[turn:], *names[:turn]):
        one = running[name]
        if subject.failing(name, partial(_press, subject, one, load, seconds), one):
            del running[name]


def _press(subject: Subject, running: Running, load: str, seconds: int) -> None:
    """One load on one system; after some, half of what it took."""
    taken = subject.taken[running.system.name]
    connections, rows = LOADS[load]
    subject.press(running, connections, rows, 1)  # so that nobody is measured cold
    calls = _calls(running)
    measured = _measured(running, lambda: subject.press(running, connections, rows, seconds))
    taken.loads.setdefault(load, []).append(measured)
    if load == MANY and calls is not None:
        before, after = calls, _calls(running) or calls
        taken.joined.append((after[0] - before[0]) / max(1, after[1] - before[1]))
        _see_same(subject, running, taken)
    if load == FEW:
        paced_as = subject.taken.get(running.system.paced_as or "", taken).loads.get(load) or [measured]
        rate = paced_as[-1].requests_per_second
        pause = half(connections, rate, lambda pause: subject.press(running, connections, rows, 1, pause))
        for _ in range(_HALF_TAKES):
            came = _measured(running, lambda: subject.press(running, connections, rows, seconds, pause))
            taken.loads.setdefault(HALF, []).append(came)


def _measured(running: Running, load: Callable[[], Load]) -> Measured:
    """What came of a load, with the processor time that it took."""
    running.settle()
    before = running.cpu_seconds()
    came = load()
    running.settle()
    cpu = 1000 * (running.cpu_seconds() - before) / came.requests
    return Measured(came.requests, came.requests_per_second, came.p50, came.p99, cpu)


def _calls(running: Running) -> tuple[float, float] | None:
    """How many requests were scored so far, and by how many calls of the model; None if it doesn't tell."""
    if running.system.counts is None:
        return None
    text = ask(running.port, "GET", running.system.counts)[1].decode()
    found = dict(re.findall(r"^specr_scorer_batch_requests_(sum|count) (\S+)$", text, re.MULTILINE))
    return float(found["sum"]), float(found["count"])


def _see_same(subject: Subject, running: Running, taken: Taken) -> None:
    """Compare the answers to many connections at once with those to one, byte by byte."""
    system = running.system
    requests = [post(running.port, system.path, body) for body in subject.bodies(system, 1)]
    alone = ask_all(running.port, requests, _BODIES, 1)
    together = ask_all(running.port, requests, _SAME, LOADS[MANY][0])
    taken.compared += len(together)
    taken.differing += sum(body != alone[number % _BODIES] for number, body in enumerate(together))


def _free_port() -> int:
    """A port that is free, as are the two above it, which MLServer takes too."""
    while True:
        with socket.socket() as first, socket.socket() as second, socket.socket() as third:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
                third.bind(("127.0.0.1", port + 2))
            except OSError:
                continue
            return port


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=ALL, default=ALL)
    parser.add_argument("--systems", nargs="+", choices=[system.name for system in SYSTEMS])
    parser.add_argument("--short", action="store_true", help="one round, one start, a second for each load")
    parser.add_argument("--rounds", type=int, default=3, help="0 for start-up alone")
    parser.add_argument("--seconds", type=int, default=4, help="for each load")
    parser.add_argument(
        "--starts", type=int, default=3, help="how often start-up is measured; 0 leaves it out"
    )
    parser.add_argument("--spread", action="store_true", help="on all processors, as the scheduler likes")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "out" / "scorer.json")
    return parser.parse_args()


def main() -> None:
    """Measure what the options say, and show it."""
    options = _options()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; most distributions have it in a package of that name")
    systems = [system for system in SYSTEMS if options.systems is None or system.name in options.systems]
    plan = Plan(1, 1, 1) if options.short else Plan(options.rounds, options.seconds, options.starts)
    results: dict[str, dict[str, Taken]] = {}
    before = psutil.cpu_times()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before the end"))  # and servers are stopped
    sharing = nullcontext() if options.spread else one_processor()
    with sharing, tempfile.TemporaryDirectory() as temporary:
        models = trained_models()
        for model in options.models:
            subject = Subject.of(models / model, systems, Path(temporary))
            results[model] = subject.taken
            measure(subject, plan, lambda: _keep(results, options.out))
    _keep(results, options.out)
    print("Requests a second, p50 / p99.\n")
    print("\n\n".join(render(model, taken) for model, taken in results.items()))
    print(f"\n### Targets\n\n{render_targets(results)}")
    stolen = _stolen(before, psutil.cpu_times())
    print(f"\nOf the time that this machine wanted to compute, other machines on its host took {stolen:.1%}.")
    if any(taken.failure for by in results.values() for taken in by.values()):
        sys.exit(1)


def _stolen(before: Any, after: Any) -> float:
    """The part of the time in which a processor had something to do and was not there, as Linux tells it."""
    spent = {name: getattr(after, name) - getattr(before, name) for name in before._fields}
    stolen = spent.get("steal", 0.0)
    wanted = sum(spent.get(name, 0.0) for name in ("user", "nice", "system", "irq", "softirq")) + stolen
    return float(stolen / wanted) if wanted else 0.0


def _keep(results: dict[str, dict[str, Taken]], path: Path) -> None:
    """Write down what there is so far, so that a run that is ended early was not for nothing."""
    path.parent.mkdir(exist_ok=True, parents=True)
    plain = {model: {name: asdict(taken) for name, taken in by.items()} for model, by in results.items()}
    path.write_text(json.dumps(plain, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()

"""What the scorer benchmark found, as tables: figures by model, and what they say of the targets."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

ONE, FEW, MANY = "1 connection, 1 row", "4 connections, 1 row", "64 connections, 1 row"
LOADS = {
    ONE: (1, 1),
    FEW: (4, 1),
    MANY: (64, 1),
    "1 connection, 1,000 rows": (1, 1000),
    "64 connections, 1,000 rows": (64, 1000),
}
HALF = "4 connections, 1 row, half load"
"""The same connections that pause after each answer, so that half as many requests come."""
BARE = "bare"
"""The server that predicts nothing."""
_NOTHING = "-"
_TOO_FEW = 100
"""Of fewer requests the 99th percentile is the slowest, and not shown."""


@dataclass(frozen=True)
class Measured:
    """One load on one system in one round; milliseconds.

    `cpu` is the processor time of a request.
    """

    requests: int
    requests_per_second: float
    p50: float
    p99: float
    cpu: float


@dataclass
class Taken:
    """What one system took for one model, over all rounds.

    `joined` is how many requests a call of the model was for, under the load of 64 connections. Of
    `compared` answers that came while 64 connections asked, `differing` were not, to the last byte, what
    the same request is answered alone.
    """

    loads: dict[str, list[Measured]] = field(default_factory=dict)
    start_seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    joined: list[float] = field(default_factory=list)
    compared: int = 0
    differing: int = 0
    failure: str | None = None


def render(model: str, results: Mapping[str, Taken]) -> str:
    """The tables of one model, as Markdown."""
    lines = [f"### {model}", "", f"| | {' | '.join(results)} |", f"| --- |{' ---: |' * len(results)}"]

    def of(load: str) -> list[Sequence[Measured]]:
        return [taken.loads.get(load, ()) for taken in results.values()]

    rows = {load: [_rate(loads) for loads in of(load)] for load in (*LOADS, HALF)}
    rows |= {
        f"processor time a request, {load}": [_cpu(loads) for loads in of(load)] for load in (ONE, FEW, MANY)
    }
    rows["requests a call of the model, 64 connections"] = [
        _median(taken.joined, "{:.1f}") for taken in results.values()
    ]
    rows["answers other than alone"] = [
        f"{taken.differing} of {taken.compared:,}" if taken.compared else _NOTHING
        for taken in results.values()
    ]
    rows["start-up"] = [_median(taken.start_seconds, "{:.1f} s") for taken in results.values()]
    rows["memory"] = [_median(taken.megabytes, "{:.0f} MB") for taken in results.values()]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]
    failures = [f"{name} failed: {taken.failure}" for name, taken in results.items() if taken.failure]
    return "\n".join([*lines, *(["", *failures] if failures else [])])


def _rate(loads: Sequence[Measured]) -> str:
    if not loads:
        return _NOTHING
    return f"{_of(loads, 'requests_per_second'):,.0f}/s, {_times(loads)}"


def _times(loads: Sequence[Measured]) -> str:
    if not loads:
        return _NOTHING
    p99 = f"{_of(loads, 'p99'):.2f}" if max(load.requests for load in loads) >= _TOO_FEW else _NOTHING
    return f"{_of(loads, 'p50'):.2f} / {p99} ms"


def _cpu(loads: Sequence[Measured]) -> str:
    return f"{_of(loads, 'cpu'):.2f} ms" if loads else _NOTHING


def _of(loads: Sequence[Measured], name: str) -> float:
    return statistics.median(getattr(load, name) for load in loads)


def _median(values: Sequence[float], form: str) -> str:
    return form.format(statistics.median(values)) if values else _NOTHING


def render_targets(results: Mapping[str, Mapping[str, Taken]]) -> str:
    """Ratios of specr to the best of the MLServers, as Markdown: medians of the rounds' own."""
    lines = ["| | " + " | ".join(results) + " |", f"| --- |{' ---: |' * len(results)}"]
    rows = {
        f"requests a second, {load}: {name}": [_against(by, name, rivals, load) for by in results.values()]
        for load in (ONE, FEW, MANY)
        for name, rivals in (
            ("specr / MLServer", "MLServer"),
            ("specr by pyfunc / MLServer", "MLServer"),
            ("specr by pyfunc / MLServer, mlflow", "MLServer, mlflow"),
        )
    }
    rows |= {
        f"requests a second, {load}: bare / MLServer": [
            _against(by, BARE, "MLServer", load) for by in results.values()
        ]
        for load in (ONE, FEW)
    }
    rows |= {
        f"p99 / p50 at {load}: {name}": [_spread(by, name, load) for by in results.values()]
        for load in (ONE, FEW, HALF, MANY)
        for name in ("specr", BARE)
    }
    rows["start-up: specr / MLServer"] = [_starts(by) for by in results.values()]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]
    return "\n".join(lines)


def _against(by: Mapping[str, Taken], name: str, rivals: str, load: str) -> str:
    ours = by.get(BARE if name == BARE else "specr, pyfunc" if "pyfunc" in name else "specr")
    theirs = [
        taken.loads[load] for other, taken in by.items() if other.startswith(rivals) and load in taken.loads
    ]
    if ours is None or load not in ours.loads or not theirs:
        return _NOTHING
    best = [max(load.requests_per_second for load in each) for each in zip(*theirs, strict=False)]
    ratios = [mine.requests_per_second / rival for mine, rival in zip(ours.loads[load], best, strict=False)]
    return f"{statistics.median(ratios):.1f}"


def _spread(by: Mapping[str, Taken], name: str, load: str) -> str:
    loads = by[name].loads.get(load) if name in by else None
    return f"{statistics.median(one.p99 / one.p50 for one in loads):.2f}" if loads else _NOTHING


def _starts(by: Mapping[str, Taken]) -> str:
    theirs = [
        statistics.median(taken.start_seconds)
        for name, taken in by.items()
        if name.startswith("MLServer") and taken.start_seconds
    ]
    ours = by["specr"].start_seconds if "specr" in by else []
    return f"{statistics.median(ours) / min(theirs):.2f}" if ours and theirs else _NOTHING

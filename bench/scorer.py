"""Measures specr's runtimes beside `mlflow models serve` and MLServer, in one run on one machine.

    python -m bench.scorer                                  # all models, 3 rounds
    python -m bench.scorer --models xgboost --rounds 5 --seconds 5

The same models, the same rows, one worker each; needs wrk. Each system has an environment of its own with the
same libraries, made once and kept in the user's cache folder. Systems take turns in every round, so that a
machine whose speed drifts treats all alike; figures are medians of the rounds. Before anything is measured,
answers are compared with what the library itself predicts. Results go to standard output, and as JSON to
bench/out/.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.scorer_load import Load, press
from bench.scorer_systems import ROOT, SYSTEMS, System, ask, start
from tests.families.cache import Cache, cache_folder, key_of
from tests.families.environments import UV, uv_environment

MODELS = ("scikit-learn", "xgboost", "onnx")
LOADS = {
    "1 connection, 1 row": (1, 1),
    "64 connections, 1 row": (64, 1),
    "1 connection, 1,000 rows": (1, 1000),
    "64 connections, 1,000 rows": (64, 1000),
}
HALF = "half load, 1 row"
LIBRARIES = ROOT / "bench" / "scorer_requirements.txt"
_MLSERVER = "1.7.1"
_BESIDE = {
    "specr": (),
    "mlflow": (),
    "mlserver": tuple(f"mlserver{part}=={_MLSERVER}" for part in ("", "-mlflow", "-sklearn", "-xgboost")),
}
_PLUGINS = ("specr-scorer", "specr-mlflow", "specr-processor")
_BODIES = 16
_CLOSE = 1e-4


@dataclass(frozen=True)
class Data:
    """The rows that a model is asked about, and what its library predicts for them."""

    columns: list[str]
    rows: list[list[float]]
    predicted: list[float]


@dataclass
class Taken:
    """What one system took for one model, over all rounds."""

    loads: dict[str, list[Load]] = field(default_factory=dict)
    start_seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)


def python_of(environment: str) -> Path:
    """The Python of an environment, which is made if it isn't there."""
    needed = list(_BESIDE[environment])
    for plugin in _PLUGINS if environment == "specr" else ():
        project = tomllib.loads((ROOT / "plugins" / plugin / "pyproject.toml").read_text())["project"]
        needed += [need for need in project["dependencies"] if not need.startswith("specr")]

    def make(folder: Path) -> None:
        environ = uv_environment(os.environ)
        python = folder / "bin" / "python"
        subprocess.run(
            [UV, "venv", "--quiet", "--relocatable", "--python", "3.11", folder], env=environ, check=True
        )
        install = [UV, "pip", "install", "--quiet", "--python", python, "--requirement", LIBRARIES]
        subprocess.run([*install, *needed], env=environ, check=True)

    key = key_of([LIBRARIES.read_bytes(), *sorted(needed)])
    return Cache(cache_folder() / "bench").get(key, make)[0] / "bin" / "python"


def trained_models() -> Path:
    """The folder of the models, which are trained if they aren't there."""
    python, script = python_of("mlflow"), ROOT / "bench" / "scorer_models.py"

    def make(folder: Path) -> None:
        subprocess.run([python, script, folder], check=True)

    key = key_of([script.read_bytes(), LIBRARIES.read_bytes()])
    return Cache(cache_folder() / "bench-models").get(key, make)[0]


def measure(system: System, model: Path, scratch: Path, seconds: int, taken: Taken) -> None:
    """Start a system, compare its answers, press it, stop it."""
    data = Data(**json.loads((model / "rows.json").read_text()))
    running = start(system, python_of(system.environment), model, scratch, _free_port())
    try:
        taken.start_seconds.append(running.start_seconds)
        _compare(system, running.port, model.name, data)
        for load, came in _press_all(system, running.port, model.name, data, seconds, scratch):
            taken.loads.setdefault(load, []).append(came)
        taken.megabytes.append(running.megabytes())
    finally:
        running.stop()


def _press_all(
    system: System, port: int, model: str, data: Data, seconds: int, scratch: Path
) -> Iterator[tuple[str, Load]]:
    url = f"http://127.0.0.1:{port}{system.path}"

    def bodies(rows: int) -> list[str]:
        parts = (
            (data.rows[number : number + rows] for number in range(_BODIES)) if rows == 1 else (data.rows,)
        )
        return [json.dumps(system.body(model, data.columns, part)) for part in parts]

    press(url, bodies(1), 4, 2, scratch)  # warm up
    for name, (connections, rows) in LOADS.items():
        came = press(url, bodies(rows), connections, seconds, scratch)
        yield name, came
        if (connections, rows) == (64, 1):
            yield HALF, press(url, bodies(1), 64, seconds, scratch, came.requests_per_second / 2)


def _compare(system: System, port: int, model: str, data: Data) -> None:
    """See that a system predicts what the library does; it ends the run if not."""
    for rows in (1, len(data.rows)):
        status, answer = ask(port, "POST", system.path, system.body(model, data.columns, data.rows[:rows]))
        if status != 200:
            sys.exit(f"{system.name} answered {status}: {answer[:500].decode(errors='replace')}")
        got = system.predictions(json.loads(answer))
        wanted = data.predicted[:rows]
        off = max((abs(a - b) / max(1, abs(b)) for a, b in zip(got, wanted, strict=True)), default=0)
        if off > _CLOSE:
            sys.exit(f"{system.name} predicts otherwise than the library of {model}: off by {off:g}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def render(model: str, results: dict[str, Taken]) -> str:
    """The table of one model, as Markdown."""
    lines = [f"### {model}", ""]
    lines += [f"| | {' | '.join(results)} |", f"| --- |{' ---: |' * len(results)}"]
    for load in (*LOADS, HALF):
        cells = [_cell(taken.loads[load]) for taken in results.values()]
        lines.append(f"| {load} | {' | '.join(cells)} |")
    starts = [f"{statistics.median(taken.start_seconds):.1f} s" for taken in results.values()]
    memory = [f"{statistics.median(taken.megabytes):.0f} MB" for taken in results.values()]
    lines += [f"| start-up | {' | '.join(starts)} |", f"| memory | {' | '.join(memory)} |"]
    return "\n".join(lines)


def _cell(loads: list[Load]) -> str:
    rate, p50, p99 = (
        statistics.median(getattr(load, name) for load in loads)
        for name in ("requests_per_second", "p50", "p99")
    )
    return f"{rate:,.0f}/s, {p50:.1f} / {p99:.1f} ms"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--systems", nargs="+", choices=[system.name for system in SYSTEMS])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="for each load")
    return parser.parse_args()


def main() -> None:
    """Measure what the options say, and show it."""
    options = _options()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; most distributions have it in a package of that name")
    systems = [system for system in SYSTEMS if options.systems is None or system.name in options.systems]
    results = {
        model: {system.name: Taken() for system in systems if model in system.serves}
        for model in options.models
    }
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        models = trained_models()
        for number in range(options.rounds):
            turn = number % len(systems)
            for system in (*systems[turn:], *systems[:turn]):
                for model in options.models:
                    if model in system.serves:
                        taken = results[model][system.name]
                        measure(system, models / model, scratch, options.seconds, taken)
                        _keep(results)
            print(f"round {number + 1} of {options.rounds} is done", file=sys.stderr, flush=True)
    print("Requests a second, p50 / p99.\n")
    print("\n\n".join(render(model, taken) for model, taken in results.items()))


def _keep(results: dict[str, dict[str, Taken]]) -> None:
    """Write down what there is so far, so that a run that is ended early was not for nothing."""
    out = ROOT / "bench" / "out"
    out.mkdir(exist_ok=True)
    plain = {model: {name: asdict(taken) for name, taken in by.items()} for model, by in results.items()}
    (out / "scorer.json").write_text(json.dumps(plain, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The servers that the scorer benchmark compares: how each is started and asked. One worker each."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 180.0
Rows = Sequence[Sequence[float]]


@dataclass(frozen=True)
class System:
    """One way to serve a model.

    Args:
        name: as the table shows it.
        environment: which of the environments it runs in.
        serves: the models that it can serve.
        command: what Python gets to start it, from the model's folder, a folder of its own, and the port.
        environ: variables beside the usual ones, from the model's folder and the port.
        ready: the path that answers 200 once it is ready.
        path: where rows are posted.
        body: the request for rows.
        predictions: what an answer holds, one number a row.
    """

    name: str
    environment: str
    serves: tuple[str, ...]
    command: Callable[[Path, Path, int], list[str]]
    environ: Callable[[Path, int], Mapping[str, str]]
    ready: str
    path: str
    body: Callable[[str, Sequence[str], Rows], Any]
    predictions: Callable[[Any], list[float]]


@dataclass(frozen=True)
class Running:
    """A server that is ready."""

    process: subprocess.Popen[bytes]
    port: int
    start_seconds: float

    def megabytes(self) -> float:
        """The memory of all its processes; what they share counts once."""
        parent = psutil.Process(self.process.pid)
        everyone = [parent, *parent.children(recursive=True)]
        return float(sum(one.memory_full_info().pss for one in everyone)) / 2**20

    def stop(self) -> None:
        """End it and everything that it started."""
        parent = psutil.Process(self.process.pid)
        everyone = [*parent.children(recursive=True), parent]
        self.process.terminate()
        _, alive = psutil.wait_procs(everyone, timeout=10)
        for one in alive:
            one.kill()
        self.process.wait()


def ask(port: int, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    """One request of a client that knows nothing."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def start(system: System, python: Path, model: Path, scratch: Path, port: int) -> Running:
    """Start a server and wait until it is ready."""
    folder = scratch / f"{system.name}-{model.name}".replace(" ", "-")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environ = {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)}
    environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", **system.environ(model, port)}
    with (folder / "log").open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            [python, *system.command(model, folder, port)], cwd=folder, env=environ, stdout=log, stderr=log
        )
    while time.perf_counter() - started < PATIENCE and process.poll() is None:
        try:
            if ask(port, "GET", system.ready)[0] == 200:
                return Running(process, port, time.perf_counter() - started)
        except OSError:
            pass
        time.sleep(0.02)
    process.kill()
    sys.exit(f"{system.name} did not get ready; its log is {folder / 'log'}")


def _specr(name: str, way: str) -> System:
    def environ(model: Path, port: int) -> dict[str, str]:
        folders = (
            ROOT / "plugins" / plugin for plugin in ("specr-scorer", "specr-mlflow", "specr-processor")
        )
        return {
            "PYTHONPATH": os.pathsep.join(map(str, folders)),
            "MODEL_PATH": str(model / "mlflow"),
            "MODEL_ID": "m",
            "PORT": str(port),
            "SPECR_HOST": "127.0.0.1",
            "SPECR_MLFLOW_PATH": way,
        }

    def body(_model: str, columns: Sequence[str], rows: Rows) -> Any:
        return {"fields": columns, "rows": rows}

    return System(
        name=name,
        environment="specr",
        serves=("scikit-learn", "xgboost", "onnx"),
        command=lambda _model, _folder, _port: ["-m", "specr_mlflow.runtime"],
        environ=environ,
        ready="/readyz",
        path="/model/score",
        body=body,
        predictions=lambda told: [float(row[0]) for row in told["score"]],
    )


def _mlflow() -> System:
    def command(model: Path, _folder: Path, port: int) -> list[str]:
        options = ["--env-manager", "local", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)]
        return ["-m", "mlflow", "models", "serve", "-m", str(model / "mlflow"), *options]

    def body(model: str, columns: Sequence[str], rows: Rows) -> Any:
        if model == "onnx":
            return {"inputs": {"X": rows}}
        return {"dataframe_split": {"columns": columns, "data": rows}}

    return System(
        name="mlflow models serve",
        environment="mlflow",
        serves=("scikit-learn", "xgboost", "onnx"),
        command=command,
        environ=lambda _model, _port: {},
        ready="/ping",
        path="/invocations",
        body=body,
        predictions=lambda told: _flat(told["predictions"]),
    )


def _flat(value: Any) -> list[float]:
    """The numbers of however nested an answer, in order."""
    if isinstance(value, dict):
        return [number for part in value.values() for number in _flat(part)]
    if isinstance(value, list):
        return [number for part in value for number in _flat(part)]
    return [float(value)]


def _mlserver(name: str, serves: tuple[str, ...], body: Callable[[str, Sequence[str], Rows], Any]) -> System:
    implementations = {
        "scikit-learn": ("mlserver_sklearn.SKLearnModel", "model.joblib"),
        "xgboost": ("mlserver_xgboost.XGBoostModel", "model.json"),
    }

    def command(model: Path, folder: Path, port: int) -> list[str]:
        implementation, file = ("mlserver_mlflow.MLflowRuntime", "mlflow")
        if "native" in name:
            implementation, file = implementations[model.name]
        settings = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2, "host": "127.0.0.1"}
        # without workers of its own, the one process computes itself: no copying between processes
        (folder / "settings.json").write_text(json.dumps({**settings, "parallel_workers": 0}))
        parameters = {"name": "m", "implementation": implementation, "parameters": {"uri": str(model / file)}}
        (folder / "model-settings.json").write_text(json.dumps(parameters))
        return ["-c", "from mlserver.cli import main; main()", "start", str(folder)]

    return System(
        name=name,
        environment="mlserver",
        serves=serves,
        command=command,
        environ=lambda _model, _port: {},
        ready="/v2/models/m/ready",
        path="/v2/models/m/infer",
        body=body,
        predictions=lambda told: _flat(told["outputs"][0]["data"]),
    )


def _columns(model: str, columns: Sequence[str], rows: Rows) -> Any:
    """An inference request with an input a column, which MLServer makes a data frame of."""
    if model == "onnx":
        return _tensor(model, columns, rows, kind="np", name="X")
    inputs = [
        {
            "name": column,
            "datatype": "FP64",
            "shape": [len(rows), 1],
            "data": [row[number] for row in rows],
        }
        for number, column in enumerate(columns)
    ]
    return {"parameters": {"content_type": "pd"}, "inputs": inputs}


def _tensor(
    model: str, columns: Sequence[str], rows: Rows, *, kind: str | None = None, name: str = "input"
) -> Any:
    tensor: dict[str, Any] = {
        "name": name,
        "datatype": "FP64" if model == "scikit-learn" else "FP32",
        "shape": [len(rows), len(columns)],
        "data": [cell for row in rows for cell in row],
    }
    if kind is not None:
        tensor["parameters"] = {"content_type": kind}
    return {"inputs": [tensor]}


SYSTEMS = (
    _specr("specr", "auto"),
    _specr("specr, pyfunc", "pyfunc"),
    _mlflow(),
    _mlserver("MLServer, mlflow", ("scikit-learn", "xgboost", "onnx"), _columns),
    _mlserver("MLServer, native", ("scikit-learn", "xgboost"), _tensor),
)

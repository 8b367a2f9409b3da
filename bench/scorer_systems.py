"""The systems that the scorer benchmark compares: how each is started and asked. One worker each."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.scorer_results import BARE
from bench.scorer_servers import Rows, System

ROOT = Path(__file__).resolve().parents[1]
ALL = ("scikit-learn", "xgboost", "onnx")


def _specr(name: str, way: str, *, batch: str = "auto", serves: tuple[str, ...] = ALL) -> System:
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
            "SPECR_BATCH": batch,
        }

    def body(model: str, columns: Sequence[str], rows: Rows) -> Any:
        names = [f"X_{place}" for place in range(len(columns))] if model == "onnx" else columns
        return {"fields": names, "rows": rows}

    return System(
        name=name,
        environment="specr",
        serves=serves,
        command=lambda _model, _folder, _port: ["-m", "specr_mlflow.runtime"],
        environ=environ,
        ready="/readyz",
        path="/model/score",
        body=body,
        predictions=lambda told: [float(row[0]) for row in told["score"]],
        counts="/metrics",
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
        serves=ALL,
        command=command,
        environ=lambda _model, _port: {},
        ready="/ping",
        path="/invocations",
        body=body,
        predictions=lambda told: _flat(told["predictions"]),
    )


def _bare() -> System:
    def body(_model: str, columns: Sequence[str], rows: Rows) -> Any:
        return {"fields": columns, "rows": rows}

    return System(
        name=BARE,
        environment="specr",
        serves=ALL,
        command=lambda model, _folder, port: [str(ROOT / "bench" / "scorer_bare.py"), str(model), str(port)],
        environ=lambda _model, _port: {},
        ready="/",
        path="/",
        body=body,
        predictions=lambda told: [float(row[0]) for row in told["score"]],
        paced_as="specr",
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
        ports = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2, "host": "127.0.0.1"}
        # as fast as it can be: without workers of its own, the one process computes itself and nothing is
        # copied between processes; without debugging, it writes no access log
        settings = {**ports, "parallel_workers": 0, "debug": False}
        (folder / "settings.json").write_text(json.dumps(settings))
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
    _specr("specr, one by one", "auto", batch="off", serves=("xgboost",)),  # it joins no other's requests
    _specr("specr, pyfunc", "pyfunc"),
    _mlflow(),
    _mlserver("MLServer, mlflow", ALL, _columns),
    _mlserver("MLServer, native", ("scikit-learn", "xgboost"), _tensor),
    _bare(),
)

"""Fetching by MLflow's own client, which knows object stores, in a process of its own.

So a plan never pays for importing it, its settings can't touch those of specr, and fetches of
several models don't meet in its global state.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from specr.diagnostics import Diagnostic, DiagnosticError
from specr.sources.answers import too_slow
from specr.sources.url import shown_url

_PROGRAM: Final = """\
import sys
from mlflow.artifacts import download_artifacts
print("\\n" + download_artifacts(artifact_uri=sys.argv[1], dst_path=sys.argv[2]))
"""
_QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
_LONGEST: Final = 300


def fetch_by_mlflow(uri: str, folder: Path, tracking: str, shown: str, seconds: float) -> None:
    """Bring what lies at an artifact URI into a folder, within so many seconds.

    Raises:
        DiagnosticError: MLflow is not installed, or can't do it.
    """
    if find_spec("mlflow") is None:
        raise DiagnosticError(_lacking(uri, shown))
    environ = {"MLFLOW_TRACKING_URI": tracking, **os.environ, **_QUIET}
    command = [sys.executable, "-c", _PROGRAM, uri, str(folder)]
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            env=environ,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise DiagnosticError(too_slow(shown, seconds, "models")) from None
    if done.returncode:
        raise DiagnosticError(_failed(uri, shown, done.stderr))
    brought = Path(done.stdout.rstrip("\n").rpartition("\n")[2])
    if brought != folder:
        for path in brought.iterdir():
            path.rename(folder / path.name)
        brought.rmdir()


def _lacking(uri: str, shown: str) -> Diagnostic:
    return Diagnostic(
        "Artifact lies in a store that needs MLflow",
        f"The files of {shown} lie at {shown_url(uri)}, and the MLflow server does not pass them on.",
        "Install `mlflow-skinny` and the store's own client (boto3 for S3) beside specr; or run the server "
        "with `--serve-artifacts` and register the model anew.",
    )


def _failed(uri: str, shown: str, stderr: str) -> Diagnostic:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    reason = lines[-1][:_LONGEST] if lines else "it said nothing"
    return Diagnostic(
        "Artifact can't be fetched",
        f"MLflow could not fetch the files of {shown} from {shown_url(uri)}: {reason}.",
        "Check the login for the store (for S3: AWS_ACCESS_KEY_ID and what belongs to it), and that its "
        "client is installed beside specr.",
    )

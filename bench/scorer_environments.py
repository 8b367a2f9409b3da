"""The environments and models of the scorer benchmark, made once and kept by their content."""

import os
import subprocess
import tomllib
from pathlib import Path

from bench.scorer_systems import ROOT
from tests.families.cache import Cache, cache_folder, key_of
from tests.families.environments import UV, uv_environment

LIBRARIES = ROOT / "bench" / "scorer_requirements.txt"
_MLSERVER = "1.7.1"
_BESIDE = {
    "specr": (),
    "mlflow": (),
    "mlserver": tuple(f"mlserver{part}=={_MLSERVER}" for part in ("", "-mlflow", "-sklearn", "-xgboost")),
}
_PLUGINS = ("specr-scorer", "specr-mlflow", "specr-processor")


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

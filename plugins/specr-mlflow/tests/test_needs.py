"""Modules that are not there: what a runtime's log says to do about them."""

from pathlib import Path

import pytest
from specr_mlflow.needs import explain_missing

INSTALL = "; install what the model's requirements.txt names, and mlflow or mlflow-skinny with pandas"
BRING = "log the model with code_paths=[…], which brings it along, give the runtime `env: {PYTHONPATH: …}`"


def told(tmp_path: Path, missing: str, requirements: str | None = "mlflow==3.1\nnumpy\n") -> str:
    if requirements is not None:
        (tmp_path / "requirements.txt").write_text(requirements)
    return explain_missing(ModuleNotFoundError(f"No module named {missing!r}", name=missing), tmp_path)


@pytest.mark.parametrize(
    ("missing", "requirements"),
    [
        ("xgboost", "xgboost==2.0"),
        ("my_features.sums", "numpy\n My.Features[fast] >=1 ; python_version > '3.8'  # ours"),
        ("pandas", ""),
        ("mlflow", None),
    ],
)
def test_what_requirements_name_is_to_be_installed(
    missing: str, requirements: str | None, tmp_path: Path
) -> None:
    module = missing.partition(".")[0]
    assert told(tmp_path, missing, requirements) == f"the Python package {module} is not installed{INSTALL}"


@pytest.mark.parametrize(
    "requirements", ["mlflow==3.1\nnumpy\nPyYAML", "-r my_features\n# my_features\n", None]
)
def test_what_they_do_not_name_is_to_be_brought_along(requirements: str | None, tmp_path: Path) -> None:
    text = told(tmp_path, "my_features", requirements)
    assert text.startswith(
        "the Python package my_features is not installed, and the model's requirements.txt does not name it. "
        f"If it is a module of your own, {BRING}"
    )


def test_a_module_may_come_from_a_distribution_of_another_name(tmp_path: Path) -> None:
    text = told(tmp_path, "cv99", "numpy\nopencv99-python==4\ngit+https://example.org/a.git\n./b.whl\n")
    assert "Install what it names and is not there (opencv99-python). If it is a module of your own, " in text

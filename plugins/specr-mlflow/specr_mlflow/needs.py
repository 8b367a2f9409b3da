"""What to do about a module that a model needs and that is not there: install it, or bring it along.

`requirements.txt` names distributions, and a module may come from one of another name. So what it names and
is not installed is told beside, instead of a guess.
"""

import re
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_REQUIREMENTS: Final = "requirements.txt"
_OWN: Final = frozenset({"mlflow", "pandas"})
"""What the runtime itself needs for models that are MLflow's to load."""
_NAME: Final = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:$|[\[<>=!~;@#,\s(])")
_LISTED: Final = 5
_BRING_ALONG: Final = (
    "If it is a module of your own, log the model with code_paths=[…], which brings it along, give the "
    "runtime `env: {PYTHONPATH: …}` with the folder that it lies in, or install it where the runtime runs"
)


def explain_missing(problem: ModuleNotFoundError, folder: Path) -> str:
    """Which package is missing, and what to do, for the log of a runtime.

    Args:
        problem: what importing the model's modules raised.
        folder: the model's.
    """
    name = problem.name or str(problem)
    module = name.partition(".")[0]
    told = f"the Python package {module} is not installed"
    named = _requirements(folder)
    if module in _OWN or _canonical(module) in map(_canonical, named):
        return (
            f"{told}; install what the model's {_REQUIREMENTS} names, and mlflow or mlflow-skinny with pandas"
        )
    absent = [requirement for requirement in named if not _is_there(requirement)]
    first = f"Install what it names and is not there ({', '.join(absent[:_LISTED])}). " if absent else ""
    return f"{told}, and the model's {_REQUIREMENTS} does not name it. {first}{_BRING_ALONG}"


def _requirements(folder: Path) -> list[str]:
    """The distributions that a model's requirements name; those told by URL or file are left out."""
    try:
        lines = (folder / _REQUIREMENTS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):  # what it would have named is not needed for an answer
        return []
    return [found[1] for found in map(_NAME.match, lines) if found]


def _canonical(name: str) -> str:
    """A distribution's name as indexes compare them, so that a module's is the same where it can be."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_there(requirement: str) -> bool:
    """Whether a distribution is installed, or another of its module, such as mlflow-skinny."""
    try:
        distribution(requirement)
    except PackageNotFoundError:
        module = _canonical(requirement).replace("-", "_")
        return find_spec(module) is not None
    return True

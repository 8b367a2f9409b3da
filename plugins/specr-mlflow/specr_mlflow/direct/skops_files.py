"""Models in skops' format, loaded without importing all of scikit-learn.

skops trusts every estimator of scikit-learn, and imports all modules there are to gather their names: a
quarter of a runtime's start. Here it gathers those of the modules that the file names, by the same function.
A file that asks for more is loaded by skops as it is; so is every other one, since nothing of this is kept.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from zipfile import ZipFile

_NAMED: Final = re.compile(r'"__module__":\s*"(sklearn(?:\.\w+)+)"')


def load_skops(path: Path, trusted: Sequence[str] | None) -> Any:
    """Load a model, whose types must be trusted by skops or be among these."""
    if "skops" not in sys.modules:
        with _few_estimators(path):
            io = import_module("skops.io")
            try:
                return io.load(path, trusted=trusted)
            except import_module("skops.io.exceptions").UntrustedTypesFoundException:
                pass  # perhaps it is known by another module's name
    return import_module("skops.io").load(path, trusted=trusted)


@contextmanager
def _few_estimators(path: Path) -> Iterator[None]:
    """Have skops import no more of scikit-learn than a file names, and forget it afterwards."""
    for name in _named_modules(path):
        try:
            import_module(name)
        except ImportError:  # skops tells what it misses
            continue
    discovery: Any = import_module("sklearn.utils.discovery")
    whole = discovery.pkgutil
    discovery.pkgutil = SimpleNamespace(walk_packages=_walk_imported)
    try:
        yield
    finally:
        discovery.pkgutil = whole
        for name in [name for name in sys.modules if name.partition(".")[0] == "skops"]:
            del sys.modules[name]


def _named_modules(path: Path) -> list[str]:
    with ZipFile(path) as file:
        return sorted(set(_NAMED.findall(file.read("schema.json").decode())))


def _walk_imported(path: object, prefix: str) -> Iterator[tuple[None, str, bool]]:  # noqa: ARG001 - by name
    """In place of `pkgutil.walk_packages`: the modules of a package that are imported."""
    for name, module in list(sys.modules.items()):
        if name.startswith(prefix) and module is not None:
            yield None, name, hasattr(module, "__path__")

"""A saved model as the direct loaders see it, and the pickle that several flavours are."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from specr_mlflow.direct.skops_files import load_skops
from specr_mlflow.schema import Side

_TRUE: Final = {"true", "1"}


class NotDirectError(Exception):
    """A model that only mlflow.pyfunc serves; the message is the reason, a clause."""


@dataclass(frozen=True, slots=True)
class SavedModel:
    """A model folder, the flavours of its MLmodel, and its input columns."""

    folder: Path
    flavors: Mapping[str, Any]
    inputs: Side
    environ: Mapping[str, str]

    @property
    def pyfunc(self) -> Mapping[str, Any]:
        """What the python_function flavour says."""
        conf: Mapping[str, Any] = self.flavors["python_function"]
        return conf

    def flavor(self, name: str) -> Mapping[str, Any]:
        """What a flavour says; nothing where MLmodel lacks it, as MLflow's loaders take it."""
        conf = self.flavors.get(name)
        return conf if isinstance(conf, Mapping) else {}

    def file(self, *names: object) -> Path:
        """The first of the named files or folders that is told and exists.

        Raises:
            NotDirectError: there is none.
        """
        for name in names:
            if isinstance(name, str) and (self.folder / name).exists():
                return self.folder / name
        raise NotDirectError("its MLmodel names no file that is there")

    def load_object(self, path: Path, conf: Mapping[str, Any], default: str) -> Any:
        """Load a model that is a Python object, that is, run its code.

        A pickle of cloudpickle loads by pickle's own loader and imports cloudpickle where it needs it.

        Raises:
            NotDirectError: it is in a format that is not known here, or MLflow's switch forbids to load it.
        """
        allowed = self.environ.get("MLFLOW_ALLOW_PICKLE_DESERIALIZATION")
        if allowed is not None and allowed.lower() not in _TRUE:
            raise NotDirectError("MLFLOW_ALLOW_PICKLE_DESERIALIZATION forbids to load its pickle")
        form = conf.get("serialization_format", default)
        if form == "skops":
            return load_skops(path, conf.get("skops_trusted_types"))
        if form not in {"pickle", "cloudpickle"}:
            raise NotDirectError(f"it is saved as {form}")
        with path.open("rb") as file:
            return pickle.load(file)  # noqa: S301 - loading a model runs it; the processor looked at it

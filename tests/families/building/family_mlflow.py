"""For `build.py` files: signatures that say which columns may be missing, for every version of mlflow."""

import inspect
from collections.abc import Mapping
from typing import Any, Final

from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

_TYPES: Final = {
    "float64": "double",
    "float32": "float",
    "int64": "long",
    "int32": "integer",
    "bool": "boolean",
    "object": "string",
    "datetime64[ns]": "datetime",
}
SAYS_REQUIRED: Final = "required" in inspect.signature(ColSpec.__init__).parameters
"""Whether a signature can say which columns may be missing; if not, whole numbers and truths may not be."""


def signature(inputs: Any, outputs: Mapping[str, str]) -> ModelSignature:
    """A signature whose inputs may all be missing, as far as it can say so.

    Args:
        inputs: a frame without gaps.
        outputs: the output columns' types, as mlflow names them.
    """
    optional = {"required": False} if SAYS_REQUIRED else {}
    told = [ColSpec(_TYPES[str(kind)], name, **optional) for name, kind in inputs.dtypes.items()]
    return ModelSignature(Schema(told), Schema([ColSpec(kind, name) for name, kind in outputs.items()]))

"""The input example that a model was saved with, as one row for the sample request.

An example that is missing or of a shape not known here is no error: the scorer then makes up a row.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specr_mlflow.schema import Side


def load_example(folder: Path, mlmodel: Mapping[str, Any], side: Side) -> dict[str, object]:
    """The example's first row by column name; empty where there is none to be read."""
    info = mlmodel.get("saved_input_example_info")
    if not isinstance(info, Mapping) or not isinstance(info.get("artifact_path"), str):
        return {}
    try:
        document = json.loads((folder / info["artifact_path"]).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    cells = _first_row(document, side)
    scalar = (str, int, float, bool, type(None))
    return {name: cell for name, cell in cells.items() if isinstance(cell, scalar)}


def _first_row(document: Any, side: Side) -> dict[str, object]:
    names = [field.name for field in side.fields]
    if isinstance(document, dict) and isinstance(document.get("data"), list):  # pandas, orient split
        labels = document.get("columns", names)
        rows = document["data"]
        first = rows[0] if rows else []
        labelled = dict(zip(map(str, labels), first, strict=False)) if isinstance(first, list) else {}
        return labelled if set(names) & set(labelled) else dict(zip(names, labelled.values(), strict=False))
    if isinstance(document, list) and document and isinstance(document[0], dict):  # pandas, orient records
        return document[0]
    if side.tensors:
        wrapped = isinstance(document, dict) and "inputs" in document  # as mlflow 1 wrote arrays
        return _tensor_row(document["inputs"] if wrapped else document, side)
    return document if isinstance(document, dict) else {}


def _tensor_row(inputs: Any, side: Side) -> dict[str, object]:
    row: dict[str, object] = {}
    for tensor in side.tensors:
        values = inputs.get(tensor.name) if isinstance(inputs, dict) else inputs
        first = values[0] if isinstance(values, list) and values else None
        row |= dict(zip((field.name for field in tensor.fields), _flattened(first), strict=False))
    return row


def _flattened(value: object) -> list[object]:
    """The cells of nested lists, the innermost running fastest."""
    return [cell for inner in value for cell in _flattened(inner)] if isinstance(value, list) else [value]

"""MOJOs made of text, as H2O writes them."""

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

INFO = {
    "h2o_version": "3.46.0.11",
    "mojo_version": "1.40",
    "algo": "gbm",
    "algorithm": "Gradient Boosting Machine",
    "category": "Binomial",
    "uuid": "7",
    "supervised": "true",
    "n_features": "3",
    "n_classes": "2",
    "n_columns": "4",
    "escape_domain_values": "true",
}
COLUMNS = ["age", "city", "when", "grade"]
LEVELS = {1: ["Oslo", "New York, NY"], 3: ["no", "yes"]}
KINDS = ["Numeric", "Enum", "Time", "Enum"]

MakeMojo = Callable[..., Path]


def ini(info: Mapping[str, str], columns: list[str], levels: Mapping[int, list[str]]) -> str:
    """A `model.ini`."""
    lines = ["[info]", *(f"{key} = {value}" for key, value in info.items())]
    lines += ["", "[columns]", *columns, "", "[domains]"]
    lines += [
        f"{index}: {len(names)} d{number:03}.txt"
        for number, (index, names) in enumerate(sorted(levels.items()))
    ]
    return "\n".join([*lines, ""])


@pytest.fixture
def make_mojo(tmp_path: Path) -> MakeMojo:
    """Writes a MOJO of a classifier; what is given replaces what it has, and a file of None is left out."""

    def make(
        info: Mapping[str, str] | None = None,
        columns: list[str] | None = None,
        levels: Mapping[int, list[str]] | None = None,
        kinds: list[str] | None = None,
        files: Mapping[str, bytes | None] | None = None,
    ) -> Path:
        columns, levels = columns or COLUMNS, LEVELS if levels is None else levels
        told: Any = {"output": {"names": columns, "column_types": kinds or KINDS}}
        content: dict[str, bytes | None] = {
            "model.ini": ini(
                {**INFO, "n_columns": str(len(columns)), **(info or {})}, columns, levels
            ).encode(),
            "experimental/modelDetails.json": json.dumps(told).encode(),
            "trees/t00_000.bin": bytes(range(200)),
        }
        for number, (_, names) in enumerate(sorted(levels.items())):
            text = "".join(name.replace("\\", "\\\\").replace("\n", "\\n") + "\n" for name in names)
            content[f"domains/d{number:03}.txt"] = text.encode()
        content |= files or {}
        path = tmp_path / "model.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in content.items():
                if data is not None:
                    archive.writestr(name, data)
        return path

    return make

"""Documents for properties: values of many shapes, mostly near to what specs are."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from specr.resources.catalog import KINDS

FULL: dict[str, dict[str, Any]] = {
    "Project": {
        "packs": ["mlflow"],
        "backend": {"type": "sqlite", "path": "x.db"},
        "store": {"type": "folder"},
        "providers": {"gpu": {"type": "kubernetes", "deep": {"a": [1]}}},
        "sources": {"models": {"trackingUri": "https://mlflow.example.com"}},
        "defaultProvider": "gpu",
        "policy": {"pickles": "warn", "modules": ["acme.features"]},
        "variables": {"a": 1, "b": "x", "c": True, "d": 0.5},
    },
    "Experiment": {
        "metadata": {"any": [1, {"b": None}]},
        "parameters": {"depth": 3},
        "statistics": {"auc": 0.9},
        "schema": {"input": [{"name": "a", "type": "int32"}], "output": [{"name": "b", "type": "STRING"}]},
        "dependsOn": ["experiment/x"],
    },
    "Artifact": {
        "experiment": "e",
        "type": "python/mlflow",
        "source": "models/x",
        "digest": "sha256:" + "0" * 64,
    },
    "ArtifactType": {"artifactType": "python/mlflow", "readableName": "MLflow"},
    "ModelType": {"readableName": "MLflow", "runtimeHint": "Install one."},
    "Processor": {
        "artifactType": "t",
        "modelType": "m",
        "image": "i",
        "command": ["a", "b"],
        "env": {"A": "b", "C": {"valueFrom": {"env": "X"}}},
        "resources": {"requests": {"cpu": "500m"}, "limits": {"memory": "1.5Gi"}},
        "timeout": 5,
    },
    "Runtime": {
        "modelType": "m",
        "env": {"C": {"valueFrom": {"secret": {"name": "n", "key": "k"}}}, "D": {"valueFrom": {"file": "f"}}},
        "readiness": {"path": "/x", "timeout": 9},
    },
    "Model": {"versions": {1: "a", "2": "b"}, "aliases": {"champion": 1}},
    "Deployment": {
        "model": "m",
        "version": 1,
        "artifact": "a",
        "processor": "p",
        "runtime": "r",
        "provider": "local",
        "replicas": 2,
        "env": {"A": "b"},
        "resources": {},
        "verify": [{"row": {"a": 1}, "expect": {"b": "x"}, "tolerance": 1}],
        "endpoint": {"port": 8080},
        "protect": True,
    },
}
"""A spec of each kind that uses every argument."""

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 70_000),
    st.sampled_from([0.5, -1.0, 1e300]),
    st.sampled_from(
        [
            "",
            "a",
            "A_b",
            "-",
            "a" * 64,
            "1",
            "true",
            "/x",
            "500m",
            "1GB",
            "int64",
            "Int23",
            "${var.x}",
            "$${x}",
            "x\n",
            "é",
        ]
    ),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["a", "type", "name", "valueFrom", "env", "MY-VAR", "str"]), inner, max_size=2
        ),
    ),
    max_leaves=4,
)


@st.composite
def _changed(draw: st.DrawFn, value: Any) -> Any:
    """A value with one place in it changed: replaced, removed, or something put beside it."""
    if isinstance(value, dict) and value and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(value, key=str)))
        action = draw(st.integers(0, 5))
        if action == 0:
            return {k: v for k, v in value.items() if k != key}
        if action == 1:
            return {
                **value,
                draw(st.sampled_from(["typ", "Name", "extra", "x_y", str(key).upper()])): draw(_VALUES),
            }
        return {**value, key: draw(_changed(value[key]))}
    if isinstance(value, list) and value and draw(st.booleans()):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], draw(_changed(value[place])), *value[place + 1 :]]
    return draw(_VALUES)


@st.composite
def document_values(draw: st.DrawFn) -> Any:
    """The value of a document: one of `FULL`, with up to three changes."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    metadata = {"name": "n", "labels": {"a": "b"}, "annotations": {"c": "d"}}
    value: Any = {"apiVersion": "specr/v1", "kind": kind, "metadata": metadata, "spec": FULL[kind]}
    for _ in range(draw(st.integers(0, 3))):
        value = draw(_changed(value))
    return value

"""A plan that holds a bit of everything, as a user might meet it."""

from __future__ import annotations

from specr.address import Address
from specr.plan.model import Action, Cause, Change, Difference, Drift, Effect, Plan, Reason
from specr.plan.unknown import placeholder
from specr.state.model import ObjectRef


def digest(c: str) -> str:
    return "sha256:" + c * 64


def columns(*p: tuple[str, str]) -> list[dict[str, str]]:
    return [{"name": n, "type": t} for n, t in p]


def runtime() -> dict[str, object]:
    return {
        "name": "python-mlflow",
        "command": ["python", "-m", "specr_mlflow.serve"],
        "modelType": "python-mlflow",
        "readiness": {"path": "/readyz", "timeout": 120},
        "env": {"TOKEN": {"valueFrom": {"env": "API_TOKEN"}}, "LEVEL": "info"},
    }


FRAUD = Address("deployment", "fraud")
CHURN = Address("deployment", "churn")
BUILD = Address("build", "fraud-v2.mlflow")
CHANGES = [
    Change(
        Address("artifacttype", "python-mlflow"),
        Action.CREATE,
        Effect.RECORD,
        Cause(Reason.NOT_RECORDED),
        planned={"artifactType": "python/mlflow"},
    ),
    Change(
        Address("processor", "python-mlflow"),
        Action.CREATE,
        Effect.RECORD,
        Cause(Reason.NOT_RECORDED),
        planned={"artifactType": "python/mlflow"},
    ),
    Change(
        Address("runtime", "python-mlflow"),
        Action.CREATE,
        Effect.RECORD,
        Cause(Reason.NOT_RECORDED),
        planned={"artifactType": "python/mlflow"},
    ),
    Change(
        Address("experiment", "fraud-2"),
        Action.CREATE,
        Effect.RECORD,
        Cause(Reason.NOT_RECORDED),
        planned={
            "metadata": {"author": "eve\x1b[31m", "git": "4f3a", "notes": "many words " * 30},
            "statistics": {"auc": 0.93, "logloss": 0.21},
        },
    ),
    Change(
        Address("artifact", "fraud-2"),
        Action.CREATE,
        Effect.FETCH,
        Cause(Reason.NOT_RECORDED),
        planned={
            "experiment": "fraud-2",
            "type": "python/mlflow",
            "source": "models/fraud-2",
            "digest": digest("a"),
        },
    ),
    Change(
        Address("model", "fraud"),
        Action.UPDATE,
        Effect.RECORD,
        Cause(Reason.ARGUMENTS, ("versions", "2")),
        prior={"versions": {"1": "fraud-1"}},
        planned={"versions": {"1": "fraud-1", "2": "fraud-2"}},
        differences=(Difference(("versions", "2"), None, "fraud-2"),),
    ),
    Change(
        BUILD,
        Action.CREATE,
        Effect.BUILD,
        Cause(Reason.NOT_RECORDED),
        planned={
            "artifact": "fraud-2",
            "source": digest("a"),
            "artifactType": "python/mlflow",
            "processor": {"command": ["python", "-m", "specr_mlflow.process"]},
            "modelType": "python-mlflow",
            "timeout": 600,
            "provider": "local",
        },
        unknown=(("digest",), ("size",)),
        provider="local",
        token="t",
    ),
    Change(
        FRAUD,
        Action.UPDATE,
        Effect.ROLL_OUT,
        Cause(Reason.ARGUMENTS, ("version",)),
        prior={
            "model": "fraud",
            "version": 1,
            "modelId": "fraud-v1",
            "experiment": "fraud-1",
            "build": "build/fraud-1.mlflow",
            "modelDigest": digest("b"),
            "runtime": runtime(),
            "provider": "local",
            "replicas": 1,
            "schema": {},
        },
        planned={
            "model": "fraud",
            "version": 2,
            "modelId": "fraud-v2",
            "experiment": "fraud-2",
            "build": "build/fraud-2.mlflow",
            "modelDigest": placeholder(BUILD, "digest"),
            "runtime": runtime(),
            "provider": "local",
            "replicas": 1,
            "schema": {},
        },
        differences=(
            Difference(("version",), 1, 2),
            Difference(("modelId",), "fraud-v1", "fraud-v2"),
            Difference(("experiment",), "fraud-1", "fraud-2"),
            Difference(("modelDigest",), digest("b"), None, unknown=True),
            Difference(("runtime", "env", "LEVEL"), "info", "debug"),
            Difference(("runtime", "env", "NEW"), None, "1"),
            Difference(("runtime", "command", 2), "specr_mlflow.serve", "specr_mlflow.serve2"),
        ),
        unknown=(("modelDigest",), ("endpoint",)),
        after=(BUILD,),
        provider="local",
        token="x",
        interrupts=True,
        discard=(ObjectRef(FRAUD, "local", "d1"),),
    ),
    Change(
        Address("deployment", "new"),
        Action.CREATE,
        Effect.ROLL_OUT,
        Cause(Reason.NOT_RECORDED),
        planned={
            "model": "fraud",
            "version": 2,
            "modelId": "fraud-v2",
            "experiment": "fraud-2",
            "build": str(BUILD),
            "modelDigest": placeholder(BUILD, "digest"),
            "runtime": runtime(),
            "provider": "local",
            "replicas": 2,
            "env": {"A": "1"},
            "verify": [{"row": {"amount": 1.0, "age": 3}, "expect": {"prediction": 0.25}}],
            "schema": {
                "input": columns(("amount", "Float64"), ("age", "Int64"), ("merchant category", "String")),
                "output": columns(("prediction", "Float64")),
            },
        },
        unknown=(("modelDigest",), ("endpoint",)),
        provider="local",
        token="x",
    ),
    Change(
        CHURN,
        Action.REPLACE,
        Effect.ROLL_OUT,
        Cause(Reason.MISSING, message="process 4711 has exited with status 137"),
        prior={"model": "churn", "version": 1},
        planned={"model": "churn", "version": 1},
        unknown=(("endpoint",),),
        provider="local",
        token="x",
    ),
    Change(
        Address("deployment", "old"),
        Action.DELETE,
        Effect.REMOVE,
        Cause(Reason.NOT_DECLARED),
        prior={"model": "old", "version": 1, "modelId": "old-v1", "replicas": 1, "runtime": runtime()},
        provider="local",
        token="x",
    ),
    Change(Address("experiment", "old"), Action.FORGET, Effect.RECORD, Cause(Reason.NOT_DECLARED), prior={}),
]
PLAN = Plan(
    "apply",
    "l",
    3,
    digest("c"),
    tuple(CHANGES),
    drift=(
        Drift(CHURN, "process 4711 has exited with status 137", healed=True),
        Drift(Address("deployment", "eu"), "it was scaled", (Difference(("replicas",), 2, 1),), healed=False),
        Drift(
            Address("deployment", "us"),
            "process 4712 gave no answer at http://127.0.0.1:8090/readyz within 2 s",
            silent=True,
        ),
    ),
    unchanged=12,
)

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from specr.address import Address
from specr.apply.secrets import check_secrets
from specr.diagnostics import DiagnosticError
from specr.plan.model import Action, Cause, Change, Effect, Reason
from specr.plan.observed import ProviderSchema

HERE = frozenset({"env", "file"})
CLUSTER = frozenset({"env", "file", "secret"})


def secret(**place: Any) -> dict[str, Any]:
    return {"valueFrom": place}


def change(
    planned: dict[str, Any] | None, effect: Effect = Effect.ROLL_OUT, kind: str = "deployment"
) -> Change:
    action = Action.CREATE if planned else Action.DELETE
    return Change(
        Address(kind, "a"), action, effect, Cause(Reason.NOT_RECORDED), planned=planned, provider="p"
    )


def missing(
    changes: list[Change], usable: frozenset[str], base: Path
) -> list[tuple[str, tuple[object, ...]]]:
    """The summary and the place of each secret that is told to be missing."""
    try:
        check_secrets(changes, lambda name: ProviderSchema(secrets=usable), base)
    except DiagnosticError as error:
        return [(found.summary, found.path) for found in error.diagnostics]
    return []


def test_all_that_is_missing_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THERE", "x")
    monkeypatch.delenv("GONE", raising=False)
    (tmp_path / "key").write_text("x")
    runtime = {
        "env": {"A": secret(env="GONE"), "B": secret(env="GONE"), "C": secret(file="key"), "D": "text"}
    }
    own = {"B": secret(env="THERE"), "E": secret(file="nowhere")}
    deployment = change({"runtime": runtime, "env": own})
    build = change({"processor": {"env": {"F": secret(env="GONE")}}}, Effect.BUILD, "build")
    assert missing([deployment, build], HERE, tmp_path) == [
        ("Missing secret", ("spec", "env", "A")),
        ("Missing secret", ("spec", "env", "E")),
        ("Missing secret", ("spec", "env", "F")),
    ]


@pytest.mark.parametrize(
    ("usable", "told"), [(CLUSTER, []), (HERE, [("Secret out of reach", ("spec", "env", "A"))])]
)
def test_what_lies_in_a_cluster_is_the_clusters_business(
    usable: frozenset[str], told: list[object], tmp_path: Path
) -> None:
    asked = change({"runtime": {}, "env": {"A": secret(secret={"name": "n", "key": "k"})}})
    assert missing([asked], usable, tmp_path) == told


@pytest.mark.parametrize(
    ("planned", "effect", "usable"),
    [
        ({}, Effect.VERIFY, HERE),
        ({}, Effect.REUSE, HERE),
        ({}, Effect.RECORD, HERE),
        (None, Effect.REMOVE, HERE),
        ({}, Effect.ROLL_OUT, frozenset()),
    ],
)
def test_nobody_asks_for_a_secret_that_no_process_gets(
    planned: dict[str, Any] | None, effect: Effect, usable: frozenset[str], tmp_path: Path
) -> None:
    arguments = None if planned is None else {"runtime": {}, "env": {"A": secret(file="nowhere")}}
    assert missing([change(arguments, effect)], usable, tmp_path) == []

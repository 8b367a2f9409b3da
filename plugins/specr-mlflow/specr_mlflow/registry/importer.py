"""What `specr import mlflow` finds: registered models, their versions, and what their runs measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from specr.canonical import JsonObject
from specr.diagnostics import Diagnostic, Severity
from specr.importing.protocol import Found, FoundModel, FoundVersion, Wanted, Which
from specr_mlflow.registry.client import AbsentError, MlflowServer
from specr_mlflow.registry.place import find_place, server_at
from specr_mlflow.registry.versions import READY, ModelVersion, RegisteredModel, Versions, filter_by

_STAGES: Final = ("production", "staging")
"""Stages that become aliases, from before MLflow had these. What is archived, nobody deploys."""

_AT_ONCE: Final = 8
_OWN_TAGS: Final = "mlflow."


class MlflowImporter:
    """Lists registered models. Fulfils `Importer`; see there for what it promises."""

    def find(self, wanted: Wanted) -> Found:
        """See `Importer`. Versions that are not ready are left out, with a warning."""
        place = wanted.place
        server = server_at(place) if place else find_place(wanted.settings.get("models", {})).registry
        look = _Look(MlflowServer(server), wanted.which)
        models = tuple(sorted(look.models(wanted.models), key=lambda model: model.name))
        return Found(
            models,
            artifact_type="python/mlflow",
            packs=("mlflow",),
            sources={"models": {"trackingUri": server.url}} if place else {},
            diagnostics=tuple(look.diagnostics),
        )


class _Look:
    """One look at a registry."""

    def __init__(self, server: MlflowServer, which: Which) -> None:
        self._server = server
        self._versions = Versions(server)
        self._which = which
        self.diagnostics: list[Diagnostic] = []

    def models(self, names: Iterable[str]) -> Iterator[FoundModel]:
        if names:
            found = [self._versions.model(name) for name in dict.fromkeys(names)]
        else:
            told = self._server.pages("registered-models/search", "registered_models")
            found = [self._versions.decode_model(item) for item in told]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="specr-import") as pool:
            for model in found:
                if (made := self._model(model, pool)) is not None:
                    yield made

    def _model(self, model: RegisteredModel, pool: ThreadPoolExecutor) -> FoundModel | None:
        told = list(
            self._server.pages("model-versions/search", "model_versions", filter=filter_by(model.name))
        )
        aliases = _aliases(model)
        pairs = [(self._versions.decode_version(item), item) for item in told]
        wanted = sorted(self._wanted(pairs, aliases), key=lambda pair: int(pair[0].number))
        if not wanted:
            self.diagnostics.append(_nothing(model, self._which))
            return None
        runs = pool.map(self._run, (version.run for version, _ in wanted))
        return FoundModel(
            model.name,
            tuple(_version(v, item, run) for (v, item), run in zip(wanted, runs, strict=True)),
            aliases,
            model.description,
        )

    def _wanted(
        self, pairs: list[tuple[ModelVersion, Mapping[str, Any]]], aliases: Mapping[str, int]
    ) -> Iterator[tuple[ModelVersion, Mapping[str, Any]]]:
        ready = [pair for pair in pairs if pair[0].status in ("", READY)]
        self.diagnostics += [_not_ready(v) for v, _ in pairs if v.status not in ("", READY)]
        latest = max((int(v.number) for v, _ in ready), default=0)
        numbers = {Which.ALIASED: set(aliases.values()), Which.LATEST: {latest}}.get(self._which)
        return (pair for pair in ready if numbers is None or int(pair[0].number) in numbers)

    def _run(self, run: str) -> Mapping[str, Any]:
        """What the training run was told and measured; nothing where it was deleted."""
        if not run:
            return {}
        try:
            answer = self._server.ask("runs/get", run_id=run)
        except AbsentError:
            return {}
        told = answer.get("run")
        data = told.get("data") if isinstance(told, dict) else None
        return data if isinstance(data, dict) else {}


def _version(version: ModelVersion, told: Mapping[str, Any], run: Mapping[str, Any]) -> FoundVersion:
    tags = _pairs(told.get("tags"))
    return FoundVersion(
        int(version.number),
        version.pinned,
        description=str(told.get("description") or ""),
        metadata={key: str(value) for key, value in tags.items() if not key.startswith(_OWN_TAGS)},
        parameters={key: str(value) for key, value in _pairs(run.get("params")).items()},
        statistics={
            key: value
            for key, value in _pairs(run.get("metrics")).items()
            if isinstance(value, int | float) and math.isfinite(value)
        },
    )


def _pairs(told: Any) -> JsonObject:
    """MLflow's lists of keys and values as one mapping."""
    items = [item for item in told or () if isinstance(item, dict) and isinstance(item.get("key"), str)]
    return {item["key"]: item.get("value", "") for item in sorted(items, key=lambda item: item["key"])}


def _aliases(model: RegisteredModel) -> Mapping[str, int]:
    """Aliases, and stages where no alias has that name."""
    stages = {v.stage.lower(): int(v.number) for v in sorted(model.newest, key=lambda v: int(v.number))}
    named = {alias: int(number) for alias, number in model.aliases.items() if number.isdigit()}
    return {**{stage: stages[stage] for stage in _STAGES if stage in stages}, **named}


def _not_ready(version: ModelVersion) -> Diagnostic:
    return Diagnostic(
        "Model version left out",
        f"Version {version.number} of {version.name!r} has the status {version.status}.",
        "Import again once it is ready.",
        severity=Severity.WARNING,
    )


def _nothing(model: RegisteredModel, which: Which) -> Diagnostic:
    what = "no version with an alias" if which is Which.ALIASED else "no version that is ready"
    return Diagnostic(
        "Registered model left out",
        f"{model.name!r} has {what}.",
        "Import all versions with --versions all." if which is Which.ALIASED else "Register a version.",
        severity=Severity.WARNING,
    )

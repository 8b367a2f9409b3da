"""Which version a reference means now, and what the registry knows of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from specr.canonical import JsonObject
from specr.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from specr_mlflow.registry.client import AbsentError, MlflowServer, strange
from specr_mlflow.registry.reference import By, ModelReference, pinned_to

READY: Final = "READY"
_SOME: Final = 20
_NO_STAGE: Final = "None"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of a registered model, as the registry tells it. `created` is in milliseconds."""

    name: str
    number: str
    created: int | None
    run: str
    source: str
    stage: str
    status: str
    message: str

    @property
    def pinned(self) -> str:
        """The reference that always means this version."""
        return pinned_to(self.name, self.number)

    @property
    def identity(self) -> JsonObject:
        """What stays the same as long as it is the same version of the same model.

        The date of the last change is left out: MLflow moves it when somebody edits a
        description. That of the creation is there, since a model that was deleted and
        registered again counts from 1 anew.
        """
        told = {"created": self.created, "model": self.name, "run": self.run, "source": self.source}
        return {"version": self.number, **{key: value for key, value in told.items() if value}}


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A registered model: its newest version in each stage, and the versions that aliases name."""

    name: str
    newest: tuple[ModelVersion, ...]
    aliases: Mapping[str, str]
    description: str = ""


class Versions:
    """Finds versions of registered models at one server."""

    def __init__(self, server: MlflowServer) -> None:
        self._server = server

    def find(self, reference: ModelReference) -> ModelVersion:
        """The version that a reference means now.

        Raises:
            DiagnosticError: there is none, it is not ready, or the server does not answer.
        """
        match reference.by:
            case By.VERSION:
                found = self.by_number(reference.name, reference.value)
            case By.ALIAS:
                found = self._by_alias(reference)
            case _:
                found = self._newest(reference)
        if found.status not in ("", READY):
            raise DiagnosticError(_not_ready(found))
        return found

    def by_number(self, name: str, number: str) -> ModelVersion:
        """A version by its number."""
        try:
            answer = self._server.ask("model-versions/get", name=name, version=number)
        except AbsentError:
            model = self.model(name)
            raise DiagnosticError(self._no_version(model, number)) from None
        return self._decode(answer)

    def model(self, name: str) -> RegisteredModel:
        """A registered model by its name."""
        try:
            answer = self._server.ask("registered-models/get", name=name)
        except AbsentError as error:
            if not error.is_known:
                raise DiagnosticError(
                    strange(self._server.server, "has no registry at this address")
                ) from None
            raise DiagnosticError(self._no_model(name)) from None
        return self.decode_model(answer.get("registered_model"))

    def decode_model(self, told: Any) -> RegisteredModel:
        """A registered model out of an answer."""
        if not isinstance(told, dict) or not isinstance(told.get("name"), str):
            raise DiagnosticError(strange(self._server.server, "describes a model without a name"))
        aliases = {
            str(item.get("alias")): str(item.get("version"))
            for item in told.get("aliases") or ()
            if isinstance(item, dict)
        }
        newest = tuple(self.decode_version(item) for item in told.get("latest_versions") or ())
        return RegisteredModel(told["name"], newest, aliases, str(told.get("description") or ""))

    def decode_version(self, told: Any) -> ModelVersion:
        """A version out of an answer."""
        number = str(told.get("version", "")) if isinstance(told, dict) else ""
        if not number.isascii() or not number.isdigit() or not isinstance(told.get("name"), str):
            raise DiagnosticError(strange(self._server.server, "describes a version without a number"))
        created = told.get("creation_timestamp")
        return ModelVersion(
            told["name"],
            number,
            int(created) if created is not None and str(created).isdigit() else None,
            str(told.get("run_id") or ""),
            str(told.get("source") or ""),
            str(told.get("current_stage") or _NO_STAGE),
            str(told.get("status") or ""),
            str(told.get("status_message") or ""),
        )

    def download_uri(self, version: ModelVersion) -> str:
        """Where the files of a version lie; from MLflow 3 on, its `source` is no address.

        Raises:
            DiagnosticError: it was deleted meanwhile, or the server does not answer.
        """
        try:
            answer = self._server.ask(
                "model-versions/get-download-uri", name=version.name, version=version.number
            )
        except AbsentError:
            raise DiagnosticError(self._no_version(self.model(version.name), version.number)) from None
        return str(answer.get("artifact_uri") or version.source)

    def _decode(self, answer: Mapping[str, Any]) -> ModelVersion:
        return self.decode_version(answer.get("model_version"))

    def _by_alias(self, reference: ModelReference) -> ModelVersion:
        try:
            answer = self._server.ask("registered-models/alias", name=reference.name, alias=reference.value)
        except AbsentError as error:
            model = self.model(reference.name)
            raise DiagnosticError(self._no_alias(model, reference, is_known=error.is_known)) from None
        return self._decode(answer)

    def _newest(self, reference: ModelReference) -> ModelVersion:
        """The newest version of all, or of those in a stage."""
        model = self.model(reference.name)
        found = [
            version
            for version in model.newest
            if reference.by is By.LATEST or version.stage.lower() == reference.value.lower()
        ]
        if not found:
            raise DiagnosticError(self._no_stage(model, reference))
        return max(found, key=lambda version: int(version.number))

    def _no_model(self, name: str) -> Diagnostic:
        try:
            names = [
                str(told.get("name"))
                for told in self._server.pages("registered-models/search", "registered_models")
            ]
        except (AbsentError, DiagnosticError):
            names = None  # a guess is not worth a second failure
        return Diagnostic(
            "Registered model not found",
            f"The registry at {self._server.server.shown} has no model {name!r}.",
            did_you_mean(name, names or ()) or f"Correct the name{'' if names is None else _known(names)}.",
        )

    def _no_version(self, model: RegisteredModel, number: str) -> Diagnostic:
        told = self._server.pages("model-versions/search", "model_versions", filter=filter_by(model.name))
        numbers = sorted((self.decode_version(item).number for item in told), key=int)
        return Diagnostic(
            "Model version not found",
            f"The registry at {self._server.server.shown} has no version {number} of {model.name!r}; it may "
            "have been deleted.",
            f"Name another version{_known(numbers[-_SOME:])}.",
        )

    def _no_alias(self, model: RegisteredModel, reference: ModelReference, *, is_known: bool) -> Diagnostic:
        if not is_known:
            return Diagnostic(
                "Registry without aliases",
                f"{reference} names an alias, which the MLflow server at {self._server.server.shown} does "
                "not know yet; MLflow has them since 2.3.",
                f"Name a version or a stage: {pinned_to(model.name, 'Production')}.",
            )
        return Diagnostic(
            "Model alias not found",
            f"No version of {model.name!r} has the alias {reference.value!r} in the registry at "
            f"{self._server.server.shown}.",
            did_you_mean(reference.value, model.aliases)
            or f"Give a version this alias, or name another{_known(sorted(model.aliases))}.",
        )

    def _no_stage(self, model: RegisteredModel, reference: ModelReference) -> Diagnostic:
        if reference.by is By.LATEST:
            return Diagnostic(
                "Model version not found",
                f"The registered model {model.name!r} at {self._server.server.shown} has no versions.",
                "Register a version.",
            )
        stages = sorted({version.stage for version in model.newest if version.stage != _NO_STAGE})
        return Diagnostic(
            "No version in this stage",
            f"No version of {model.name!r} is in the stage {reference.value!r} in the registry at "
            f"{self._server.server.shown}.",
            did_you_mean(reference.value, stages)
            or f"Move a version to this stage, or name another{_known(stages)}. (An alias is written "
            f"models:/{model.name}@{reference.value}.)",
        )


def filter_by(name: str) -> str:
    """MLflow's words for the versions of one model."""
    quote = '"' if "'" in name else "'"
    return f"name={quote}{name}{quote}"


def _known(names: Iterable[str]) -> str:
    some = list(names)
    if not some:
        return "; there are none"
    rest = f" and {len(some) - _SOME} more" if len(some) > _SOME else ""
    return f"; there are: {', '.join(some[:_SOME])}{rest}"


def _not_ready(version: ModelVersion) -> Diagnostic:
    said = f": {version.message}" if version.message else ""
    return Diagnostic(
        "Model version is not ready",
        f"Version {version.number} of {version.name!r} has the status {version.status}{said}.",
        "Wait until it is ready, or register it again.",
    )

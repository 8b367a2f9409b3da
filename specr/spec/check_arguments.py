"""What must hold inside one resource, or between a deployment and its model, beyond types.

Like the other checks: takes resources that decode, and returns findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from specr.address import Address
from specr.diagnostics import Diagnostic, Path, did_you_mean
from specr.resources.columns import Column, ModelSchema
from specr.resources.compute import RESERVED_VARIABLES, SecretValue
from specr.resources.deployment import Deployment
from specr.resources.experiment import Experiment
from specr.resources.experiment_schema import INPUT_KEY, OUTPUT_KEY, metadata_schema, parse_columns
from specr.resources.model import Model
from specr.resources.types import Processor, Runtime
from specr.spec.checks import Known
from specr.spec.variables import is_variable_name


def check_environments(known: Known) -> Iterator[Diagnostic]:
    """No reserved variable is set, and each secret has one source."""
    for address, resource in known.resources.items():
        if not isinstance(resource, (Processor, Runtime, Deployment)):
            continue
        for name, value in resource.env.items():
            path: Path = ("spec", "env", name)
            if name in RESERVED_VARIABLES:
                yield Diagnostic(
                    "Reserved environment variable",
                    f"{address} sets {name}, which specr itself sets.",
                    f"Remove it; reserved are {', '.join(sorted(RESERVED_VARIABLES))}.",
                    address=address,
                    path=path,
                )
            if isinstance(value, SecretValue):
                given = [n for n in ("env", "file", "secret") if getattr(value.value_from, n) is not None]
                if len(given) != 1:
                    yield Diagnostic(
                        "Secret without one source",
                        f"{address} takes {name} from {' and '.join(given) or 'nowhere'}.",
                        "Give exactly one of env, file and secret.",
                        address=address,
                        path=(*path, "valueFrom"),
                    )


def check_commands(known: Known) -> Iterator[Diagnostic]:
    """A command begins with a program."""
    for address, resource in known.resources.items():
        if (
            isinstance(resource, (Processor, Runtime))
            and resource.command
            and not resource.command[0].strip()
        ):
            yield Diagnostic(
                "Command without a program",
                f"The command of {address} begins with an empty or blank text.",
                "Write the program first, such as `command: [python, -m, my_program]`.",
                address=address,
                path=("spec", "command", 0),
            )


def check_models(known: Known) -> Iterator[Diagnostic]:
    """An experiment is one version of one model, and aliases name versions."""
    registered: dict[str, tuple[Address, int]] = {}
    for address, model in known.resources.items():
        if not isinstance(model, Model):
            continue
        for number, experiment in sorted(model.versions.items()):
            earlier = registered.setdefault(experiment, (address, number))
            if earlier != (address, number):
                yield Diagnostic(
                    "Experiment is registered twice",
                    f"experiment/{experiment} is version {earlier[1]} of {earlier[0]} "
                    f"and version {number} of {address}.",
                    "Remove one of the two: an experiment is one version of one model.",
                    address=address,
                    path=("spec", "versions", number),
                )
        for alias, number in model.aliases.items():
            if number not in model.versions:
                yield Diagnostic(
                    "Alias to no version",
                    f"The alias {alias} of {address} names version {number}, which it does not have.",
                    _versions_of(model),
                    address=address,
                    path=("spec", "aliases", alias),
                )


def check_deployments(known: Known) -> Iterator[Diagnostic]:
    """A deployment names a version that its model has, in one way."""
    for address, deployment in known.resources.items():
        if not isinstance(deployment, Deployment):
            continue
        if (deployment.version is None) == (deployment.alias is None):
            yield _no_one_version(address, neither=deployment.version is None)
            continue
        model = known.resources.get(Address("model", deployment.model))
        if isinstance(model, Model):
            yield from _check_version(address, deployment, model)


def _no_one_version(address: Address, *, neither: bool) -> Diagnostic:
    remedy = "Give exactly one of the two."
    if neither:
        detail = f"{address} has neither version nor alias."
        return Diagnostic("Deployment without a version", detail, remedy, address=address, path=("spec",))
    return Diagnostic(
        "Deployment with version and alias",
        f"{address} has both version and alias.",
        remedy,
        address=address,
        path=("spec", "alias"),
        at_key=True,
    )


def _check_version(address: Address, deployment: Deployment, model: Model) -> Iterator[Diagnostic]:
    if deployment.version is not None and deployment.version not in model.versions:
        yield Diagnostic(
            "Model has no such version",
            f"{address} runs version {deployment.version} of {model.address}.",
            _versions_of(model),
            address=address,
            path=("spec", "version"),
        )
    if deployment.alias is not None and deployment.alias not in model.aliases:
        known = ", ".join(sorted(model.aliases))
        yield Diagnostic(
            "Model has no such alias",
            f"{address} runs the alias {deployment.alias} of {model.address}.",
            did_you_mean(deployment.alias, model.aliases)
            or (f"Its aliases are {known}." if known else "It has no aliases; add one, or give a version."),
            address=address,
            path=("spec", "alias"),
        )


def _versions_of(model: Model) -> str:
    numbers = [str(number) for number in sorted(model.versions)]
    if not numbers:
        return "It has no versions: declare one in its `versions`."
    if len(numbers) == 1:
        return f"Name its one version, {numbers[0]}, or declare another in its `versions`."
    some = ", ".join(numbers) if len(numbers) <= 10 else f"{len(numbers)} of them, up to {numbers[-1]}"
    return f"Name one of its versions ({some}), or declare another in its `versions`."


def check_schemas(known: Known) -> Iterator[Diagnostic]:
    """Column names are unique, and schemas in metadata can be read."""
    for address, experiment in known.resources.items():
        if not isinstance(experiment, Experiment):
            continue
        if experiment.declared_schema is not None:
            yield from _check_names(address, ("spec", "schema"), experiment.declared_schema)
        readable = True
        for key in (INPUT_KEY, OUTPUT_KEY):
            found = _check_metadata(address, key, experiment)
            readable = readable and found is None
            if found is not None:
                yield found
        declared, recorded = experiment.declared_schema, metadata_schema(experiment) if readable else None
        if declared is not None and recorded is not None and declared != recorded:
            yield Diagnostic(
                "Schema is declared in two ways",
                f"{address} has a schema, and its metadata has another.",
                f"Make them the same, or remove {INPUT_KEY} and {OUTPUT_KEY} from the metadata.",
                address=address,
                path=("spec", "schema"),
            )


def _check_metadata(address: Address, key: str, experiment: Experiment) -> Diagnostic | None:
    path = ("spec", "metadata", key)
    if key not in experiment.metadata:
        other = OUTPUT_KEY if key == INPUT_KEY else INPUT_KEY
        if other not in experiment.metadata or experiment.declared_schema is not None:
            return None
        detail = f"The metadata of {address} has {other}, but not {key}."
        return Diagnostic(
            "Schema is incomplete", detail, f"Add {key}.", address=address, path=(*path[:-1], other)
        )
    try:
        columns = parse_columns(experiment.metadata[key])
    except ValueError as error:
        detail = f"{key} in the metadata of {address} can't be read: {error}."
        remedy = "Write a list such as [{name: amount, type: Float64}], or JSON text of one under json_value."
        return Diagnostic("Malformed schema", detail, remedy, address=address, path=path)
    twice = _first_twice(columns)
    if twice is None:
        return None
    return _named_twice(address, path, columns[twice], key)


def _check_names(address: Address, path: Path, schema: ModelSchema) -> Iterator[Diagnostic]:
    for side, columns in (("input", schema.input), ("output", schema.output)):
        twice = _first_twice(columns)
        if twice is not None:
            yield _named_twice(address, (*path, side, twice, "name"), columns[twice], side)


def _first_twice(columns: tuple[Column, ...]) -> int | None:
    seen: set[str] = set()
    for position, column in enumerate(columns):
        if column.name in seen:
            return position
        seen.add(column.name)
    return None


def _named_twice(address: Address, path: Path, column: Column, side: str) -> Diagnostic:
    return Diagnostic(
        "Column is declared twice",
        f"{address} has two columns {column.name[:60]!r} in {side}.",
        "Rename or remove one.",
        address=address,
        path=path,
    )


def check_variables(known: Known) -> Iterator[Diagnostic]:
    """Variables have names that references can write."""
    variables: Mapping[str, object] = known.project.variables
    for name in variables:
        if not is_variable_name(name):
            yield Diagnostic(
                "Bad name of a variable",
                f"`${{var.…}}` can't refer to {name[:60]!r}.",
                "Begin with a letter or underscore; go on with letters, digits, underscores and dashes.",
                address=known.project.address,
                path=("spec", "variables", name),
            )

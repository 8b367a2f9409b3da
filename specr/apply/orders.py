"""From planned arguments, complete with all values, to the orders that providers get."""

from __future__ import annotations

from typing import Final

from specr.address import Address
from specr.canonical import JsonObject, encode_json
from specr.plan.desired import fixed_port, readiness_path
from specr.providers.orders import decode_environment
from specr.providers.protocol import BuildOrder, DeploymentOrder
from specr.resources.compute import POLICY_VARIABLE, Compute, Environment
from specr.resources.convert import convert
from specr.resources.deployment import GoldenRow

MODEL_SCHEMA: Final = "SPECR_MODEL_SCHEMA"
"""The variable by which a runtime learns the schema of a model that does not carry its own."""


def environment_of(arguments: JsonObject) -> Environment:
    """The variables that specs set for a build or a deployment, whose own count over its runtime's."""
    program = arguments.get("processor") or arguments.get("runtime") or {}
    return decode_environment({**(program.get("env") or {}), **(arguments.get("env") or {})})


def decode_build_order(address: Address, arguments: JsonObject, token: str) -> BuildOrder:
    """The order for a build."""
    processor = arguments["processor"]
    env = dict(environment_of(arguments))
    if "policy" in arguments:
        env[POLICY_VARIABLE] = encode_json(arguments["policy"]).decode()
    return BuildOrder(
        address=address,
        token=token,
        source=arguments["source"],
        image=processor.get("image"),
        image_id=processor.get("imageId"),
        command=tuple(processor.get("command", ())),
        env=env,
        resources=convert(processor.get("resources") or {}, Compute),
        timeout=arguments["timeout"],
    )


def decode_deployment_order(address: Address, arguments: JsonObject, token: str) -> DeploymentOrder:
    """The order for a deployment."""
    runtime = arguments["runtime"]
    env = dict(environment_of(arguments))
    if arguments.get("schemaFrom") == "experiment":
        env.setdefault(MODEL_SCHEMA, encode_json(arguments["schema"]).decode())
    resources = arguments.get("resources") or runtime.get("resources") or {}
    return DeploymentOrder(
        address=address,
        token=token,
        model=arguments["modelDigest"],
        model_id=arguments["modelId"],
        image=runtime.get("image"),
        image_id=runtime.get("imageId"),
        command=tuple(runtime.get("command", ())),
        env=env,
        resources=convert(resources, Compute),
        replicas=arguments["replicas"],
        port=fixed_port(arguments),
        readiness_path=readiness_path(arguments),
        labels=arguments.get("labels") or {},
        readiness_timeout=runtime["readiness"]["timeout"],
        schema=arguments["schema"],
        golden=tuple(convert(row, GoldenRow) for row in arguments.get("verify", ())),
    )

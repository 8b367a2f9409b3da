"""From planned arguments, complete with all values, to the orders that providers get."""

from __future__ import annotations

from typing import Final

from specr.address import Address
from specr.canonical import JsonObject, encode_json
from specr.plan.desired import fixed_port
from specr.providers.orders import decode_environment
from specr.providers.protocol import BuildOrder, DeploymentOrder
from specr.resources.compute import POLICY_VARIABLE, Compute
from specr.resources.convert import convert
from specr.resources.deployment import GoldenRow

MODEL_SCHEMA: Final = "SPECR_MODEL_SCHEMA"
"""The variable by which a runtime learns the schema of a model that does not carry its own."""


def decode_build_order(address: Address, arguments: JsonObject, token: str) -> BuildOrder:
    """The order for a build."""
    processor = arguments["processor"]
    env = dict(processor.get("env") or {})
    if "policy" in arguments:
        env[POLICY_VARIABLE] = encode_json(arguments["policy"]).decode()
    return BuildOrder(
        address=address,
        token=token,
        source=arguments["source"],
        image=processor.get("image"),
        image_id=processor.get("imageId"),
        command=tuple(processor.get("command", ())),
        env=decode_environment(env),
        resources=convert(processor.get("resources") or {}, Compute),
        timeout=arguments["timeout"],
    )


def decode_deployment_order(address: Address, arguments: JsonObject, token: str) -> DeploymentOrder:
    """The order for a deployment: the runtime's settings, under the deployment's own."""
    runtime = arguments["runtime"]
    env = {**(runtime.get("env") or {}), **(arguments.get("env") or {})}
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
        env=decode_environment(env),
        resources=convert(resources, Compute),
        replicas=arguments["replicas"],
        port=fixed_port(arguments),
        readiness_path=runtime["readiness"]["path"],
        labels=arguments.get("labels") or {},
        readiness_timeout=runtime["readiness"]["timeout"],
        schema=arguments["schema"],
        golden=tuple(convert(row, GoldenRow) for row in arguments.get("verify", ())),
    )
